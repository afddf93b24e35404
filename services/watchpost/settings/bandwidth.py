"""What the uplink may carry, and when."""

import re
from datetime import time
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from watchpost.settings.strict import StrictModel

__all__ = ["BandwidthPeriod", "BandwidthSettings"]

_DAY_MINUTES = 24 * 60
_WRITTEN = re.compile(r"(\d\d?):(\d\d)")


def _time_of_day(value: object) -> object:
    """YAML 1.1 reads 22:00 without quotes as 22 times 60."""
    if isinstance(value, time):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _DAY_MINUTES:
        return _clock_of(value)
    written = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    try:
        return time(int(written[1]), int(written[2])) if written else _no_time()
    except ValueError:
        return _no_time()


def _no_time() -> time:
    raise ValueError("is no time of day; write hh:mm, such as 22:00")


_TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]\d$"},
                {"type": "integer", "minimum": 0, "maximum": _DAY_MINUTES - 1},
            ]
        }
    ),
]


class BandwidthPeriod(StrictModel):
    """A part of each day, in the site's timezone, with a cap of its own. From 22:00 to 06:00 goes past midnight."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: _TimeOfDay = Field(alias="from", description="hh:mm")
    to: _TimeOfDay = Field(description="hh:mm; the first minute in which it no longer holds")
    max_kbps: float | None = Field(gt=0, description="null: no cap")

    @model_validator(mode="after")
    def _lasts(self) -> "BandwidthPeriod":
        if self.from_ == self.to:
            raise ValueError(f"from and to are both {self.to:%H:%M}; for the whole day set bandwidth.max_kbps")
        return self

    def holds_at(self, now: time) -> bool:
        """Whether `now` lies in it."""
        if self.from_ < self.to:
            return self.from_ <= now < self.to
        return now >= self.from_ or now < self.to


class BandwidthSettings(StrictModel):
    """What the uplink may carry: with protocols and retries, in both directions together."""

    max_kbps: float | None = Field(default=None, gt=0, description="no cap unless given")
    schedule: tuple[BandwidthPeriod, ...] = Field(
        default=(), description="caps by the time of day, which hold instead of max_kbps; the first that fits does"
    )
    compression: Literal["jpeg"] = "jpeg"

    def kbps_at(self, now: time) -> float | None:
        """The cap at this time of the site's day; None is no cap."""
        return next((period.max_kbps for period in self.schedule if period.holds_at(now)), self.max_kbps)

    @property
    def mean_kbps(self) -> float | None:
        """What a day's caps are on average: what waits by day may go at night. None: some time is without a cap."""
        caps = [self.kbps_at(_clock_of(minute)) for minute in range(_DAY_MINUTES)]
        known = [kbps for kbps in caps if kbps is not None]
        return sum(known) / _DAY_MINUTES if len(known) == _DAY_MINUTES else None


def _clock_of(minute: int) -> time:
    return time(minute // 60, minute % 60)
