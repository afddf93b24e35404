"""Decides when a camera counts as offline, apart from the thread that reads it: that one may hang.

A camera is offline when it delivered no picture for `offline_after_s`, or at once when waiting would not help (a wrong
password, a format nobody can read, a recording that is over), or when it fails before its first picture: who has just
added it waits for an answer. It is online with its next picture.
"""

import threading
from dataclasses import dataclass

from watchpost.contracts.records import EventType
from watchpost.errors import SourceError, SourceFailure

__all__ = ["Presence", "Turn"]

_AT_ONCE = {SourceFailure.UNAUTHORISED, SourceFailure.UNSUPPORTED}
_SILENCE = SourceError(SourceFailure.TIMEOUT, "no picture came")


@dataclass(frozen=True, slots=True)
class Turn:
    """The camera went offline or came online: the `number`-th turn since its worker began."""

    kind: EventType
    number: int
    reason: str
    silent_s: float


class Presence:
    """Whether one camera delivers pictures. Safe for several threads; times are seconds of a monotonic clock.

    Args:
        offline_after_s: how long a camera may deliver no picture.
        now_s: when it began to be read.
    """

    def __init__(self, offline_after_s: float, now_s: float) -> None:
        self._offline_after_s = offline_after_s
        self._lock = threading.Lock()
        self._picture_s = now_s
        self._online: bool | None = None
        self._why = _SILENCE
        self._turns = 0

    @property
    def online(self) -> bool:
        """True from the first picture on, until the camera counts as offline."""
        return self._online is True

    def picture(self, now_s: float) -> Turn | None:
        """A live picture came."""
        with self._lock:
            silent_s, self._picture_s, self._why = now_s - self._picture_s, now_s, _SILENCE
            return None if self._online else self._turn(EventType.CAMERA_ONLINE, "pictures come", silent_s)

    def note(self, why: SourceError) -> None:
        """Packets come but no picture: `why` is the reason if the camera goes offline over it."""
        with self._lock:
            self._why = why

    def failed(self, why: SourceError, now_s: float, *, final: bool = False) -> Turn | None:
        """The source failed; `final`: it will not be tried again."""
        with self._lock:
            self._why = why
            is_new = self._online is None
            return self._checked(now_s, at_once=final or is_new or why.reason in _AT_ONCE)

    def check(self, now_s: float) -> Turn | None:
        """See whether the camera has been silent for too long. To be asked every second."""
        with self._lock:
            return self._checked(now_s)

    def _checked(self, now_s: float, *, at_once: bool = False) -> Turn | None:
        silent_s = now_s - self._picture_s
        if self._online is False or not (at_once or silent_s >= self._offline_after_s):
            return None
        return self._turn(EventType.CAMERA_OFFLINE, str(self._why), silent_s)

    def _turn(self, kind: EventType, reason: str, silent_s: float) -> Turn:
        self._online = kind is EventType.CAMERA_ONLINE
        self._turns += 1
        return Turn(kind, self._turns, reason, silent_s)
