"""The published shape of what a call to /analyze asks; `answers.py` has what it is answered."""

import json
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from watchpost.contracts.asking import MOST_QUESTIONS
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import Task
from watchpost.settings.cameras import check_uplink
from watchpost.settings.tasks import TaskItem

__all__ = ["AnalyzeRequest", "OutputAsked", "WatchQuery"]

_DEFAULT_WINDOW_S = 10.0
_LONGEST_INTERVAL_S = 3600


def _written_out(value: Any) -> Any:
    """A query has no objects: there a task in words is JSON."""
    if not (isinstance(value, str) and value.startswith("{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value  # no name either, and refused as such


_LOOKED_FOR = (
    f"What to look for: {', '.join(f'`{task}`' for task in Task)}, a task that the site has in words by its name, or "
    "one written out, to be answered by yes or no."
)
_Tasks = Annotated[list[TaskItem], Field(min_length=1, max_length=MOST_QUESTIONS, description=_LOOKED_FOR)]
_QueryTasks = Annotated[
    list[Annotated[TaskItem, BeforeValidator(_written_out)]],
    Field(min_length=1, max_length=MOST_QUESTIONS, description=f"{_LOOKED_FOR} In a query that is JSON."),
]
_StreamUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        description="The camera's `rtsp://`, `rtsps://`, `http://` or `https://` address. User and password may stand "
        "in it (`rtsp://user:password@…`); they are neither shown nor logged.",
    ),
]
# of a strict body too, in which a text is no member of an enum
_Uplink = Annotated[UplinkMode | None, Field(strict=False)]
_IntervalS = Annotated[float, Field(gt=0, le=_LONGEST_INTERVAL_S, allow_inf_nan=False)]
_INTERVAL = "Seconds between two thumbnails of a camera that is added for the call."
_SAVING = "false: short for `uplink: full`, and `bandwidth_saved` says what that costs"
_UPLINK = (
    "Which pictures go up besides those of events and of the interval, of a camera that is added for the call: "
    "`metadata` none (unless given), `differential` what changed, `sampled` one a second, `full` those analysed."
)


class _Spelt(BaseModel):
    """What a caller sends: a field that there is not is refused with the name of one that there is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _is_spelt_right(cls, value: Any) -> Any:
        unknown = [name for name in value if name not in cls.model_fields] if isinstance(value, dict) else []
        if unknown:
            near = get_close_matches(str(unknown[0]), cls.model_fields, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(cls.model_fields)}"
            raise ValidationError.from_exception_data(
                cls.__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError("unknown_field", f"there is no such field; {remedy}"),
                        loc=(str(unknown[0]),),
                        input=None,
                    )
                ],
            )
        return value


class _Output(_Spelt):
    """What a body says in `output`, and a query beside the rest."""

    bandwidth_saving: bool = Field(default=True, description=_SAVING)
    thumbnail_interval: _IntervalS = Field(default=10, description=_INTERVAL)
    uplink: _Uplink = Field(default=None, description=_UPLINK)

    @model_validator(mode="after")
    def _uplink_is_one(self) -> Self:
        """Two words for one thing must not contradict each other; what was left out says nothing."""
        check_uplink(self.bandwidth_saving if "bandwidth_saving" in self.model_fields_set else None, self.uplink)
        return self

    @property
    def mode(self) -> UplinkMode:
        """Which pictures go up, as either of two words for it says."""
        return self.uplink or (UplinkMode.METADATA if self.bandwidth_saving else UplinkMode.FULL)


class OutputAsked(_Output):
    """What comes of the call besides its answer. It holds for a camera that is added for the call alone."""

    model_config = ConfigDict(strict=True)  # a number in quotes is no number


class AnalyzeRequest(_Spelt):
    """Look at a camera for a while."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "stream_url": "rtsp://camera-ip/live",
                    "tasks": ["person_detection", "abnormal_behavior"],
                    "output": {"bandwidth_saving": True, "thumbnail_interval": 10},
                },
                {
                    "stream_url": "rtsp://camera-ip/live",
                    "tasks": ["person_detection"],
                    "output": {"uplink": "sampled"},
                    "window_seconds": 20,
                },
            ]
        },
    )

    stream_url: _StreamUrl
    tasks: _Tasks
    output: OutputAsked = OutputAsked()
    window_seconds: float = Field(
        default=_DEFAULT_WINDOW_S,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How long to look, from the first analysed frame on; `api.window_max_s` is the most.",
    )


class WatchQuery(_Output):
    """What to go on watching: a stream, or a camera of the site by its name."""

    stream_url: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        default=None,
        description="As for POST /analyze, but without user and password: addresses of requests are logged on their "
        "way. A camera that needs them is added first and watched by its name, `camera=`.",
    )
    camera: Annotated[str, Field(min_length=1, max_length=63)] | None = Field(
        default=None, description="The name of a camera of this site, instead of `stream_url`."
    )
    tasks: _QueryTasks
