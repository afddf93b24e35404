"""A stand-in for the hub that models are published at: enough of its protocol for its own client to fetch a repository.

with Hub("Qwen/Qwen3-VL-4B-Instruct", directory) as hub:
    ...  # HF_ENDPOINT=hub.url
assert hub.ranges == ["bytes=1000-"]
"""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Hub"]

_REVISION = "1" * 40


class Hub:
    """Serves one repository from a directory on a free loopback port.

    Args:
        repository: its name.
        directory: its files.

    Set `breaks_after_bytes` to let answers end early, and every later one fail; None again for a hub that is well.

    """

    def __init__(self, repository: str, directory: Path) -> None:
        self.repository, self.directory = repository, directory
        self.breaks_after_bytes: int | None = None
        self.requests: list[str] = []
        self.ranges: list[str] = []
        hub = self

        class Handler(_Handler):
            def __init__(self, *arguments: object) -> None:
                self.hub = hub
                super().__init__(*arguments)  # type: ignore[arg-type]  # socketserver's own three

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    # the client comes with eight connections at once
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the name that the base class gives it
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._answer(whole=False)

    def do_GET(self) -> None:
        self._answer(whole=True)

    def _answer(self, *, whole: bool) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        about, files = f"/api/models/{self.hub.repository}", f"/{self.hub.repository}/resolve/{_REVISION}/"
        wanted = self.hub.directory / self.path.removeprefix(files)
        if self.path.partition("?")[0] in {about, f"{about}/revision/{_REVISION}"}:
            self._send(200, json.dumps(self._about()).encode(), {"Content-Type": "application/json"}, whole=True)
        elif self.path.startswith(files) and wanted.is_file():
            self._send_file(wanted, whole=whole)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, whole=whole)

    def _about(self) -> dict[str, object]:
        siblings = [
            {"rfilename": path.name, "size": path.stat().st_size} for path in sorted(self.hub.directory.iterdir())
        ]
        return {"id": self.hub.repository, "sha": _REVISION, "siblings": siblings}

    def _send_file(self, path: Path, *, whole: bool) -> None:
        data = path.read_bytes()
        headers = {"X-Repo-Commit": _REVISION, "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
        asked = self.headers.get("Range")
        if whole and asked is not None:
            self.hub.ranges.append(asked)
            begin = int(asked.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
            self._send(206, data[begin:], headers, whole=True)
        else:
            self._send(200, data, headers, whole=whole)

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, whole: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        limit = self.hub.breaks_after_bytes
        if whole and limit is not None and len(body) > limit and not self.path.startswith("/api/"):
            self.wfile.write(body[:limit])
            self.close_connection = True
        elif whole:
            self.wfile.write(body)
