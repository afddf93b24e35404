"""Chooses ports for servers that must be found again on the same one after a restart."""

import secrets
import socket

from watchpost.errors import RetryableError

__all__ = ["free_port", "free_ports", "is_free"]

# below the range from which systems give ports to outgoing connections (32768 and up on Linux): a port from there may
# be taken by any client while its broker restarts, even by a client that tries to reach that very broker
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIES = 100


def free_port() -> int:
    """A loopback port that nobody listens on now.

    Raises:
        RetryableError: a hundred ports tried at random are all taken.

    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if is_free(port):
            return port
    raise RetryableError(f"of {_TRIES} ports between {_LOWEST} and {_HIGHEST} none is free")


def free_ports(count: int) -> list[int]:
    """So many different ones.

    Raises:
        RetryableError: there are not so many.

    """
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # as servers do: without it a port is called taken for a minute after connections to it were cut
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
