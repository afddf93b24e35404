"""The published shape of what a call to /analyze is answered; `analyze_requests.py` has what it asks."""

import base64
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from watchpost.api.window import Window, types_of
from watchpost.contracts.records import EventChanged, Task, ThumbnailTaken

__all__ = ["AbnormalEvent", "AnalyzeAnswer", "AnalyzeResults", "answered", "as_abnormal_event", "local_time"]

_PERCENT = r"^\d{1,3}%$"


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
    warnings: list[str] = Field(
        default=[],
        description="only where `output.uplink` was given and does not hold, or does not fit through the link",
    )


def answered(
    tasks: Collection[str], window: Window, thumbnail: ThumbnailTaken, zone: ZoneInfo, warnings: Sequence[str] = ()
) -> AnalyzeAnswer:
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
        warnings=list(warnings),
    )


def as_abnormal_event(event: EventChanged, zone: ZoneInfo) -> AbnormalEvent:
    """The event as a caller is told of it."""
    return AbnormalEvent(
        type=event.type, time=local_time(event.opened_at, zone), confidence=round(min(1.0, event.confidence), 2)
    )


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """The time of day at the site."""
    return f"{at.astimezone(zone):%H:%M:%S}"
