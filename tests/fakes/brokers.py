"""Brokers for tests: the embedded one, and the published image in a container, behind one face."""

import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Protocol, Self

import docker
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from docker.errors import DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.requirements import require
from tests.waiting import wait_for
from watchpost.stream.free_ports import free_port
from watchpost.stream.topics import TopicPlan, apply_topics

__all__ = [
    "KAFKA_IMAGE",
    "Broker",
    "ContainerKafka",
    "create_topic",
    "produce",
    "read_all",
    "require_container",
    "unique",
]

KAFKA_IMAGE = "apache/kafka:4.3.1"
_CLIENTS_PORT = 9092
_INSTALL_ENGINE = "apt-get install -y docker.io && (dockerd &)"


class Broker(Protocol):
    """A running Kafka of one node that a test may also kill and start again on the same port and data."""

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        ...

    def start(self) -> str:
        """Start it (again); `host:port` once it answers."""
        ...

    def stop(self) -> None:
        """Stop it cleanly."""
        ...

    def kill(self) -> None:
        """End it with kill -9."""
        ...


class ContainerKafka:
    """The published image, one node, its clients' port on loopback only.

    Example:
        with ContainerKafka() as kafka:
            AdminClient({"bootstrap.servers": kafka.bootstrap})

    """

    def __init__(self) -> None:
        self._port = free_port()
        # testcontainers' own reaper is an image from elsewhere; the fixture removes the container
        testcontainers_config.ryuk_disabled = True
        self._container = DockerContainer(KAFKA_IMAGE, env=_environment(self.bootstrap))
        # its with_bind_ports cannot say which interface: it would be all of them
        self._container.ports = {f"{_CLIENTS_PORT}/tcp": ("127.0.0.1", self._port)}  # type: ignore[dict-item]
        self._created = False

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> str:
        if self._created:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._created = True
        wait_for(lambda: _brokers(self.bootstrap), within_s=60)
        return self.bootstrap

    def stop(self) -> None:
        self._container.get_wrapped_container().stop()

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.stop()


def require_container() -> None:
    """Skip (in CI: fail) where there is no container engine, or not the image."""
    require("a container engine", _INSTALL_ENGINE, found=_engine_answers())
    require(f"the image {KAFKA_IMAGE}", f"docker pull {KAFKA_IMAGE}", found=_image_is_here())


def unique(prefix: str) -> str:
    """A name that no other test uses: tests share a broker, so topics and groups are theirs alone."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def create_topic(bootstrap: str, name: str, *, partitions: int = 1, settings: Mapping[str, str] | None = None) -> str:
    """Make a topic; its name."""
    apply_topics({"bootstrap.servers": bootstrap}, [TopicPlan(name, partitions, settings or {})])
    return name


def produce(bootstrap: str, topic: str, values: Sequence[bytes], *, key: bytes | None = None) -> None:
    """Write `values` in order, acknowledged before this returns."""
    outcomes: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    for value in values:
        producer.produce(topic, value, key, on_delivery=lambda error, _message: outcomes.append(error))
    assert producer.flush(30) == 0
    assert outcomes == [None] * len(values)


def read_all(
    bootstrap: str, topic: str, *, count: int, within_s: float = 20.0, settings: Mapping[str, Any] | None = None
) -> list[Message]:
    """The first `count` records of `topic`, read as a group of its own. Fails with what came when fewer come."""
    client = {
        "bootstrap.servers": bootstrap,
        "group.id": unique("reader"),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **(settings or {}),
    }
    consumer = Consumer(client)
    consumer.subscribe([topic])
    messages: list[Message] = []

    def look() -> list[Message]:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            messages.append(message)
        return messages

    try:
        wait_for(look, lambda seen: len(seen) >= count, within_s=within_s)
    finally:
        consumer.close()
    return messages


def _environment(bootstrap: str) -> dict[str, str]:
    return {
        "CLUSTER_ID": "watchpost-test-cluster",
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        # the broker speaks to itself when a transaction ends: the clients' address is not there inside the container
        "KAFKA_LISTENERS": f"PLAINTEXT://:{_CLIENTS_PORT},INTERNAL://localhost:9094,CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{bootstrap},INTERNAL://localhost:9094",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_HEAP_OPTS": "-Xmx256m -Xms64m",
    }


def _brokers(bootstrap: str) -> int:
    try:
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        return len(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return 0


@cache
def _engine_answers() -> bool:
    try:
        return bool(docker.from_env(timeout=10).ping())
    except DockerException:
        return False


@cache
def _image_is_here() -> bool:
    try:
        docker.from_env(timeout=10).images.get(KAFKA_IMAGE)
    except ImageNotFound:
        return _pulled()
    return True


def _pulled() -> bool:
    try:
        docker.from_env(timeout=600).images.pull(KAFKA_IMAGE)
    except DockerException:
        return False
    return True
