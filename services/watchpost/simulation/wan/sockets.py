"""The sockets of a simulated link: with small buffers of their own, since those count as part of the link."""

import contextlib
import socket
import struct

__all__ = ["HOST", "connecting", "listening", "prepared", "reset"]

HOST = "127.0.0.1"
_BACKLOG = 128
# the kernel grows a buffer to megabytes where nobody says how large it shall be: minutes of a thin line
_RECEIVE_BUFFER_BYTES = 128 * 1024
_HANG_UP_AT_ONCE = struct.pack("ii", 1, 0)


def listening(port: int) -> socket.socket:
    """A socket that takes connections on `port`."""
    listener = _new()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def connecting() -> socket.socket:
    """A socket that is about to connect."""
    return prepared(_new())


def prepared(end: socket.socket) -> socket.socket:
    """The same one, so that it sends at once what it is given, and blocks nobody."""
    end.setblocking(False)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return end


def reset(end: socket.socket) -> None:
    """Close it so that the other side gets a reset instead of an orderly end."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HANG_UP_AT_ONCE)
    end.close()


def _new() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    # before it listens or connects: what was agreed on with the other side then cannot be taken back
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    return made
