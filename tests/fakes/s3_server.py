"""A real server of S3's protocol (moto's), as a process of its own: `moto_server` on the PATH.

with S3Server("frames") as server:
    monkeypatch.setenv(...)               # each of server.environment
    FrameStore(FrameSettings(url="s3://frames/site"), clock)
"""

import subprocess
from types import TracebackType
from typing import Self

import httpx

from tests.requirements import require
from tests.waiting import wait_for
from watchpost.stream.free_ports import free_port

__all__ = ["S3Server", "s3_environment"]

_REMEDY = "pipx install 'moto[s3,server]'"


def s3_environment(url: str) -> dict[str, str]:
    """By which a client finds a store that answers at `url`, and takes it for S3."""
    return {
        "AWS_ENDPOINT": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


class S3Server:
    """Holds one bucket, in memory."""

    def __init__(self, bucket: str) -> None:
        require("moto_server", _REMEDY)
        self._bucket = bucket
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client finds its way by."""
        return s3_environment(self.url)

    def __enter__(self) -> Self:
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer, at the same address; what was kept before is gone."""
        command = ["moto_server", "-H", "127.0.0.1", "-p", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def restart(self) -> None:
        """Begin to answer, with the bucket, which is empty."""
        self.stop()
        self.start()
        wait_for(self._makes_bucket, lambda made: made, within_s=30)

    def stop(self) -> None:
        """Refuse connections."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _makes_bucket(self) -> bool:
        try:
            return httpx.put(f"{self.url}/{self._bucket}", timeout=5).is_success
        except httpx.TransportError:
            return False
