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
        trouble_s: it is low from the beginning, of trouble then; what ends that has the number 0.
    """

    def __init__(self, min_free_bytes: int, trouble_s: float | None = None) -> None:
        self._wanted_bytes = min_free_bytes * _CLEARLY_FREE
        self._lock = threading.Lock()
        self._trouble_s = trouble_s
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
        return self._calm(now_s, "recordings are kept as they should be") if free_bytes >= self._wanted_bytes else None

    def nothing_to_keep(self, now_s: float) -> StorageTurn | None:
        """No folder of recordings is there. To be told every few seconds."""
        return self._calm(now_s, "nothing is recorded here any more")

    def _calm(self, now_s: float, reason: str) -> StorageTurn | None:
        with self._lock:
            if self._trouble_s is None or now_s - self._trouble_s < _CALM_S:
                return None
            self._trouble_s = None
            return StorageTurn(False, self._number, reason)
