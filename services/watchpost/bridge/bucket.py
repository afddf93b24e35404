"""Counts what a link may carry: a token bucket that may be overdrawn, and set right by what was measured afterwards.

After Turner, "New Directions in Communications (or Which Way to the Information Age?)", 1986. Pure: times come in.
"""

from dataclasses import dataclass

__all__ = ["Bucket"]

# what a quiet link saves up: the longest burst at its full speed
_SAVED_S = 0.4


@dataclass(slots=True)
class Bucket:
    """Bytes that may go now. Negative: owed, and waited off by whoever comes next."""

    bytes_per_s: float
    _at_s: float
    _bytes: float = 0.0

    @property
    def most_bytes(self) -> float:
        """What it holds at most."""
        return self.bytes_per_s * _SAVED_S

    def wait_s(self, size_bytes: float, now_s: float, overdraft_s: float = 0.0) -> float:
        """0 when `size_bytes` may go at `now_s`, and they count as gone; else how long until they may.

        What is larger than the bucket goes when that is full, and is owed. `overdraft_s`: as much of the link's time
        may be owed beforehand.
        """
        self._refill(now_s)
        lacking = min(size_bytes, self.most_bytes) - overdraft_s * self.bytes_per_s - self._bytes
        if lacking >= 1:  # less would be waited off by a time too short to count
            return lacking / self.bytes_per_s
        self._bytes -= size_bytes
        return 0.0

    def correct(self, spent_bytes: float, now_s: float) -> None:
        """Count `spent_bytes` more as gone; negative: so many of those that counted as gone did not go."""
        self._refill(now_s)
        self._bytes = min(self.most_bytes, self._bytes - spent_bytes)

    def _refill(self, now_s: float) -> None:
        passed_s = max(0.0, now_s - self._at_s)
        self._at_s = max(self._at_s, now_s)
        self._bytes = min(self.most_bytes, self._bytes + passed_s * self.bytes_per_s)
