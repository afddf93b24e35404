"""What `watchpost kafka start|stop|status` do: a broker that belongs to no process and is found by its folder."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from watchpost.errors import ConfigError, RetryableError
from watchpost.stream.broker_files import BrokerFiles
from watchpost.stream.broker_jvm import STOP_GRACE_S
from watchpost.stream.embedded import EmbeddedKafka, kafka_jar_pins
from watchpost.stream.guarded_process import read_guard
from watchpost.stream.maven_jars import default_cache_dir, fetch_jars

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_PORT", "BrokerStatus", "fetch_kafka", "kafka_status", "start_kafka", "stop_kafka"]

DEFAULT_PORT = 9092
_STOP_TIMEOUT_S = STOP_GRACE_S + 5


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """A folder's broker. `pid` is the JVM's, `owner_pid` that of the process with which it ends, if any."""

    running: bool
    data_dir: Path
    bootstrap: str | None
    cluster_id: str | None
    pid: int | None
    owner_pid: int | None

    def as_plain(self) -> dict[str, object]:
        """What JSON can hold of it."""
        return {**asdict(self), "data_dir": str(self.data_dir)}


def start_kafka(
    data_dir: Path,
    *,
    port: int = DEFAULT_PORT,
    heap_mb: int = 256,
    advertised_host: str = "127.0.0.1",
    cache_dir: Path | None = None,
) -> BrokerStatus:
    """Start a broker that stays when this process ends; its status. One that already runs there is left as it is.

    Raises:
        ConfigError: the port or the folder is taken, or the folder cannot be used.
        RetryableError: the jars cannot be had, or the broker did not start.

    """
    if not kafka_status(data_dir).running:
        EmbeddedKafka(
            data_dir, port=port, heap_mb=heap_mb, advertised_host=advertised_host, cache_dir=cache_dir, detached=True
        ).start()
    return kafka_status(data_dir)


def fetch_kafka(cache_dir: Path | None = None) -> int:
    """Bring the broker's jars to this machine, so that a start needs no network; how many they are.

    Raises:
        ConfigError: the cache cannot be written.
        RetryableError: a jar cannot be had, or is not what the lock promises.

    """
    return len(fetch_jars(kafka_jar_pins(), cache_dir or default_cache_dir()))


def stop_kafka(data_dir: Path) -> bool:
    """Stop the folder's broker cleanly and wait for its end; whether one was running.

    Raises:
        ConfigError: it belongs to a process, such as `watchpost up`, that would miss it.
        RetryableError: it did not end in time.

    """
    pid_file = BrokerFiles(data_dir.absolute()).pid_file
    guard = read_guard(pid_file)
    if guard is None:
        return False
    if guard.owner_pid is not None:
        raise ConfigError(
            str(data_dir), f"its broker belongs to process {guard.owner_pid}", "stop that process: the broker follows"
        )
    with suppress(ProcessLookupError):
        os.kill(guard.guard_pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while read_guard(pid_file) is not None:
        if time.monotonic() > deadline:
            raise RetryableError(f"kafka (process {guard.child_pid}) did not stop within {_STOP_TIMEOUT_S:g} s")
        time.sleep(0.05)
    return True


def kafka_status(data_dir: Path) -> BrokerStatus:
    """What is known of the folder's broker, without asking it."""
    files = BrokerFiles(data_dir.absolute())
    guard = read_guard(files.pid_file)
    return BrokerStatus(
        running=guard is not None,
        data_dir=files.root,
        bootstrap=files.bootstrap(),
        cluster_id=files.cluster_id(),
        pid=None if guard is None else guard.child_pid,
        owner_pid=None if guard is None else guard.owner_pid,
    )
