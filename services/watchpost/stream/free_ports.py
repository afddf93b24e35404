"""Chooses ports for servers that must be found again on the same one after a restart."""

import itertools
import os
import secrets
import socket

from watchpost.errors import RetryableError

__all__ = ["free_port", "free_ports", "is_free"]

# below the range from which systems give ports to outgoing connections (32768 and up on Linux): a port from there may
# be taken by any client while its broker restarts, even by a client that tries to reach that very broker
_LOWEST, _HIGHEST = 20_000, 32_000
# a port is taken seconds after it was chosen: processes that choose at the same time have slots of their own, and
# one process does not choose the same port again before its slot is used up
_SLOT_PORTS = 300
_SLOTS = (_HIGHEST - _LOWEST) // _SLOT_PORTS
_turn = itertools.count(secrets.randbelow(_SLOT_PORTS))


def free_port() -> int:
    """A loopback port that nobody listens on now.

    Raises:
        RetryableError: all ports of this process's slot are taken.

    """
    lowest = _LOWEST + os.getpid() % _SLOTS * _SLOT_PORTS
    for _ in range(_SLOT_PORTS):
        port = lowest + next(_turn) % _SLOT_PORTS
        if is_free(port):
            return port
    raise RetryableError(f"none of the {_SLOT_PORTS} ports from {lowest} on is free")


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
