"""Decides when a free analyzer begins, and with which frames: more at once where that gains, none late for the others.

if longest_wait_s(waiting, now, waited_s, most, times, rules) == 0:
    size = batch_size(waiting, now, most, times, rules)
    places = in_turn([frame.camera for frame in waiting], size)
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from statistics import median_low

import numpy as np

from watchpost.contracts.records import CameraId, FrameCaptured

__all__ = ["LookTimes", "WaitRules", "batch_size", "in_turn", "longest_wait_s"]

_KEPT = 9
_KNOWN_AFTER = 3
# a batch that takes this share of its frames one by one gains nothing: its first frame only waits for its last
_NO_GAIN = 0.95


@dataclass(frozen=True, slots=True)
class WaitRules:
    """What may be waited for.

    Args:
        budget: how old a frame may be when it is answered, as long as others are waited for.
        most_s: longer than this no batch waits for more frames.

    """

    budget: timedelta
    most_s: float


class LookTimes:
    """How long a look at so many frames takes: the lower median of the last that were measured of that size.

    A first look that compiles, or a hiccup, moves a median little. Between measured sizes it is a line, and beyond them
    as many frames cost as much more: a gain that nobody measured is none.
    """

    def __init__(self) -> None:
        self._measured: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._sizes: list[int] = [0]
        self._times_s: list[float] = [0.0]

    def measured(self, frames: int, took_s: float) -> None:
        """A look at so many took this long."""
        self._measured[frames].append(took_s)
        self._sizes = [0, *sorted(self._measured)]
        medians_s = (median_low(self._measured[size]) for size in self._sizes[1:])
        self._times_s = list(accumulate(medians_s, max, initial=0.0))

    def is_known(self, frames: int) -> bool:
        """Whether this very size was measured often enough to be judged."""
        return len(self._measured.get(frames, ())) >= _KNOWN_AFTER

    def expected_s(self, frames: int) -> float:
        """How long so many will take; never less than fewer, and 0 while nothing was measured."""
        most = self._sizes[-1]
        if frames > most:
            return self._times_s[-1] * frames / most if most else 0.0
        return float(np.interp(frames, self._sizes, self._times_s))


def longest_wait_s(
    waiting: Sequence[FrameCaptured], now: datetime, waited_s: float, most: int, times: LookTimes, rules: WaitRules
) -> float:
    """How much longer a free analyzer waits for more than these frames; 0: it begins.

    Only while every one of them can still be answered inside the budget and before it expires, in a batch of one more;
    and, counted with what was waited already (`waited_s`), no longer than that batch saves over two. So waiting costs
    at most twice what the best choice would have, whenever the next frame comes.
    """
    if len(waiting) >= most:
        return 0.0
    larger_s = times.expected_s(len(waiting) + 1)
    saved_s = times.expected_s(len(waiting)) + times.expected_s(1) - larger_s
    spare_s = min(_due_s(frame, now, rules) for frame in waiting) - larger_s
    return max(0.0, min(saved_s - waited_s, rules.most_s - waited_s, spare_s))


def batch_size(waiting: Sequence[FrameCaptured], now: datetime, most: int, times: LookTimes, rules: WaitRules) -> int:
    """How many of those that wait are looked at together: as many as can without making one late that need not be.

    One alone where all together take as long as one by one. Where more wait than one batch takes, it is as large as may
    be: then only the rate counts, and what a full batch takes is measured anew.
    """
    count = len(waiting)
    if count >= most:
        return most
    alone_s = times.expected_s(1)
    if times.is_known(1) and times.is_known(count) and times.expected_s(count) > _NO_GAIN * count * alone_s:
        return 1
    due_s = min((due for frame in waiting if (due := _due_s(frame, now, rules)) >= alone_s), default=math.inf)
    return max((size for size in range(1, count + 1) if times.expected_s(size) <= due_s), default=1)


def _due_s(frame: FrameCaptured, now: datetime, rules: WaitRules) -> float:
    """In how many seconds it should be answered."""
    return (min(frame.captured_at + rules.budget, frame.expires_at) - now).total_seconds()


def in_turn(cameras: Sequence[CameraId], size: int) -> list[int]:
    """The places of the next `size` frames of these cameras', which wait in the order in which they came.

    Each camera's first, in their order, then each one's second, and so on: no camera's frames go before those of one
    with fewer in the batch, and each camera's keep their order.
    """
    turns: dict[CameraId, int] = defaultdict(int)
    ranked: list[tuple[int, int]] = []
    for place, camera in enumerate(cameras):
        ranked.append((turns[camera], place))
        turns[camera] += 1
    return [place for _, place in sorted(ranked)[:size]]
