"""Tells a camera that repeats itself from one that sees a scene in which nothing happens.

Noise makes no two pictures of a living sensor equal. So keyframes that decode to the same bits as the one before, or a
stream whose time stands still, come from an encoder or a server that is stuck.
"""

import google_crc32c
import numpy as np

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.pictures import Plane

__all__ = ["FrozenWatch"]

_GIVE_UP_AFTER_US = 10_000_000


class FrozenWatch:
    """Watches one camera over all its connections.

    From the first repeated keyframe on no picture is live; after ten seconds the connection is given up.
    """

    def __init__(self) -> None:
        self._keyframe: int | None = None
        self._stream_us: int | None = None
        self._stopped_since_us: int | None = None
        self._repeats_since_us: int | None = None

    def reconnected(self) -> None:
        """A new connection: its time is another. The last keyframe stays known: the new one may show it again."""
        self._stream_us = self._stopped_since_us = self._repeats_since_us = None

    def see(self, luma: Plane, *, is_keyframe: bool, stream_us: int | None, arrival_us: int) -> SourceError | None:
        """Why this picture is a repeated one, or None where it is not.

        Raises:
            SourceError: frozen, when it has been so for ten seconds.
        """
        if is_keyframe:
            self._see_keyframe(luma, arrival_us)
        self._see_time(stream_us, arrival_us)
        for since_us, what in (
            (self._repeats_since_us, "its keyframes repeat bit by bit"),
            (self._stopped_since_us, "its timestamps stand still"),
        ):
            if since_us is not None:
                why = SourceError(SourceFailure.FROZEN, what)
                if arrival_us - since_us > _GIVE_UP_AFTER_US:
                    raise why
                return why
        return None

    def _see_keyframe(self, luma: Plane, arrival_us: int) -> None:
        keyframe = google_crc32c.value(np.ascontiguousarray(luma))
        if keyframe != self._keyframe:
            self._keyframe, self._repeats_since_us = keyframe, None
        elif self._repeats_since_us is None:
            self._repeats_since_us = arrival_us

    def _see_time(self, stream_us: int | None, arrival_us: int) -> None:
        if stream_us is None or stream_us != self._stream_us:
            self._stream_us, self._stopped_since_us = stream_us, None
        elif self._stopped_since_us is None:
            self._stopped_since_us = arrival_us
