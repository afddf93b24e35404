"""The published shape of a call to /analyze: what it asks, and what it is answered."""

import base64
import json
from collections.abc import Collection
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from watchpost.api.window import Window, types_of
from watchpost.contracts.asking import MOST_QUESTIONS
from watchpost.contracts.records import EventChanged, Task, ThumbnailTaken
from watchpost.settings.tasks import TaskItem

__all__ = [
    "DEFAULT_WINDOW_S",
    "AbnormalEvent",
    "AnalyzeAnswer",
    "AnalyzeRequest",
    "AnalyzeResults",
    "OutputAsked",
    "WatchQuery",
    "answered",
    "as_abnormal_event",
    "local_time",
]

DEFAULT_WINDOW_S = 10.0
_LONGEST_INTERVAL_S = 3600
_PERCENT = r"^\d{1,3}%$"


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
_IntervalS = Annotated[float, Field(gt=0, le=_LONGEST_INTERVAL_S, allow_inf_nan=False)]
_INTERVAL = "Seconds between two thumbnails of a camera that is added for the call."
_SAVING = "false: analysed frames go up as well (of a camera that is added for the call), and `bandwidth_saved` says so"


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


class OutputAsked(_Spelt):
    """What comes of the call besides its answer. It holds for a camera that is added for the call alone."""

    model_config = ConfigDict(strict=True)  # a number in quotes is no number

    bandwidth_saving: bool = Field(default=True, description=_SAVING)
    thumbnail_interval: _IntervalS = Field(default=10, description=_INTERVAL)


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
                }
            ]
        },
    )

    stream_url: _StreamUrl
    tasks: _Tasks
    output: OutputAsked = OutputAsked()
    window_seconds: float = Field(
        default=DEFAULT_WINDOW_S,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How long to look, from the first analysed frame on; `api.window_max_s` is the most.",
    )


class AbnormalEvent(BaseModel):
    """Something that should not be, or that a task in words asked after."""

    type: str = Field(description="`fall_detected`, `intrusion`, `loitering`, `crowd`, or the name of a task in words")
    time: str = Field(description="when it began, in the site's local time", pattern=r"^\d{2}:\d{2}:\d{2}$")
    confidence: float = Field(ge=0, le=1)


class AnalyzeResults(BaseModel):
    """What was seen."""

    person_count: int = Field(ge=0, description="the median of the analysed frames; 0 where it was not asked for")
    abnormal_events: list[AbnormalEvent] = Field(
        description="those confirmed in the window, by the time they began; of tasks in words, too"
    )
    thumbnail: str = Field(description="the camera's newest thumbnail: a JPEG as base64", min_length=1)


class AnalyzeAnswer(BaseModel):
    """The published answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "success",
                    "results": {
                        "person_count": 3,
                        "abnormal_events": [{"type": "fall_detected", "time": "12:05:23", "confidence": 0.87}],
                        "thumbnail": "/9j/4AAQSkZJRgABAQ…",
                    },
                    "bandwidth_saved": "83%",
                }
            ]
        }
    )

    status: Literal["success"]
    results: AnalyzeResults
    bandwidth_saved: str = Field(
        pattern=_PERCENT, description="how much less went up than the stream itself would have been, in the window"
    )


class WatchQuery(_Spelt):
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
    bandwidth_saving: bool = Field(default=True, description=_SAVING)
    thumbnail_interval: _IntervalS = Field(default=10, description=_INTERVAL)


def answered(tasks: Collection[str], window: Window, thumbnail: ThumbnailTaken, zone: ZoneInfo) -> AnalyzeAnswer:
    """The answer to a call for these tasks whose window is over."""
    events = window.confirmed(types_of(tasks))
    return AnalyzeAnswer(
        status="success",
        results=AnalyzeResults(
            person_count=window.person_count if Task.PERSON_DETECTION in tasks else 0,
            abnormal_events=[as_abnormal_event(event, zone) for event in events],
            thumbnail=base64.b64encode(thumbnail.jpeg).decode(),
        ),
        bandwidth_saved=f"{window.saved_percent}%",
    )


def as_abnormal_event(event: EventChanged, zone: ZoneInfo) -> AbnormalEvent:
    """The event as a caller is told of it."""
    return AbnormalEvent(
        type=event.type, time=local_time(event.opened_at, zone), confidence=round(min(1.0, event.confidence), 2)
    )


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """The time of day at the site."""
    return f"{at.astimezone(zone):%H:%M:%S}"
