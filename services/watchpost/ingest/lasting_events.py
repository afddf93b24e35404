"""Keeps on disk which events this process has open: there before they are told, and until their end is acknowledged.

lasting = LastingEvents(settings.state_dir / "ingest")
lasting.left, lasting.memories        # what the process before had open, and knew of it
lasting.take(event, memory)           # a revision that is to be told
lasting.settle(1.0)                   # before it is: what is told and then forgotten would never end
lasting.told([event])                 # after it was acknowledged
"""

import contextvars
import threading
from collections.abc import Iterable
from pathlib import Path

from watchpost.contracts.records import EventChanged, EventPhase
from watchpost.telemetry import OpenEvents

__all__ = ["LastingEvents"]

_AGAIN_AFTER_S = 30.0


class LastingEvents:
    """This process's place in `folder`. Safe for several threads.

    A thread of its own writes: a disk that hangs is itself told by such an event, and must not hold up who tells it.
    """

    def __init__(self, folder: Path) -> None:
        self._place = OpenEvents(folder)
        self.left = self._place.left
        """What the process that had this place before may have left untold, in its latest revisions."""
        self.memories = self._place.memories
        """What it knew of them, by event_id."""
        self._events = {event.event_id: event for event in self.left}
        self._known = dict(self.memories)
        self._changed = threading.Condition()
        self._version = self._tried = self._written = 0
        self._ended = threading.Event()
        context = contextvars.copy_context()  # what every log line of the service says
        # a daemon: a disk that hangs must not hold up the end of the process
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="open-events", daemon=True)
        self._thread.start()

    def take(self, event: EventChanged, memory: bytes = b"") -> None:
        """The latest revision of an event; `memory` is what a successor has to know to go on with it."""
        with self._changed:
            self._events[event.event_id] = event
            if memory:
                self._known[event.event_id] = memory
            self._touched()

    def settle(self, within_s: float) -> None:
        """Wait until the disk took what was taken here, or refused it; not for longer than this, if it hangs."""
        with self._changed:
            self._changed.wait_for(lambda: self._tried >= self._version, within_s)

    def told(self, events: Iterable[EventChanged]) -> None:
        """These were acknowledged: those among them that end their event need not be told by a successor."""
        with self._changed:
            for event in events:
                if event.phase is EventPhase.ENDED and self._events.pop(event.event_id, None) is not None:
                    self._known.pop(event.event_id, None)
                    self._touched()

    def close(self, within_s: float) -> None:
        """Leave what is open to the next process."""
        self.settle(within_s)
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(within_s)
        self._place.give_up()

    def _touched(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._written < self._version or self._ended.is_set())
                version, events, known = self._version, list(self._events.values()), dict(self._known)
            taken = self._written == version or self._place.keep(events, known)
            with self._changed:
                self._tried, self._written = version, version if taken else self._written
                self._changed.notify_all()
                if not taken:  # the log says why; a full disk may have room later
                    self._changed.wait_for(lambda: self._tried < self._version or self._ended.is_set(), _AGAIN_AFTER_S)
