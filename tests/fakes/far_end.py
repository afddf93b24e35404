"""A server of plain TCP that keeps what arrives, and how each connection ended."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

__all__ = ["Arrived", "FarEnd"]


@dataclass(slots=True)
class Arrived:
    """One connection, seen from the server."""

    connection: socket.socket
    data: bytearray = field(default_factory=bytearray)
    first_s: float | None = None
    last_s: float = 0.0
    ended: Literal["orderly", "reset"] | None = None


class FarEnd:
    """Takes any connection on a free loopback port.

    Example:
        with FarEnd(echoes=True) as far:
            connect(far.port)

    Args:
        echoes: whether what arrives is sent back.
    """

    def __init__(self, *, echoes: bool = False) -> None:
        self._echoes = echoes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections: list[Arrived] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for arrived in self.connections:
            with suppress(OSError):  # it has ended by itself
                arrived.connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            arrived = Arrived(connection)
            self.connections.append(arrived)
            self._start(self._read, arrived)

    def _read(self, arrived: Arrived) -> None:
        try:
            while came := arrived.connection.recv(65536):
                arrived.last_s = time.monotonic()
                arrived.first_s = arrived.first_s or arrived.last_s
                arrived.data += came
                if self._echoes:
                    arrived.connection.sendall(came)
            arrived.ended = "orderly"
        except OSError:
            arrived.ended = "reset"
        finally:
            arrived.connection.close()
