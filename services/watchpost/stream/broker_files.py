"""The embedded broker's folder: where things lie in it, and the settings that the broker is told there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COORDINATOR_PARTITIONS", "BrokerFiles", "Detour"]

COORDINATOR_PARTITIONS = 4
_NODE_ID = 1


@dataclass(frozen=True, slots=True)
class Detour:
    """A second way in, for clients that come through a relay: they are sent back to its port, not to the broker's.

    Args:
        port: where the broker listens for the relay, on loopback.
        relay_port: where the relay listens for clients, on loopback.

    """

    port: int
    relay_port: int


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """A broker's folder. Only `storage` holds data; the rest is written anew at each start."""

    root: Path

    @property
    def storage(self) -> Path:
        return self.root / "kafka"

    @property
    def meta_properties(self) -> Path:
        """Kafka's own file of identity: the cluster's and the node's ids."""
        return self.storage / "meta.properties"

    @property
    def properties(self) -> Path:
        return self.root / "server.properties"

    @property
    def logging(self) -> Path:
        return self.root / "log4j2.properties"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def log(self) -> Path:
        return self.logs / "broker.log"

    @property
    def output(self) -> Path:
        """What the JVM itself writes: most of all why it could not start."""
        return self.logs / "jvm.out"

    @property
    def scratch(self) -> Path:
        """Where the JVM unpacks its native compression libraries: emptied at each start, since kill -9 leaves them."""
        return self.root / "tmp"

    @property
    def pid_file(self) -> Path:
        return self.root / "broker.pid"

    def write_settings(
        self, advertised_host: str, port: int, controller_port: int, detour: Detour | None = None
    ) -> None:
        """Write both properties files, for one node that is broker and controller."""
        listen = "127.0.0.1" if _is_loopback(advertised_host) else "0.0.0.0"  # noqa: S104 - a host was asked for
        detour_in, detour_told, detour_kind = ("", "", "") if detour is None else _listener_of(detour)
        self.properties.write_text(
            "".join(
                f"{key}={value}\n"
                for key, value in {
                    "process.roles": "broker,controller",
                    "node.id": _NODE_ID,
                    "controller.quorum.voters": f"{_NODE_ID}@127.0.0.1:{controller_port}",
                    "controller.listener.names": "CONTROLLER",
                    "listeners": f"PLAINTEXT://{listen}:{port},CONTROLLER://127.0.0.1:{controller_port}{detour_in}",
                    "advertised.listeners": f"PLAINTEXT://{advertised_host}:{port}{detour_told}",
                    "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{detour_kind}",
                    "log.dirs": self.storage,
                    **_SETTINGS,
                }.items()
            )
        )
        self.logging.write_text(_LOGGING.format(log=self.log, rolled=self.logs / "broker.%i.log"))

    def bootstrap(self) -> str | None:
        """The address that clients use, as the broker was last told."""
        listeners = self._read(self.properties, "advertised.listeners=PLAINTEXT://")
        return None if listeners is None else listeners.partition(",")[0]

    def cluster_id(self) -> str | None:
        """The cluster's id, or None where nothing is formatted yet."""
        return self._read(self.meta_properties, "cluster.id=")

    @staticmethod
    def _read(path: Path, prefix: str) -> str | None:
        try:
            lines = path.read_text().splitlines()
        except FileNotFoundError:
            return None
        return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), None)


def _listener_of(detour: Detour) -> tuple[str, str, str]:
    """What a detour adds to the listeners, to the addresses that clients are told, and to the protocols."""
    return f",DETOUR://127.0.0.1:{detour.port}", f",DETOUR://127.0.0.1:{detour.relay_port}", ",DETOUR:PLAINTEXT"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_SETTINGS = {
    "auto.create.topics.enable": "false",
    # one node holds everything once
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # 50 partitions each by default: they spread load over brokers that are not there, and cost files and memory
    "offsets.topic.num.partitions": COORDINATOR_PARTITIONS,
    "transaction.state.log.num.partitions": COORDINATOR_PARTITIONS,
    "group.initial.rebalance.delay.ms": 0,
    # after kill -9 the controller refuses the new broker until the old one's session is over: 12 s to start by default,
    # 6 s so. A machine that stands still for longer than the session fences its own broker until the next heartbeat
    "broker.session.timeout.ms": 4000,
    "broker.heartbeat.interval.ms": 1000,
    # 128 MB of heap by default
    "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
    # 10 MB by default, twice a segment, set aside as sparse files
    "log.index.size.max.bytes": 1024 * 1024,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "num.recovery.threads.per.data.dir": 2,
}

_LOGGING = """\
status = error
# Kafka's own shutdown is the last thing worth reading: log4j must not close before it
shutdownHook = disable
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {rolled}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %p %c{{1}}: %m%n%throwable
appender.file.policies.type = SizeBasedTriggeringPolicy
appender.file.policies.size = 5MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
# info everywhere is 2,000 lines at a start and ten for each partition
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
logger.server.name = kafka.server
logger.server.level = info
logger.started.name = org.apache.kafka.server
logger.started.level = info
logger.settings.name = org.apache.kafka.common.config
logger.settings.level = warn
"""
