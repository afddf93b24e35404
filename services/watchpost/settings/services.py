"""What each service of a site can be told."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from watchpost.settings.strict import StrictModel

__all__ = [
    "BridgeSettings",
    "EventSettings",
    "FrameSettings",
    "InferenceSettings",
    "IngestSettings",
    "ServicePorts",
    "TelemetrySettings",
    "ThumbnailSettings",
]


class FrameSettings(StrictModel):
    """Where frames lie between ingest and whoever looks at them."""

    url: str = "file:///dev/shm/watchpost"
    max_bytes: int = Field(default=512 * 1024 * 1024, ge=16 * 1024 * 1024)
    keep_s: float = Field(default=30, gt=0)
    codec: Literal["i420", "jpeg"] = "i420"


class IngestSettings(StrictModel):
    """How cameras are read."""

    idle_fps: float = Field(default=1, gt=0, description="frames a second while nothing moves")
    active_fps: float = Field(default=5, gt=0, description="frames a second, at least, while something moves")
    active_hold_s: float = Field(default=5, ge=0, description="how long a camera stays active after the last motion")
    follow_tracks: bool = Field(
        default=True, description="it also stays active while somebody is followed who keeps still, and 5 s after that"
    )
    open_timeout_s: float = Field(default=10, gt=0)
    offline_after_s: float = Field(default=15, gt=0, le=20)
    frame_ttl_s: float = Field(default=5, gt=0, description="after this an unanalysed frame is skipped")
    ring_s: float = Field(default=10, ge=2, le=120, description="coded video kept of each camera for what came before")
    ring_max_bytes: int = Field(
        default=24 * 1024 * 1024, ge=1024 * 1024, description="most bytes of it, per camera; older ones go"
    )
    group: str = "watchpost-ingest"


# a camera is one worker's, and a topic of frames has 24 partitions: more would have nothing to do
_MOST_WORKERS = 24


def _checked_workers(value: object) -> object:
    count = int(value) if isinstance(value, str) and value.isdecimal() else value
    if count == "auto" or (isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= _MOST_WORKERS):
        return count
    raise ValueError(f"{value!r} is no number of workers; write 1 to {_MOST_WORKERS}, or auto for one per visible GPU")


_Workers = Annotated[Annotated[int, Field(ge=1, le=_MOST_WORKERS)] | Literal["auto"], BeforeValidator(_checked_workers)]


class InferenceSettings(StrictModel):
    """How frames are analysed."""

    workers: _Workers = Field(
        default=1, description="processes that `watchpost up` runs, each on a GPU of its own; auto: one per visible GPU"
    )

    batch: int = Field(default=4, ge=1, le=64)
    batch_wait_ms: int = Field(
        default=20, ge=0, le=1000, description="no batch waits longer for more frames, and only while that gains"
    )
    latency_budget_ms: int = Field(
        default=300,
        ge=10,
        le=60_000,
        description="no batch waits for more frames if its oldest were answered later than this",
    )
    stale_after_s: float = Field(default=1, gt=0, description="while too many frames wait, older ones are skipped")
    wedged_after_s: float = Field(default=60, gt=0, description="a worker that looks at one batch longer is replaced")
    threads: int = Field(default=1, ge=1)
    pair_frames: bool = Field(
        default=False, description="two neighbouring frames of a camera are one look of a larger model"
    )
    crop_to_motion: bool = Field(
        default=False,
        description="where all tasks are in words a model is shown the part that changed, pixel by pixel; "
        "a question about any other place is then answered wrongly",
    )
    unsure_below: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="a model's answer is unsure where less probability than this lies on all that may be answered",
    )
    group: str = "watchpost-inference"


class EventSettings(StrictModel):
    """When observations become events."""

    count_interval_s: float = Field(default=10, gt=0, description="a person_count at least this often")
    fall_confirm_ms: int = Field(default=600, ge=0, le=10_000, description="how long somebody must lie")
    answers_needed: int = Field(default=3, ge=1, le=50, description="so many answers of yes tell a task's event ...")
    answers_of: int = Field(default=5, ge=1, le=50, description="... among so many, and as many of no end it")
    answers_span_ms: int = Field(default=1000, ge=0, le=60_000, description="the answers must span at least this time")
    cool_down_s: float = Field(default=30, ge=0, description="no second event of its kind of one person before this")
    thumbnail_interval_s: float = Field(default=10, gt=0)
    thumbnail_width_px: int = Field(default=320, ge=64, le=1920)
    thumbnail_quality: int = Field(default=70, ge=10, le=95)
    app_id: str = "watchpost-events"

    @model_validator(mode="after")
    def _answers_can_be_enough(self) -> "EventSettings":
        if self.answers_needed > self.answers_of:
            raise ValueError(
                f"answers_needed ({self.answers_needed}) of answers_of ({self.answers_of}) never come; raise answers_of"
            )
        return self


class ThumbnailSettings(StrictModel):
    """How thumbnails that wait go up."""

    order: Literal["oldest", "newest"] = Field(
        default="oldest", description="which go first; newest: after an outage the last ones are there at once"
    )
    max_age_s: float | None = Field(
        default=None, ge=60, description="older ones are not sent any more, and a delivery_gap names them"
    )


class BridgeSettings(StrictModel):
    """How records travel to the centre."""

    transaction_max_ms: int = Field(
        default=200,
        ge=10,
        le=2000,
        description="for how long one transaction takes records in; behind a backlog four times its commit",
    )
    transaction_max_records: int = Field(default=50_000, ge=1, description="at most so many in one transaction")
    dedup_window_records: int = Field(default=10_000, ge=0, description="how far back a replayed event is recognised")


class ServicePorts(StrictModel):
    """Where each service answers `/healthz`, `/readyz` and `/metrics`; 0 takes a free port.

    Further inference workers answer 10, 20, … above the first one's.
    """

    ingest: int = Field(default=9101, ge=0, le=65535)
    inference: int = Field(default=9102, ge=0, le=65535)
    events: int = Field(default=9103, ge=0, le=65535)
    bridge: int = Field(default=9104, ge=0, le=65535)


class TelemetrySettings(StrictModel):
    """Logs, metrics and health."""

    host: str = "127.0.0.1"
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    ports: ServicePorts = ServicePorts()
