"""With a schema registry at the centre, what the bridge brings is what Confluent's own clients read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.fakes.bridged_site import BridgedSite, event, thumbnail
from tests.fakes.registry import ApicurioRegistry
from tests.waiting import wait_for
from watchpost.contracts import TopicName, shipped_schemas, to_plain
from watchpost.contracts.records import EventChanged, ThumbnailTaken
from watchpost.stream import value_of
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.stream.free_ports import free_port

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApicurioRegistry]:
    with ApicurioRegistry(tmp_path_factory.mktemp("registry")) as apicurio:
        yield apicurio


def site_with(
    url: str, site_broker: EmbeddedKafka, central_broker: EmbeddedKafka, folder: Path, **registry: Any
) -> BridgedSite:
    central = {"central": {"bootstrap": central_broker.bootstrap, "schema_registry": {"url": url, **registry}}}
    return BridgedSite(site_broker.bootstrap, central_broker.bootstrap, folder, central)


def unregister(client: SchemaRegistryClient, *topics: TopicName) -> None:
    """Take the subjects of `topics` away, which an earlier test may have made."""
    for subject in {f"{topic}-value" for topic in topics} & set(client.get_subjects()):
        client.delete_subject(subject)


def test_confluents_deserializer_reads_what_the_bridge_brought(
    registry: ApicurioRegistry, site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path
) -> None:
    site = site_with(registry.url, site_broker, embedded_broker, tmp_path)
    deserializer = AvroDeserializer(SchemaRegistryClient({"url": registry.url, "timeout": 20}))
    happened: dict[TopicName, EventChanged | ThumbnailTaken] = {
        TopicName.EVENTS: event("e1"),
        TopicName.THUMBNAILS: thumbnail("t1"),
    }

    with site.bridge():
        site.write(happened.values())
        for topic, record in happened.items():
            with site.reader(topic) as reader:
                (message,) = reader.wait_for(1).messages
            read = deserializer(value_of(message), SerializationContext(topic, MessageField.VALUE))
            assert read == to_plain(record)


def test_schema_that_is_only_looked_up_is_waited_for_until_somebody_registers_it(
    registry: ApicurioRegistry, site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path
) -> None:
    client = SchemaRegistryClient({"url": registry.url, "timeout": 20})
    unregister(client, TopicName.EVENTS)
    site = site_with(registry.url, site_broker, embedded_broker, tmp_path, auto_register=False)
    happened = event("e1")
    # as people write them: other blanks than in the file
    text = json.dumps(json.loads(shipped_schemas().latest("EventChanged").text), indent=4)

    with site.bridge() as bridge, site.reader() as reader:
        site.write([happened])
        waits = wait_for(lambda: bridge.waits_for().get("events", ""), lambda reason: "auto_register" in reason)
        assert f"{TopicName.EVENTS}-value" not in client.get_subjects()
        number = client.register_schema(f"{TopicName.EVENTS}-value", Schema(text, "AVRO"))
        (message,) = reader.wait_for(1).messages
        bridge.wait_until_ready()

    assert "looking EventChanged up as watchpost.events.v1-value" in waits
    assert "register schemas/records/EventChanged.v1.avsc under that subject" in waits
    value = value_of(message) or b""
    assert int.from_bytes(value[1:5]) == number
    read = AvroDeserializer(client)(value, SerializationContext(TopicName.EVENTS, MessageField.VALUE))
    assert read == to_plain(happened)


def test_registry_that_is_away_is_waited_for(
    site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/apis/ccompat/v7"
    site = site_with(nobody, site_broker, embedded_broker, tmp_path)

    with site.bridge() as bridge:
        site.write([event("e1")])
        waits = wait_for(lambda: bridge.waits_for().get("events", ""), lambda reason: "schema_registry.url" in reason)

    assert nobody in waits
