"""An object store that speaks as much of S3 as an upload needs, and fails when a test wants it to.

with S3UnderTest() as store:
    store.fails_after_parts = 1           # the second part of a multipart upload is refused, and so is all after it
    store.objects["clips/shop/8a0f.mp4"]
"""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.fakes.s3_server import s3_environment

__all__ = ["S3UnderTest"]


class S3UnderTest:
    """Keeps objects in memory, by `BUCKET/KEY`. A bucket that is not in `buckets` does not exist."""

    def __init__(self) -> None:
        self.buckets = {"clips"}
        self.objects: dict[str, bytes] = {}
        self.parts_taken = 0
        self.fails_after_parts: int | None = None
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a client finds its way by."""
        return s3_environment(f"http://127.0.0.1:{self._server.server_port}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, key: str, query: dict[str, list[str]], body: bytes) -> int:
        """A whole object, or a part of one; the HTTP status."""
        with self._lock:
            if key.partition("/")[0] not in self.buckets:
                return 404
            if "uploadId" not in query:
                self.objects[key] = body
                return 200
            if self.fails_after_parts is not None and self.parts_taken >= self.fails_after_parts:
                return 403
            self.parts_taken += 1
            self._uploads[query["uploadId"][0]][int(query["partNumber"][0])] = body
            return 200

    def begin(self) -> str:
        """The id of a new multipart upload."""
        with self._lock:
            name = f"upload-{len(self._uploads)}"
            self._uploads[name] = {}
            return name

    def complete(self, key: str, upload: str, numbers: list[int]) -> None:
        """Put an object together from its parts."""
        with self._lock:
            self.objects[key] = b"".join(self._uploads[upload][number] for number in sorted(numbers))


def _handler(store: S3UnderTest) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            key, query = self._asked()
            self._answer(store.put(key, query, self._body()))

        def do_POST(self) -> None:
            key, query = self._asked()
            body = self._body()
            if "uploadId" in query:
                numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
                store.complete(key, query["uploadId"][0], numbers)
                self._answer(200, "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
                return
            answer = f"<InitiateMultipartUploadResult><UploadId>{store.begin()}</UploadId>"
            self._answer(200, f"{answer}</InitiateMultipartUploadResult>")

        def do_HEAD(self) -> None:
            key, _ = self._asked()
            found = store.objects.get(key)
            self.send_response(404 if found is None else 200)
            self.send_header("ETag", '"e"')
            self.send_header("Last-Modified", "Sat, 28 Nov 2026 10:00:00 GMT")
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()

        def do_DELETE(self) -> None:
            self._answer(204)

        def _asked(self) -> tuple[str, dict[str, list[str]]]:
            parts = urlsplit(self.path)
            return parts.path.lstrip("/"), parse_qs(parts.query, keep_blank_values=True)

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _answer(self, status: int, text: str = "") -> None:
            self.send_response(status)
            self.send_header("ETag", '"e"')
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
