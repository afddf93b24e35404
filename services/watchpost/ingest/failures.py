"""Maps libav's errors to the reasons that Watchpost knows, in one place.

Only `strerror` is taken from an error: its text names the address, password included.
"""

import av.error

from watchpost.errors import SourceError, SourceFailure

__all__ = ["source_error"]

_REASONS: tuple[tuple[type[BaseException], SourceFailure], ...] = (
    (av.error.HTTPUnauthorizedError, SourceFailure.UNAUTHORISED),
    (av.error.HTTPForbiddenError, SourceFailure.UNAUTHORISED),
    (av.error.HTTPError, SourceFailure.REFUSED),
    (av.error.HTTPClientError, SourceFailure.REFUSED),
    (av.error.ExitError, SourceFailure.TIMEOUT),  # PyAV's own timeouts interrupt libav
    (TimeoutError, SourceFailure.TIMEOUT),
    (av.error.EOFError, SourceFailure.ENDED),
    (ConnectionResetError, SourceFailure.ENDED),
    (BrokenPipeError, SourceFailure.ENDED),
    (av.error.LookupError, SourceFailure.UNSUPPORTED),
    (av.error.InvalidDataError, SourceFailure.UNSUPPORTED),
    (av.error.PatchWelcomeError, SourceFailure.UNSUPPORTED),
    (OSError, SourceFailure.REFUSED),
)


def source_error(error: BaseException, doing: str, *, waited_s: float, limit_s: float) -> SourceError:
    """What `error` means for a camera; who raises it should do so `from None`, as its cause names the address.

    Args:
        error: what libav raised.
        doing: for people, such as "opening".
        waited_s: how long the call took.
        limit_s: after this long it was a timeout, whatever libav made of its interruption.
    """
    said = getattr(error, "strerror", None) or type(error).__name__
    if waited_s >= limit_s:
        return SourceError(SourceFailure.TIMEOUT, f"{doing} took longer than {limit_s:g} s")
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), SourceFailure.UNSUPPORTED)
    return SourceError(reason, f"{doing} failed: {said}")
