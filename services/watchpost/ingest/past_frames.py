"""Publishes what of a camera's past nobody has seen yet, leaving room in the frame store to the present."""

import threading
from collections import deque
from collections.abc import Callable

from watchpost.contracts.records import CameraSpec, CaptureReason
from watchpost.frames import FrameStore
from watchpost.ingest.packets import DecodedPicture
from watchpost.ingest.past import Past, PastPictures
from watchpost.ingest.publishing import FramePublisher
from watchpost.ingest.watching import capture_of

__all__ = ["PastFrames"]

_ROOM_WITHIN_S = 0.5
_PUBLISHED_KEPT = 1024


class PastFrames:
    """One camera's. For the camera's thread; the pictures are published on the thread of the past.

    Args:
        pasts: the thread.
        store: whose room is left to the present.
        new_publisher: a publisher whose frame ids begin with the name given.
        stop: set when nothing more is to be published.
    """

    def __init__(
        self,
        pasts: PastPictures,
        store: FrameStore,
        new_publisher: Callable[[str], FramePublisher],
        stop: threading.Event,
    ) -> None:
        self._pasts, self._store, self._new_publisher, self._stop = pasts, store, new_publisher, stop
        self._published: deque[int] = deque(maxlen=_PUBLISHED_KEPT)
        self._count = 0

    def published(self, captured_us: int) -> None:
        """The picture taken then is known: it is not published again."""
        self._published.append(captured_us)

    def publish(self, spec: CameraSpec, past: Past, stream_bytes: int) -> None:
        """Publish the pictures of `past` as burst frames, when its turn comes."""
        self._count += 1
        publisher, known = self._new_publisher(f"p{self._count}"), frozenset(self._published)

        def take(picture: DecodedPicture) -> bool:
            captured_us = picture.stamp.captured_us if picture.stamp else 0
            if captured_us in known:
                return True
            while not self._stop.is_set():
                if self._store.has_room(_ROOM_WITHIN_S):
                    publisher.publish(spec, capture_of(spec, picture, captured_us, CaptureReason.BURST), stream_bytes)
                    return True
            return False

        self._pasts.publish(past, take)
