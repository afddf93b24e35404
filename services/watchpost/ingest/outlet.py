"""Takes what the cameras' threads have to say to Kafka."""

from queue import Empty, SimpleQueue

import structlog

from watchpost.contracts import TopicName
from watchpost.contracts.records import EventChanged, FrameCaptured
from watchpost.errors import RetryableError
from watchpost.ingest.lasting_events import LastingEvents
from watchpost.stream import RecordProducer

__all__ = ["Outlet"]

_LOG = structlog.get_logger()
_DISK_WITHIN_S = 1.0


class Outlet:
    """Frames go at once and are worth nothing later; events wait until they are acknowledged.

    Args:
        frames: its records time out with the frames that they name.
        events: its records are flushed by `deliver`.
        lasting: what was open when the process before ended is told again, since nobody knows whether it was told.
    """

    def __init__(self, frames: RecordProducer, events: RecordProducer, lasting: LastingEvents) -> None:
        self._frames = frames
        self._events = events
        self._lasting = lasting
        self._queue: SimpleQueue[EventChanged] = SimpleQueue()
        self._untold: list[EventChanged] = list(lasting.left)

    def send(self, frame: FrameCaptured) -> None:
        """Queue a frame. For the cameras' threads."""
        self._frames.send(TopicName.FRAMES, frame, key=frame.camera)

    def tell(self, event: EventChanged) -> None:
        """Leave an event for `deliver`. For the cameras' threads."""
        self._queue.put(event)

    def tell_lasting(self, event: EventChanged, memory: bytes = b"") -> None:
        """Leave a revision of an event that will end: if this process does not live to tell, its successor does.

        `memory` is what that must know. For the cameras' threads.
        """
        self._lasting.take(event, memory)
        self._queue.put(event)

    def deliver(self, within_s: float) -> None:
        """Write the events left here; those that are not acknowledged are written again by the next call.

        An event may so be written twice, as the same (event_id, revision), but not be lost while this process lives.
        """
        self._take_in()
        if not self._untold:
            return
        self._lasting.settle(_DISK_WITHIN_S)
        for event in self._untold:
            self._events.send(TopicName.EVENTS, event, key=event.camera)
        try:
            self._events.flush(within_s)
        except RetryableError as error:
            _LOG.warning("events_not_acknowledged", waiting=len(self._untold), error=str(error))
        else:
            self._lasting.told(self._untold)
            self._untold.clear()

    def close(self, within_s: float) -> None:
        """Deliver what can be delivered in this time."""
        self.deliver(within_s / 2)
        try:
            self._frames.flush(within_s / 2)
        except RetryableError as error:
            _LOG.warning("frames_not_acknowledged", error=str(error))
        self._lasting.close(within_s / 2)

    def _take_in(self) -> None:
        while True:
            try:
                self._untold.append(self._queue.get_nowait())
            except Empty:
                return
