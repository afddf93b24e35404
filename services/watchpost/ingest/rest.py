"""Lets the packets of a quiet camera gather: a thread that is woken for each spends more on waking than on the packet.

rest = Rest()
for coded in source.packets:
    …
    rest.after(stamp, chooser.may_rest_us)
rest.end()                            # from any thread: somebody asks for pictures, or all is over
"""

import random
import threading

from watchpost.ingest.packets import Stamp

__all__ = ["Rest"]

# of the pictures that had been sent when the rest ended, the last is no older
_LAST_US = 50_000


class Rest:
    """One camera's. For the camera's thread, but for `end`."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._is_first = True
        self._woke_us = 0

    def after(self, stamp: Stamp, may_rest_us: int) -> None:
        """Wait so long, or until `end`, where the packet of `stamp` is the last that came during the rest before."""
        if self._is_first:
            self._is_first, self._woke_us = False, stamp.arrival_us
        if not may_rest_us or stamp.captured_us < self._woke_us - _LAST_US:
            return
        # of a fixed length, what was read last would always be as old: the stream's clock takes the fastest for prompt
        self._ended.wait(may_rest_us * random.uniform(0.9, 1.1) / 1_000_000)  # noqa: S311  (no secret)
        self._ended.clear()
        self._is_first = True

    def end(self) -> None:
        """Go on at once."""
        self._ended.set()
