"""Ends what a timeout on each read does not: a server that sends a byte now and then, for ever."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["hung_up_after"]


@contextmanager
def hung_up_after(connection: socket.socket, limit_s: float) -> Iterator[None]:
    """Shut the connection down when the block takes longer than `limit_s`: who waits in it gets an OSError or the end.

    It holds the connection by a handle of its own, as TLS takes the given one away.
    """
    handle = connection.dup()
    timer = threading.Timer(limit_s, _hang_up, (handle,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        handle.close()


def _hang_up(handle: socket.socket) -> None:
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)
