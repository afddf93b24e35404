"""Loads the cameras of the configuration into the site's one truth about cameras, `watchpost.cameras.v1`.

changes = publish_camera_specs(settings)
changes.written, changes.removed
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import CameraId, CameraSpec, SpecOrigin
from watchpost.errors import ContractError, RetryableError
from watchpost.settings import SiteSettings
from watchpost.stream import RecordProducer, client_config, key_of, value_of, watermarks

__all__ = ["SpecChanges", "publish_camera_specs", "read_camera_specs"]

_LOG = structlog.get_logger()
_TOPIC = TopicName.CAMERAS.value
_TIMEOUT_S = 30.0
_RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class SpecChanges:
    """Which cameras the loader wrote, removed, and found as they should be."""

    written: tuple[CameraId, ...]
    removed: tuple[CameraId, ...]
    unchanged: tuple[CameraId, ...]

    def lines(self) -> tuple[str, ...]:
        """The report for a person: a line a camera."""
        return (
            *(f"written   {camera}" for camera in self.written),
            *(f"removed   {camera}" for camera in self.removed),
            *(f"unchanged {camera}" for camera in self.unchanged),
        )


def publish_camera_specs(settings: SiteSettings, within_s: float = _TIMEOUT_S) -> SpecChanges:
    """Write the configured cameras, and remove those that the loader wrote earlier and that are gone from the file.

    What REST or `/analyze` wrote stays, unless the file names the same camera. A spec that is there already is not
    written again.

    Raises:
        RetryableError: Kafka does not answer.
    """
    client = client_config(settings.kafka.address, settings.kafka.security.client_config(), "watchpost-config")
    present = read_camera_specs(client, within_s)
    wanted = {CameraId(name): settings.camera_spec(name) for name in settings.cameras}
    written = {camera: spec for camera, spec in wanted.items() if present.get(camera) != spec}
    ours = {camera for camera, spec in present.items() if spec.origin is SpecOrigin.CONFIG}
    removed = sorted(ours - wanted.keys())
    producer = RecordProducer(client)
    for camera, spec in written.items():
        producer.send(TopicName.CAMERAS, spec, key=camera)
    for camera in removed:
        producer.send_bytes(TopicName.CAMERAS, None, key=camera.encode())
    producer.flush(within_s)
    _LOG.info("camera_specs_published", written=sorted(written), removed=removed)
    return SpecChanges(tuple(sorted(written)), tuple(removed), tuple(sorted(wanted.keys() - written.keys())))


def read_camera_specs(client: Mapping[str, Any], within_s: float = _TIMEOUT_S) -> dict[CameraId, CameraSpec]:
    """Every camera of the site, as of now.

    Raises:
        RetryableError: Kafka does not answer.
    """
    consumer = Consumer({**client, "group.id": "watchpost-config", "enable.auto.commit": False})
    deadline_s = time.monotonic() + within_s
    try:
        ends = {number: high for number, (low, high) in watermarks(consumer, _TOPIC, within_s).items() if high > low}
        return _read_to(ends, consumer, deadline_s)
    finally:
        consumer.close()


def _read_to(ends: dict[int, int], consumer: Consumer, deadline_s: float) -> dict[CameraId, CameraSpec]:
    consumer.assign([TopicPartition(_TOPIC, partition, OFFSET_BEGINNING) for partition in ends])
    specs: dict[CameraId, CameraSpec] = {}
    while ends:
        if time.monotonic() > deadline_s:
            raise RetryableError(f"{_TOPIC} could not be read to its end in time")
        message = consumer.poll(_RETRY_S)
        if message is not None and message.error() is None:
            _take(message, specs)
        # the position, not the record's offset: compaction and aborted transactions leave no record at the end
        for position in consumer.position([TopicPartition(_TOPIC, partition) for partition in ends]):
            if position.offset >= ends[position.partition]:
                del ends[position.partition]
    return specs


def _take(message: Message, specs: dict[CameraId, CameraSpec]) -> None:
    camera, value = CameraId((key_of(message) or b"").decode(errors="replace")), value_of(message)
    if value is None:
        specs.pop(camera, None)
        return
    try:
        specs[camera] = decode(value, CameraSpec)
    except ContractError as error:
        # ingest buries it with its reason; here it only must not be in the way
        _LOG.warning("camera_spec_unreadable", camera=camera, error=str(error))
