"""Compares addresses without credentials, as specs hold them: which lead to the same stream, or to the same server.

same_stream("rtsp://10.0.0.5/live", "rtsp://10.0.0.5:554/live")      # True
same_server("rtsp://10.0.0.5/live", "rtsp://10.0.0.5/sub")           # True
"""

from urllib.parse import SplitResult, urlsplit

__all__ = ["same_server", "same_stream"]

_USUAL_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def same_stream(one: str, other: str) -> bool:
    """Whether two addresses name one stream: a port that is the usual one may be left out."""
    return _stream(one) == _stream(other)


def same_server(one: str, other: str) -> bool:
    """Whether a password sent to the one is sent to nobody new at the other.

    The name that a certificate is checked against (`#host=NAME`) belongs to it: a bare address is not verified.
    """
    first, second = _server(one), _server(other)
    return first is not None and first == second


def _stream(address: str) -> tuple[str, str, int | None, str, str]:
    try:
        parts = urlsplit(address)
        return (*_where(parts), parts.path or "/", parts.query)
    except ValueError:  # what the configuration holds need be no address of a network
        return ("", "", None, address, "")


def _server(address: str) -> tuple[str, str, int | None, str] | None:
    try:
        parts = urlsplit(address)
        return (*_where(parts), parts.fragment) if parts.hostname else None
    except ValueError:
        return None


def _where(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _USUAL_PORTS.get(parts.scheme)
