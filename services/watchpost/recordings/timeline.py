"""Gives each picture a time in its segment that players can rely on, whatever the camera's own times do.

timeline = Timeline()
placed = timeline.place(sample)     # placed.dts_us rises with each picture, placed.pts_us >= placed.dts_us
"""

from dataclasses import dataclass

from watchpost.recordings.samples import Sample

__all__ = ["LEAST_STEP_US", "Placed", "Timeline"]

LEAST_STEP_US = 100
"""More than one tick of the clock of 90 kHz that segments use."""
_LONGEST_STEP_US = 10_000_000
_LONGEST_DELAY_US = 5_000_000
_DRIFT_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Placed:
    """When a picture is decoded and shown, in the site's time: shown when it was captured."""

    dts_us: int
    pts_us: int


class Timeline:
    """One camera's pictures in the site's time, in the order of their decoding.

    From picture to picture the time passes as the camera says, which is smooth. Where its time stands still, runs
    backwards, leaps, or has drifted from when pictures were captured by more than a second, that counts instead.
    """

    def __init__(self) -> None:
        self._dts_us: int | None = None
        self._stream_us: int | None = None
        self._shift_us: int | None = None

    def place(self, sample: Sample) -> Placed:
        """The picture's place, decoded later than any before."""
        delay_us = _told_delay_us(sample)
        dts_us = self._decoded_us(sample, sample.captured_us - (delay_us or 0))
        if delay_us is None:
            delay_us = self._needed_delay_us(sample, dts_us)
        self._dts_us, self._stream_us = dts_us, sample.dts_us
        return Placed(dts_us, dts_us + delay_us)

    def _decoded_us(self, sample: Sample, by_capture_us: int) -> int:
        if self._dts_us is None:
            return by_capture_us
        at_us = by_capture_us
        if sample.dts_us is not None and self._stream_us is not None:
            step_us = sample.dts_us - self._stream_us
            if 0 < step_us <= _LONGEST_STEP_US and abs(self._dts_us + step_us - by_capture_us) <= _DRIFT_US:
                at_us = self._dts_us + step_us
        return max(at_us, self._dts_us + LEAST_STEP_US)

    def _needed_delay_us(self, sample: Sample, dts_us: int) -> int:
        """Where the times of display alone are told: all as late as the earliest of them needs to be."""
        if sample.pts_us is None:
            return 0
        if self._shift_us is None or not 0 <= sample.pts_us + self._shift_us - dts_us <= _LONGEST_DELAY_US:
            self._shift_us = dts_us - sample.pts_us
        return sample.pts_us + self._shift_us - dts_us


def _told_delay_us(sample: Sample) -> int | None:
    """How much later than decoded the picture is shown, where the camera tells: what is shown before refers to it."""
    if sample.pts_us is None or sample.dts_us is None:
        return None
    delay_us = sample.pts_us - sample.dts_us
    return delay_us if 0 <= delay_us <= _LONGEST_DELAY_US else 0
