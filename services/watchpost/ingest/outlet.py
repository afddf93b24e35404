"""Takes what the cameras' threads have to say to Kafka."""

from queue import Empty, SimpleQueue

import structlog

from watchpost.contracts import TopicName
from watchpost.contracts.records import EventChanged, FrameCaptured
from watchpost.errors import RetryableError
from watchpost.stream import RecordProducer

__all__ = ["Outlet"]

_LOG = structlog.get_logger()


class Outlet:
    """Frames go at once and are worth nothing later; events wait until they are acknowledged.

    Args:
        frames: its records time out with the frames that they name.
        events: its records are flushed by `deliver`.
    """

    def __init__(self, frames: RecordProducer, events: RecordProducer) -> None:
        self._frames = frames
        self._events = events
        self._queue: SimpleQueue[EventChanged] = SimpleQueue()
        self._untold: list[EventChanged] = []

    def send(self, frame: FrameCaptured) -> None:
        """Queue a frame. For the cameras' threads."""
        self._frames.send(TopicName.FRAMES, frame, key=frame.camera)

    def tell(self, event: EventChanged) -> None:
        """Leave an event for `deliver`. For the cameras' threads."""
        self._queue.put(event)

    def deliver(self, within_s: float) -> None:
        """Write the events left here; those that are not acknowledged are written again by the next call.

        An event may so be written twice, as the same (event_id, revision), but not be lost while this process lives.
        """
        self._take_in()
        if not self._untold:
            return
        for event in self._untold:
            self._events.send(TopicName.EVENTS, event, key=event.camera)
        try:
            self._events.flush(within_s)
        except RetryableError as error:
            _LOG.warning("events_not_acknowledged", waiting=len(self._untold), error=str(error))
        else:
            self._untold.clear()

    def close(self, within_s: float) -> None:
        """Deliver what can be delivered in this time."""
        self.deliver(within_s / 2)
        try:
            self._frames.flush(within_s / 2)
        except RetryableError as error:
            _LOG.warning("frames_not_acknowledged", error=str(error))

    def _take_in(self) -> None:
        while True:
            try:
                self._untold.append(self._queue.get_nowait())
            except Empty:
                return
