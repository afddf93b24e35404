"""Decides when it is told that the disk is too small, too full or too slow for recordings, and when that is over."""

import threading
from dataclasses import dataclass

__all__ = ["StorageTurn", "StorageWatch"]

_CALM_S = 60.0
_CLEARLY_FREE = 1.1


@dataclass(frozen=True, slots=True)
class StorageTurn:
    """The `number`-th time that storage became low (`is_low`) since the service began, or that this is over."""

    is_low: bool
    number: int
    reason: str


class StorageWatch:
    """Low at the first trouble; well again after a minute without any, with a tenth more free than must be.

    So a disk that hovers at its limit is told once. Safe for several threads; times are seconds of a monotonic clock.

    Args:
        min_free_bytes: what must stay free.
    """

    def __init__(self, min_free_bytes: int) -> None:
        self._wanted_bytes = min_free_bytes * _CLEARLY_FREE
        self._lock = threading.Lock()
        self._trouble_s: float | None = None
        self._number = 0

    def trouble(self, reason: str, now_s: float) -> StorageTurn | None:
        """Something could not be recorded or kept."""
        with self._lock:
            was_low, self._trouble_s = self._trouble_s is not None, now_s
            if was_low:
                return None
            self._number += 1
            return StorageTurn(True, self._number, reason)

    def look(self, free_bytes: int, now_s: float) -> StorageTurn | None:
        """The disk answers, and this much is free. To be told every few seconds."""
        with self._lock:
            if self._trouble_s is None or now_s - self._trouble_s < _CALM_S or free_bytes < self._wanted_bytes:
                return None
            self._trouble_s = None
            return StorageTurn(False, self._number, "recordings are kept as they should be")
