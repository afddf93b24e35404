"""Sets up how this process allocates and collects, by what was measured with a backlog of 300,000 events."""

import ctypes
import gc

__all__ = ["set_up_allocation"]

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2
_COLLECTED_AFTER = 200_000


def set_up_allocation() -> None:
    """To be called once, before the clients start their threads.

    - Records make no cycles, but those of a large transaction were searched for some again and again: a tenth of all
      work.
    - glibc keeps what was freed for each thread, and a Kafka client has many: a tenth of the memory. Other C libraries
      have no such setting.
    """
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
