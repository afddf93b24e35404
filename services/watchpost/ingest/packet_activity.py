"""Hears from the sizes of coded packets that something moves, without decoding any.

Where a rate is capped by quality, what does not move costs next to nothing, and who enters the picture costs bytes: a
person of 0.7 % of a 1080p picture with sensor noise raised P pictures to 1.6 times their size within one of them, two
to 2.4 times. Under a constant bitrate the encoder spends the same bytes on noise: there sizes say nothing, which their
own spread and the ratio to keyframes tell (a P picture of 0.05 to 0.2 of a keyframe against 0.002).

The bytes of half a second are compared with what they usually are: for each packet the median of its own kind, at its
own distance from the keyframe (an encoder mends after a keyframe for seconds what that left coarse), while all was
quiet. The logarithm of the ratio is the signal, its spread while all was quiet the measure of noise: medians and
quantiles, since a stream's first group of pictures and every gust would bend means and variances for a long time.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from watchpost.ingest.packet_kinds import PacketKind

__all__ = ["PacketActivity"]

_WINDOW_US = 450_000
_WINDOW_LEAST = 3
_PART_US, _PARTS = 250_000, 16
_SIZES_KEPT, _SIGNALS_KEPT = 100, 200
_SIZES_NEEDED, _SIGNALS_NEEDED = 5, 5
_SIGNALS_ENOUGH = 12  # of five the spread is a guess: good enough where it is small, no reason yet to give sizes up
_SETTLED_EVERY_US = 500_000
_SIGMAS = 6.0
_LEAST_RISE, _MOST_RISE = math.log(1.2), math.log(2.0)
_RAISED_BY_FALSE_WAKE = 1.15
# a person adds three thousandths of a keyframe and more to each packet: what is less than that need not be compared
_SLACK_OF_A_KEYFRAME = 0.002
# beyond these the smallest rise that could be told from noise is more than a person makes; what spoke gets some credit
_HEARD_RISE, _STILL_HEARD_RISE = math.log(1.6), math.log(2.0)
_MOST_OF_A_KEYFRAME = 0.04


_Number = TypeVar("_Number", int, float)


def _sizes() -> deque[int]:
    return deque(maxlen=_SIZES_KEPT)


@dataclass(slots=True)
class _Kind:
    """The bytes of one kind's packets, at one distance from the keyframe, while all was quiet."""

    sizes: deque[int] = field(default_factory=_sizes)
    usual: int | None = None
    is_fresh: bool = False


@dataclass(slots=True)
class PacketActivity:
    """The statistics of one stream. Times in microseconds; they may stand still or jump.

    activity.see(kind, size_bytes, at_us, quiet=True)
    activity.is_rising, activity.speaks
    """

    _kinds: dict[tuple[PacketKind, int], _Kind] = field(default_factory=dict)
    _window: deque[tuple[int, int, int]] = field(default_factory=deque)
    _window_bytes: int = 0
    _window_usual_bytes: int = 0
    _rise: float = 0.0
    _signals: deque[float] = field(default_factory=lambda: deque(maxlen=_SIGNALS_KEPT))
    _keyframe_bytes: float = 0.0
    _keyframe_us: int = 0
    _least_rise: float = _LEAST_RISE
    _usual_rise: float = 0.0
    _spread: float = 0.0
    _settled_us: int = -_SETTLED_EVERY_US
    _signal_us: int = -_WINDOW_US
    _is_learned: bool = False
    _spoke: bool = False

    @property
    def rise(self) -> float:
        """The logarithm of how much larger the packets of the window are than while all is quiet."""
        return self._rise

    @property
    def threshold(self) -> float:
        """The rise from which on something moves."""
        return max(self._least_rise, _SIGMAS * self._spread)

    @property
    def is_rising(self) -> bool:
        """Whether packets say, as of the last one, that something moves."""
        return self.speaks and self.rise > self.threshold

    @property
    def is_learned(self) -> bool:
        """Whether enough was seen while all was quiet to know whether sizes speak."""
        return self._is_learned

    @property
    def speaks(self) -> bool:
        """Whether sizes of this stream tell what moves."""
        return self._spoke

    def see(self, kind: PacketKind, size_bytes: int, at_us: int, *, quiet: bool) -> None:
        """One more packet; `quiet`: nothing moves, as far as anybody knows."""
        if kind is PacketKind.KEYFRAME:
            self._keyframe_bytes = size_bytes if not self._keyframe_bytes else _mixed(self._keyframe_bytes, size_bytes)
            self._keyframe_us = at_us
            return
        part = max(0, min(_PARTS - 1, (at_us - self._keyframe_us) // _PART_US))
        known = self._kinds.get((kind, part))
        if known is None:
            known = self._kinds[kind, part] = _Kind()
        if known.usual is not None:
            self._into_window(at_us, size_bytes, known.usual)
        signal = self._signal()
        self._rise = 0.0 if signal is None else signal - self._usual_rise
        if quiet:
            known.sizes.append(size_bytes)
            known.is_fresh = True
            self._learn(at_us, signal)

    def falsely_woken(self) -> None:
        """Packets said that something moves, and pictures that nothing did: be harder to wake."""
        self._least_rise = min(_MOST_RISE, self._least_rise * _RAISED_BY_FALSE_WAKE)

    def _into_window(self, at_us: int, size_bytes: int, usual_bytes: int) -> None:
        window = self._window
        window.append((at_us, size_bytes, usual_bytes))
        self._window_bytes += size_bytes
        self._window_usual_bytes += usual_bytes
        while not at_us - _WINDOW_US < window[0][0] <= at_us:
            _, old_bytes, old_usual_bytes = window.popleft()
            self._window_bytes -= old_bytes
            self._window_usual_bytes -= old_usual_bytes

    def _learn(self, at_us: int, signal: float | None) -> None:
        # windows that overlap would count the same packets many times
        if signal is not None and not 0 <= at_us - self._signal_us < _WINDOW_US:
            self._signal_us = at_us
            self._signals.append(signal)
        if 0 <= at_us - self._settled_us < _SETTLED_EVERY_US:
            return
        self._settled_us = at_us
        for known in self._kinds.values():
            if known.is_fresh and len(known.sizes) >= _SIZES_NEEDED:
                known.usual, known.is_fresh = _quantile(sorted(known.sizes), 0.5), False
        if len(self._signals) >= _SIGNALS_NEEDED:
            signals = sorted(self._signals)
            self._usual_rise = _quantile(signals, 0.5)
            self._spread = _quantile(signals, 0.84) - self._usual_rise  # one standard deviation of a normal one
            are_small = self._are_small()
            self._spoke = are_small and self._is_heard()
            self._is_learned = self._spoke or not are_small or len(self._signals) >= _SIGNALS_ENOUGH

    def _signal(self) -> float | None:
        packets = len(self._window)
        if packets < _WINDOW_LEAST:
            return None
        slack_bytes = packets * _SLACK_OF_A_KEYFRAME * self._keyframe_bytes + 1
        return math.log((self._window_bytes + slack_bytes) / (self._window_usual_bytes + slack_bytes))

    def _are_small(self) -> bool:
        """Whether a quiet picture costs so little beside a keyframe that its bytes are not spent on noise."""
        usual = [its.usual for (kind, _), its in self._kinds.items() if kind is PacketKind.REFERENCE and its.usual]
        return bool(usual) and _quantile(sorted(usual), 0.5) <= _MOST_OF_A_KEYFRAME * self._keyframe_bytes

    def _is_heard(self) -> bool:
        return _SIGMAS * self._spread <= (_STILL_HEARD_RISE if self._spoke else _HEARD_RISE)


def _mixed(before: float, now: float) -> float:
    return before * 0.7 + now * 0.3


def _quantile(ordered: Sequence[_Number], share: float) -> _Number:
    return ordered[int(share * (len(ordered) - 1))]
