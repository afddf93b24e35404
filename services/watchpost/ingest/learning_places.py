"""Bounds how many cameras are decoded in full only to be learned: all that start together would drown the machine.

places = LearningPlaces()               # one for all cameras of a process
places.has_place(camera)                # asks for one too: first come, first served
places.give_back(camera)
"""

import os
import threading
from itertools import islice

__all__ = ["LearningPlaces"]

# 25 pictures a second of 1080p cost up to a tenth of a core: a fifth for learning leaves the rest to who is learned
_PLACES_PER_CORE = 2


class LearningPlaces:
    """The first `places` of a queue may learn. Safe for several threads.

    Whoever has a place or waits for one is known by the object it asks with, until it gives it back.
    """

    def __init__(self, places: int | None = None) -> None:
        self._places = places or _PLACES_PER_CORE * len(os.sched_getaffinity(0))
        self._lock = threading.Lock()
        self._queue: dict[object, None] = {}

    def has_place(self, asker: object) -> bool:
        """Whether `asker` may learn now; where not, it waits behind those that asked before."""
        with self._lock:
            self._queue.setdefault(asker)
            return asker in islice(self._queue, self._places)

    def give_back(self, asker: object) -> None:
        """`asker` neither learns nor waits any more."""
        with self._lock:
            self._queue.pop(asker, None)
