"""The records that both movers carry: written once at the site, before either starts."""

import io
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from confluent_kafka import Producer
from fastavro import schemaless_writer

from tests.fakes.bridged_site import event, thumbnail
from watchpost.contracts import TopicName, encode, shipped_schemas, to_plain
from watchpost.contracts.records import EventChanged

__all__ = ["EVENT_BYTES", "Written", "write_records"]

EVENT_BYTES = 1024
THUMBNAIL_BYTES = 30_000
_CAMERAS = [f"camera-{number:02}" for number in range(32)]
_MAGIC_BYTES = 10
_TRACK_STEPS = 24
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """What lies at the site: how many records, and how many bytes their values have."""

    events: int
    thumbnails: int
    size_bytes: int

    @property
    def records(self) -> int:
        """All of them."""
        return self.events + self.thumbnails


def write_records(bootstrap: str, events: int, thumbnails: int) -> Written:
    """Write so many events of 1 KB and thumbnails of 30 KB, acknowledged."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "partitioner": "murmur2",
            # as the events service writes: it may sleep on the disk, and is decompressed by each who reads
            "compression.type": "none",
        }
    )
    size_bytes = 0
    for topic, records in (
        (TopicName.EVENTS, _events(events)),
        (TopicName.THUMBNAILS, _thumbnails(thumbnails)),
    ):
        for key, value in records:
            size_bytes += len(value)
            _produce(producer, topic, key, value)
    left = producer.flush(120)
    if left:
        raise RuntimeError(f"{left} records were not acknowledged by the site's broker within 120 s")
    return Written(events, thumbnails, size_bytes)


def _produce(producer: Producer, topic: str, key: bytes, value: bytes) -> None:
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _events(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Events as they are in life, and where life is shorter, with the track of what was seen in `detail`.

    Names and keys repeat, identities and figures do not: 4.1 times smaller under zstd.
    """
    schema = shipped_schemas().latest(EventChanged.__name__)
    sample = event("e" * 36, _CAMERAS[0])
    header, plain = encode(sample)[:_MAGIC_BYTES], to_plain(sample)
    # its length takes two bytes where none took one
    detail_bytes = EVENT_BYTES - len(encode(replace(sample, detail=""))) - 1
    chance = np.random.default_rng(4711)
    for number, track in enumerate(_tracks(count, chance)):
        camera = _CAMERAS[number % len(_CAMERAS)]
        plain |= {
            "event_id": str(uuid.UUID(bytes=chance.bytes(16), version=4)),
            "camera": camera,
            "confidence": chance.random(),
            "person_count": number % 7,
            "detail": track[:detail_bytes],
        }
        body = io.BytesIO()
        body.write(header)
        schemaless_writer(body, schema.parsed, plain)
        yield camera.encode(), body.getvalue()


def _tracks(count: int, chance: np.random.Generator) -> Iterator[str]:
    """Boxes of those who walk by, as JSON of a kilobyte."""
    step = '{"x":0.%04d,"y":0.%04d,"w":0.%04d,"score":0.%03d}'
    template = '{"every_ms":200,"track":[' + ",".join([step] * _TRACK_STEPS) + "]}"
    for begun in range(0, count, _AT_ONCE):
        steps = chance.integers(-40, 40, (min(_AT_ONCE, count - begun), _TRACK_STEPS, 4)).cumsum(axis=1)
        steps[:, :, :3] += chance.integers(1500, 8000, (len(steps), 1, 3))
        steps[:, :, 3] = chance.integers(0, 1000, steps.shape[:2])
        for figures in (steps % 10_000).reshape(len(steps), -1).tolist():
            yield template % tuple(figures)


def _thumbnails(count: int) -> Iterator[tuple[bytes, bytes]]:
    sample = thumbnail("t" * 36, _CAMERAS[0], THUMBNAIL_BYTES)
    for number in range(count):
        camera = _CAMERAS[number % len(_CAMERAS)]
        taken = type(sample)(
            str(uuid.uuid4()), sample.site, sample.camera, None, sample.taken_at, sample.reason,
            os.urandom(THUMBNAIL_BYTES), sample.width, sample.height,
        )  # fmt: skip
        yield camera.encode(), encode(taken)
