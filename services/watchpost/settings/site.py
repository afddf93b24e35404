"""Everything that a site can be told, in one tree."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import Assignment, CameraId, CameraSpec, Question, SpecOrigin
from watchpost.settings.api import ApiSettings
from watchpost.settings.areas import RoiOrigin, roi_from_top_left
from watchpost.settings.bandwidth import BandwidthSettings
from watchpost.settings.cameras import Camera, CameraName, CameraSettings, ModelParams, StreamParams
from watchpost.settings.connections import CentralSettings, KafkaSettings
from watchpost.settings.recordings import RecordingSettings
from watchpost.settings.remote import RemoteSettings
from watchpost.settings.services import (
    BridgeSettings,
    EventSettings,
    FrameSettings,
    InferenceSettings,
    IngestSettings,
    TelemetrySettings,
    ThumbnailSettings,
)
from watchpost.settings.strict import StrictModel
from watchpost.settings.tasks import Asked, Questions, TaskSettings, asked_of, listed_questions, with_questions
from watchpost.settings.versions import versioned
from watchpost.vision.geometry import FULL_FRAME

__all__ = ["SiteIdentity", "SiteSettings"]


def _checked_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError):
        near = get_close_matches(value, available_timezones(), n=1)
        remedy = f"write one such as {near[0] if near else 'Europe/Berlin'}"
        raise ValueError(f"{value!r} is no time zone; {remedy}") from None
    return value


class SiteIdentity(StrictModel):
    """Which site this is, and what time it is there. `site: shop-12` is short for its name."""

    name: CameraName = "site"
    timezone: Annotated[str, AfterValidator(_checked_timezone)] = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)


# the environment's value too may be the name alone, so it is not read as JSON
_Site = Annotated[
    SiteIdentity,
    NoDecode,
    BeforeValidator(
        lambda value: value if isinstance(value, dict | SiteIdentity) else {"name": value},
        json_schema_input_type=CameraName | SiteIdentity,
    ),
]


class SiteSettings(BaseSettings):
    """Everything that a site can be told. `WATCHPOST_KAFKA__BOOTSTRAP=…` in the environment beats the file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="WATCHPOST_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    site: _Site = SiteIdentity()
    state_dir: Path = Path("var")
    cameras: dict[CameraName, Camera] = Field(default_factory=dict)
    tasks: Questions = ()
    max_streams: int = Field(default=4, ge=1, le=1000)
    roi_origin: RoiOrigin = "bottom-left"
    model_params: ModelParams = ModelParams()
    models_catalogue: Path | None = Field(default=None, description="a model catalogue of your own")
    remote: RemoteSettings | None = Field(default=None, description="the server of model_params.model: remote")
    stream_params: StreamParams = StreamParams()
    uplink: UplinkMode = Field(
        default=UplinkMode.METADATA,
        description="pictures that go up besides thumbnails of events and of the interval: metadata none; differential "
        "what changed by a tenth, 640 px wide, at most one a second; sampled one a second, 640 px wide; full those "
        "analysed, at most one a second, in their own size",
    )
    recordings: RecordingSettings = RecordingSettings()
    bandwidth: BandwidthSettings = BandwidthSettings()
    kafka: KafkaSettings = KafkaSettings()
    central: CentralSettings | None = None
    frames: FrameSettings = FrameSettings()
    ingest: IngestSettings = IngestSettings()
    inference: InferenceSettings = InferenceSettings()
    events: EventSettings = EventSettings()
    bridge: BridgeSettings = BridgeSettings()
    thumbnails: ThumbnailSettings = ThumbnailSettings()
    api: ApiSettings = ApiSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first: in a container it is what the operator can reach."""
        return env_settings, init_settings

    @property
    def questions(self) -> Mapping[str, Question]:
        """What this site asks in words, by name: its list, and what its cameras write out in place.

        Raises ConfigError where one name stands for two questions.
        """
        known: Mapping[str, Question] = listed_questions(self.tasks, "tasks")
        for name, camera in self.cameras.items():
            known = with_questions(known, camera.tasks, f"cameras.{name}.tasks")
        return known

    def asked(self, items: Iterable[str | TaskSettings], key: str) -> Asked:
        """What these items of `tasks` ask. Raises ConfigError, as `asked_of` does."""
        return asked_of(items, self.questions, key)

    def camera_spec(self, name: str) -> CameraSpec:
        """The configured camera `name`, as `spec_of` makes it."""
        return self.spec_of(name, self.cameras[name])

    def spec_of(self, name: str, camera: CameraSettings) -> CameraSpec:
        """A camera with the site's parameters filled in, and a version that changes when any of it does."""
        asked = self.asked(camera.tasks, f"cameras.{name}.tasks")
        roi = roi_from_top_left(camera.roi or self.stream_params.roi, self.roi_origin)
        height_px = camera.resolution or self.stream_params.resolution
        uplink = camera.uplink_mode(self.uplink)
        spec = CameraSpec(
            camera=CameraId(name),
            source=camera.source,
            secret_ref=camera.secret,
            origin=SpecOrigin.CONFIG,
            expires_at=None,
            max_frames=camera.max_frames or self.model_params.max_frames,
            skip_frames=self.model_params.skip_frames if camera.skip_frames is None else camera.skip_frames,
            height_px=height_px,
            roi=None if roi == FULL_FRAME else roi,
            assignment=Assignment(
                tasks=asked.tasks,
                zones=tuple(zone.record(name, self.roi_origin) for name, zone in camera.zones.items()),
                bandwidth_saving=uplink is not UplinkMode.FULL,
                thumbnail_interval_s=camera.thumbnail_interval_s or self.events.thumbnail_interval_s,
                questions=asked.questions,
                uplink=uplink,
            ),
            config_version="",
            substream=camera.substream,
            decoder=camera.decoder,
            regions=tuple(region.record(name, self.roi_origin, height_px) for name, region in camera.regions.items()),
            masks=camera.mask_records(self.roi_origin),
            recording=camera.recording.record(enabled_otherwise=self.recordings.enabled),
        )
        return versioned(spec)
