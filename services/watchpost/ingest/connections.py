"""Keeps a stream open: opens it again whenever it fails, ever later and never together with others.

connections = Connections(ingest, stop, log)
connections.run(spec, read, failed)       # until `stop` is set; what `read` gets is an open source
connections.delivered()                   # from `read`, when something came: the next failure is the first again
"""

import random
import threading
from collections.abc import Callable

import structlog

from watchpost.contracts.records import CameraSpec
from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.packets import Source, SourceLimits
from watchpost.ingest.sources import open_source
from watchpost.settings import IngestSettings, without_login

__all__ = ["Connections"]

_READ_TIMEOUT_S = 5.0
_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 10.0


class Connections:
    """One stream's connections, one after the other. For the thread that reads it.

    Args:
        ingest: how long a stream may take to open.
        stop: ends the reading and the waiting.
        log: the stream's own, bound to what it is.
        what: what failed, as log lines name it.
    """

    def __init__(
        self, ingest: IngestSettings, stop: threading.Event, log: structlog.stdlib.BoundLogger, what: str
    ) -> None:
        self._limits = SourceLimits(ingest.open_timeout_s, _READ_TIMEOUT_S)
        self._stop, self._log, self._what = stop, log, what
        self._delivers = False
        self._logged = ""

    def delivered(self) -> None:
        """Something came over the connection at hand."""
        self._delivers = True

    def log_again(self) -> None:
        """The next failure is news, whatever was said before."""
        self._logged = ""

    def run(
        self,
        spec: Callable[[], CameraSpec],
        read: Callable[[Source], None],
        failed: Callable[[SourceError, bool], None],
    ) -> None:
        """Open what `spec` says and `read` it, until stopped or a recording is over; each end of it is `failed`.

        `failed` hears why, and whether that was a recording's end.
        """
        failures = 0
        while not self._stop.is_set():
            self._delivers = False
            why, is_over = self._read(spec(), read)
            if self._stop.is_set():
                return
            self._log_failure(spec(), why)
            failed(why, is_over)
            if is_over:
                return
            failures = 0 if self._delivers else failures + 1
            self._stop.wait(_retry_in_s(failures))

    def _read(self, spec: CameraSpec, read: Callable[[Source], None]) -> tuple[SourceError, bool]:
        is_live = True
        try:
            with open_source(spec, self._limits, self._stop) as source:
                is_live = source.is_live
                read(source)
        except SourceError as why:
            return why, why.reason is SourceFailure.ENDED and not is_live
        except Exception as error:  # noqa: BLE001  (a bug that one camera's pictures meet must not end its thread unseen)
            self._log.exception(f"{self._what}_reader_failed")
            return SourceError(SourceFailure.UNSUPPORTED, f"unexpected {type(error).__name__}"), False
        return SourceError(SourceFailure.ENDED, "stopped"), True

    def _log_failure(self, spec: CameraSpec, why: SourceError) -> None:
        """A stream that stays away is news once, not every ten seconds."""
        log = self._log.debug if str(why) == self._logged else self._log.warning
        self._logged = str(why)
        log(f"{self._what}_failed", source=without_login(spec.source), reason=why.reason, detail=why.detail)


def _retry_in_s(failures: int) -> float:
    """Doubled from failure to failure, and jittered: cameras that went together must not come back together."""
    longest_s = min(_LAST_RETRY_S, _FIRST_RETRY_S * float(2 ** min(failures, 10)))
    return longest_s * random.uniform(0.5, 1)  # noqa: S311  (no secret depends on it)
