"""Stands between libav and an RTSP camera, so that libav reaches the camera's pinned address and no other."""

import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.deadlines import hung_up_after
from watchpost.ingest.failures import source_error
from watchpost.ingest.guarded_addresses import GuardedAddress
from watchpost.ingest.packets import SourceLimits
from watchpost.ingest.rtsp_replies import ReplyFilter

__all__ = ["RtspRelay"]

_CHUNK_BYTES = 65_536
_JOIN_S = 2.0


class RtspRelay:
    """One connection to the camera, offered once on a free loopback port.

    What libav sends goes to the camera as it is; what comes back goes through a `ReplyFilter`. TLS ends here.

    with RtspRelay(address, limits) as relay:
        av.open(f"rtsp://127.0.0.1:{relay.port}{address.rest}")
        relay.failure           # why the relay ended it, if it did

    Raises:
        SourceError: entering the block: the camera does not take the connection.
    """

    def __init__(self, address: GuardedAddress, limits: SourceLimits) -> None:
        self._limits = limits
        self._camera = _connected(address, limits)
        self._door = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._door.settimeout(limits.open_timeout_s)
        self._viewer: socket.socket | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"rtsp-relay-{address.ip}", daemon=True)
        self.failure: SourceError | None = None

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._door.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        for end in (self._door, self._camera, self._viewer):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        try:
            with self._camera, self._door:
                self._viewer, _ = self._door.accept()
                with self._viewer:
                    self._door.close()
                    self._relay(self._viewer)
        except OSError:
            return  # an end that hung up: libav says what that means

    def _relay(self, viewer: socket.socket) -> None:
        replies = ReplyFilter()
        while not self._closed.is_set():
            readable, _, _ = select.select([viewer, self._camera], [], [])
            if viewer in readable:
                asked = viewer.recv(_CHUNK_BYTES)
                if not asked:
                    return
                self._ask(asked)
            if self._camera in readable and not self._answer(viewer, replies):
                return

    def _ask(self, asked: bytes) -> None:
        self._camera.settimeout(self._limits.read_timeout_s)
        self._camera.sendall(asked)
        self._camera.setblocking(False)

    def _answer(self, viewer: socket.socket, replies: ReplyFilter) -> bool:
        """Pass on what has come; False at the end. TLS may hold more, or less, than the socket says."""
        while True:
            try:
                answer = self._camera.recv(_CHUNK_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            if not answer:
                return False
            try:
                passed = replies.feed(answer)
            except SourceError as why:
                self.failure = why  # before libav sees the end of the connection
                return False
            viewer.sendall(passed)


def _connected(address: GuardedAddress, limits: SourceLimits) -> socket.socket:
    began_s = time.monotonic()
    try:
        plain = socket.create_connection((address.ip, address.port), timeout=limits.open_timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        camera = _encrypted(plain, address, limits) if address.is_encrypted else plain
    except ssl.SSLCertVerificationError:
        problem = f"the camera's certificate is not valid for {address.name}"
        raise SourceError(SourceFailure.REFUSED, problem) from None
    except OSError as error:
        waited_s = time.monotonic() - began_s
        raise source_error(error, "opening", waited_s=waited_s, limit_s=limits.open_timeout_s) from None
    camera.setblocking(False)
    return camera


def _encrypted(plain: socket.socket, address: GuardedAddress, limits: SourceLimits) -> socket.socket:
    try:
        with hung_up_after(plain, limits.open_timeout_s):
            return address.tls().wrap_socket(plain, server_hostname=address.name)
    except OSError:
        plain.close()
        raise
