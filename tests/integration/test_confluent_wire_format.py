"""What the bridge writes where a registry is configured is what Confluent's own clients read and would have written."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.fakes.registry import ApicurioRegistry
from watchpost.contracts import TopicName, encode, fingerprint_of, shipped_schemas, to_confluent, to_plain
from watchpost.contracts.records import (
    CameraId,
    EventChanged,
    EventPhase,
    EventType,
    Provenance,
    SiteId,
    ThumbnailReason,
    ThumbnailTaken,
)
from watchpost.vision.geometry import FractionBox

_MOMENT = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
_FALL = EventChanged(
    event_id="2b9f6d1e-5a55-5e7d-9a6e-3f1f4f1d9b11",
    revision=2,
    site=SiteId("shop-12"),
    camera=CameraId("door"),
    type=EventType.FALL_DETECTED,
    phase=EventPhase.CONFIRMED,
    opened_at=_MOMENT,
    at=_MOMENT,
    confidence=0.9,
    person_count=3,
    box=FractionBox(0.1, 0.2, 0.3, 0.4),
    thumbnail_id="t-1",
    clip_uri=None,
    verdict=None,
    detail="größer als ASCII",
    provenance=Provenance("yolox-nano", "fp32", "615e2661", "none", "8a42824cadec", "0.1.0"),
)
_THUMBNAIL = ThumbnailTaken(
    thumbnail_id="t-1",
    site=SiteId("shop-12"),
    camera=CameraId("door"),
    event_id=_FALL.event_id,
    taken_at=_MOMENT,
    reason=ThumbnailReason.EVENT,
    jpeg=bytes(range(256)) * 40,
    width=320,
    height=180,
)
_CENTRAL_RECORDS = pytest.mark.parametrize(
    ("topic", "record"),
    [(TopicName.EVENTS, _FALL), (TopicName.THUMBNAILS, _THUMBNAIL)],
    ids=["event", "thumbnail"],
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaRegistryClient]:
    with ApicurioRegistry(tmp_path_factory.mktemp("registry")) as apicurio:
        # without a timeout the client waits for ever for an answer that got lost; with one it asks again
        yield SchemaRegistryClient({"url": apicurio.url, "timeout": 20})


def _register(registry: SchemaRegistryClient, topic: str, record: EventChanged | ThumbnailTaken) -> int:
    schema = shipped_schemas().latest(type(record).__name__)
    return registry.register_schema(f"{topic}-value", Schema(schema.text, "AVRO"))


@_CENTRAL_RECORDS
def test_confluents_deserializer_reads_what_our_codec_wrote(
    registry: SchemaRegistryClient, topic: TopicName, record: EventChanged | ThumbnailTaken
) -> None:
    schema_id = _register(registry, topic, record)

    payload = to_confluent(encode(record), schema_id)

    read = AvroDeserializer(registry)(payload, SerializationContext(topic, MessageField.VALUE))
    assert read == to_plain(record)


@_CENTRAL_RECORDS
def test_our_bytes_are_those_that_confluents_serializer_writes(
    registry: SchemaRegistryClient, topic: TopicName, record: EventChanged | ThumbnailTaken
) -> None:
    schema_id = _register(registry, topic, record)
    theirs = AvroSerializer(
        registry, shipped_schemas().latest(type(record).__name__).text, conf={"auto.register.schemas": False}
    )

    written = theirs(to_plain(record), SerializationContext(topic, MessageField.VALUE))

    assert written == to_confluent(encode(record), schema_id)


@_CENTRAL_RECORDS
def test_the_registry_hands_out_the_schema_that_it_was_given(
    registry: SchemaRegistryClient, topic: TopicName, record: EventChanged | ThumbnailTaken
) -> None:
    schema_id = _register(registry, topic, record)

    handed_out = registry.get_schema(schema_id).schema_str

    assert handed_out is not None
    assert fingerprint_of(json.loads(handed_out)) == shipped_schemas().latest(type(record).__name__).fingerprint


def test_registering_a_schema_again_gives_its_number_again(registry: SchemaRegistryClient) -> None:
    first = _register(registry, TopicName.EVENTS, _FALL)

    again = _register(registry, TopicName.EVENTS, _FALL)

    assert again == first
