"""A real Apache Kafka on this machine from pip's packages alone, for sites that have no cluster, and for tests."""

from __future__ import annotations

import base64
import shutil
import uuid
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Self

import structlog

from watchpost.errors import ConfigError, RetryableError
from watchpost.stream.broker_files import BrokerFiles, Detour
from watchpost.stream.broker_jvm import BrokerJvm, PortTakenError
from watchpost.stream.free_ports import free_port, is_free
from watchpost.stream.guarded_process import require_free
from watchpost.stream.maven_jars import JarPin, default_cache_dir, fetch_jars, read_jar_lock

if TYPE_CHECKING:
    from watchpost.stream.guarded_process import GuardedProcess

__all__ = ["Detour", "EmbeddedKafka", "kafka_jar_pins"]

_PORT_TRIES = 3
_START_TIMEOUT_S = 60.0

log = structlog.get_logger()


class EmbeddedKafka:
    """Apache Kafka 4.3.1, one node in KRaft mode. Its data stays between starts; its JVM ends with this process.

    Example:
        with EmbeddedKafka(Path("var/kafka")) as kafka:
            AdminClient({"bootstrap.servers": kafka.bootstrap})

    Args:
        data_dir: the broker's folder: data, settings, logs. One broker at a time may use it.
        port: where clients connect; None takes a free one and keeps it for this object's later starts.
        heap_mb: the JVM's largest heap; the process takes 150 MB more.
        advertised_host: the name by which clients reach this machine. Anything but loopback makes the broker listen on
            all interfaces, without encryption or authentication: for containers in a network of their own.
        cache_dir: where the jars are kept; $WATCHPOST_CACHE or ~/.cache/watchpost by default.
        detached: True leaves it running when this process ends (`watchpost kafka start`).
        detour: a second way in, through a relay that simulates a link.

    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        heap_mb: int = 256,
        advertised_host: str = "127.0.0.1",
        cache_dir: Path | None = None,
        detached: bool = False,
        detour: Detour | None = None,
    ) -> None:
        self._files = BrokerFiles(data_dir.absolute())
        self._fixed_port = port
        self._port = port
        self._heap_mb = heap_mb
        self._advertised_host = advertised_host
        self._cache_dir = cache_dir or default_cache_dir()
        self._detached = detached
        self._detour = detour
        self._process: GuardedProcess | None = None

    @property
    def data_dir(self) -> Path:
        """The broker's folder."""
        return self._files.root

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients.

        Raises:
            RetryableError: no port is chosen before the first start.

        """
        if self._port is None:
            raise RetryableError("the broker was not started yet: it has no port")
        return f"{self._advertised_host}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The JVM's process id while it runs."""
        return None if self._process is None else self._process.child_pid

    def start(self) -> str:
        """Start the broker, on the data that is there; `host:port` once it answers (2 to 5 s).

        Raises:
            ConfigError: the port or the folder is taken, or the folder cannot be used.
            RetryableError: the jars cannot be had, or the broker ended or did not answer; its last log lines are told.

        """
        if self.pid is not None:
            return self.bootstrap
        require_free(self._files.pid_file)
        jars = fetch_jars(kafka_jar_pins(), self._cache_dir)
        self._prepare_folder()
        for attempt in range(1, _PORT_TRIES + 1):
            port = self._port = self._choose_ports()
            try:
                self._start_on_port(jars, port)
            except PortTakenError as error:
                # between choosing a free port and the JVM taking it, another program may have come
                if self._fixed_port is not None or attempt == _PORT_TRIES:
                    raise _port_error(port) from error
                self._port = None
            else:
                break
        log.info("kafka started", bootstrap=self.bootstrap, data_dir=str(self._files.root), pid=self.pid)
        return self.bootstrap

    def stop(self) -> None:
        """Stop the broker and wait for its end: 0.5 s, or 20 s when it must be forced. Starting again is allowed."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End the JVM with kill -9, for tests of what follows. `start` afterwards keeps port and data."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare_folder(self) -> None:
        files = self._files
        try:
            files.logs.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(files.scratch, ignore_errors=True)
            files.scratch.mkdir(exist_ok=True)
        except OSError as error:
            raise ConfigError(
                "kafka.data_dir", f"{files.root} cannot be used ({error.strerror})", "name a folder that can be written"
            ) from error
        if not files.meta_properties.exists() and (files.storage / "__cluster_metadata-0").exists():
            raise ConfigError(
                "kafka.data_dir",
                f"{files.storage} holds records but not {files.meta_properties.name}, which says whose they are",
                "bring that file back, or move the folder away to begin anew",
            )

    def _choose_ports(self) -> int:
        """Write the settings with ports that are free now; the clients' one."""
        port = self._port or free_port()
        if not is_free(port):
            raise _port_error(port)
        self._files.write_settings(self._advertised_host, port, free_port(), self._detour)
        return port

    def _start_on_port(self, jars: tuple[Path, ...], port: int) -> None:
        jvm = BrokerJvm(self._files, jars, self._heap_mb, self._detached)
        is_new = not self._files.meta_properties.exists()
        if is_new:
            jvm.format_storage(_new_cluster_id())
        self._process = jvm.launch()
        try:
            jvm.wait_until_it_answers(self._process, port, _START_TIMEOUT_S)
            if is_new:
                jvm.prepare_coordinators(port)
        except BaseException:
            self.stop()
            raise


def _port_error(port: int) -> ConfigError:
    return ConfigError("kafka.port", f"port {port} is taken by another program", "stop that one, or name another port")


def kafka_jar_pins() -> tuple[JarPin, ...]:
    """The jars of the broker, as they are locked."""
    return read_jar_lock(Path(str(resources.files("watchpost.stream") / "kafka_jars.lock")))


def _new_cluster_id() -> str:
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not cluster_id.startswith("-"):  # Kafka's tools take it for an option
            return cluster_id
