"""How long records were on their way, as percentiles of however many there are."""

import math
from dataclasses import dataclass, field

__all__ = ["Delays"]

# bins grow by 5 % each: a percentile is that exact. The last one takes what was under way for more than 60 days
_GROWTH = math.log(1.05)
_BINS = 465


@dataclass(slots=True)
class Delays:
    """Counts of delays in bins of a fixed number.

    A negative delay is a record that was sent before it happened: a clock is wrong, the site's or the centre's.
    """

    count: int = 0
    negative: int = 0
    most_negative_ms: int = 0
    max_ms: int = 0
    _bins: list[int] = field(default_factory=lambda: [0] * _BINS)

    def add(self, delay_ms: int) -> None:
        """Count one record."""
        self.count += 1
        if delay_ms < 0:
            self.negative += 1
            self.most_negative_ms = min(self.most_negative_ms, delay_ms)
            delay_ms = 0
        self.max_ms = max(self.max_ms, delay_ms)
        self._bins[min(_BINS - 1, math.ceil(math.log(delay_ms) / _GROWTH) + 1) if delay_ms else 0] += 1

    def percentile_ms(self, percent: float) -> int | None:
        """A delay that `percent` of the records did not exceed, 5 % exact; None where there are no records."""
        wanted, counted = math.ceil(self.count * percent / 100), 0
        for number, count in enumerate(self._bins):
            counted += count
            if count and counted >= wanted:
                return min(self.max_ms, round(math.exp((number - 1) * _GROWTH))) if number else 0
        return None

    def as_plain(self) -> dict[str, int | None]:
        """For JSON."""
        return {
            "records": self.count,
            "p50_ms": self.percentile_ms(50),
            "p95_ms": self.percentile_ms(95),
            "p99_ms": self.percentile_ms(99),
            "max_ms": self.max_ms if self.count else None,
            "negative": self.negative,
            "most_negative_ms": self.most_negative_ms,
        }
