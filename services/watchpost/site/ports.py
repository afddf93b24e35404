"""Finds ports that nobody uses, for what is started on this machine only."""

import socket

__all__ = ["free_ports"]


def free_ports(count: int) -> list[int]:
    """`count` different ports of loopback that are free at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in sockets]
    finally:
        for free in sockets:
            free.close()
