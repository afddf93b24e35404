"""TLS for tests: a certificate that a test makes itself, and TLS in front of a server that speaks none."""

import asyncio
import ssl
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.requirements import require

__all__ = ["Certificate", "TlsFront", "made_certificate"]

_ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """Signed by itself: who trusts `path` trusts it."""

    path: Path
    key_path: Path

    def server(self) -> ssl.SSLContext:
        """For a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key_path)
        return context


def made_certificate(folder: Path, name: str) -> Certificate:
    """A certificate for the host `name`."""
    require("openssl", "apt-get install -y openssl")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(made.key_path), "-out", str(made.path), "-days", "2", "-subj", f"/CN={name}"]
    subprocess.run([*command, "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return made


class TlsFront:
    """Takes TLS connections on a free loopback port and hands them on to `port`.

    Example:
        with RtspCamera(path) as camera, TlsFront(camera_port, certificate) as front:
            read(f"rtsps://127.0.0.1:{front.port}/stream")

    """

    def __init__(self, port: int, certificate: Certificate) -> None:
        self._behind, self._certificate = port, certificate
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_ANSWER_S)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self._certificate.server())

    async def _end(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait([task])

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            await asyncio.gather(_pass_on(reader, behind_writer), _pass_on(behind_reader, writer))
        except (OSError, asyncio.CancelledError):
            return
        finally:
            for end in (writer, behind_writer):
                end.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while came := await reader.read(65536):
        writer.write(came)
        await writer.drain()
    raise ConnectionAbortedError("one end hung up")
