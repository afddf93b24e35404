"""Servers that answer what a test tells them to, and one that only notes who came: for what cameras should never do."""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["Dripping", "Listener", "ScriptedServer", "rtsp_script"]


class ScriptedServer:
    r"""Takes connections on a free loopback port and answers each request on them.

    Args:
        answer: from a request's head to the bytes of the answer; empty bytes hang up.
        tls: speak TLS with this context.

    Example:
        with ScriptedServer(lambda head: b"HTTP/1.1 404 Not Found\r\n\r\n") as server:
            read(f"http://127.0.0.1:{server.port}/")
        assert server.heads[0].startswith(b"GET / ")

    """

    def __init__(self, answer: Callable[[bytes], bytes], *, tls: ssl.SSLContext | None = None) -> None:
        self._answer, self._tls = answer, tls
        self._server = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self.heads: list[bytes] = []
        self.port = int(self._server.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for held in (self._server, *self._held):
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._held.append(connection)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError):
            talking = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with talking:
                while head := _head(talking):
                    self.heads.append(head)
                    answer = self._answer(head)
                    if not answer:
                        return
                    talking.sendall(answer)


def _head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        letter = connection.recv(1)
        if not letter:
            return b""
        head += letter
    return head


def rtsp_script(answers: Mapping[str, bytes]) -> Callable[[bytes], bytes]:
    """Answers of an RTSP camera by method; `{cseq}` in them becomes the request's number. OPTIONS has a usual one."""

    def answer(head: bytes) -> bytes:
        method = head.partition(b" ")[0].decode()
        usual = b"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n"
        cseq = head.lower().partition(b"cseq:")[2].split()[0]
        return {"OPTIONS": usual, **answers}.get(method, b"").replace(b"{cseq}", cseq)

    return answer


class Dripping:
    r"""Takes connections and sends a byte every 50 ms, for ever: first `beginning` at once.

    Example:
        with Dripping(b"HTTP/1.1 200 OK\r\n") as server:
            read(f"http://127.0.0.1:{server.port}/")

    """

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self._server = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self.port = int(self._server.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(self._beginning)
            while not self._ended.wait(0.05):
                connection.sendall(b"X")


class Listener:
    """A place where nobody may come: it notes every TCP connection and UDP packet.

    Example:
        with Listener() as forbidden:
            open_something_that_redirects_to(f"rtsp://127.0.0.1:{forbidden.port}/")
        assert forbidden.seen == []

    """

    def __init__(self) -> None:
        self._stream = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._stream.getsockname()[1])
        self._packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._packets.bind(("127.0.0.1", self.port))
        self.seen: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        self._packets.sendto(b"", ("127.0.0.1", self.port))  # wakes the thread that receives
        self._stream.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._stream.accept()
                self.seen.append("tcp")
                connection.close()

    def _receive(self) -> None:
        with self._packets, suppress(OSError):
            while self._packets.recv(2048):
                self.seen.append("udp")
