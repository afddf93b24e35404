"""The topic files are the truth about topics: who writes, who reads, and what is in them."""

import re
from pathlib import Path

import pytest

from watchpost.contracts import Topic, TopicName, shipped_schemas, site_topics, topics
from watchpost.contracts.records import SiteId

SERVICES = Path(__file__).parents[2] / "services" / "watchpost"
BUILT = ("ingest", "inference", "events", "bridge", "api")
ALL = (*topics("site"), *topics("central"))


def label(topic: Topic) -> str:
    return f"{topic.cluster}:{topic.name}"


def test_topic_names_in_code_and_files_are_the_same() -> None:
    assert {name.value for name in TopicName} == {topic.name for topic in ALL}


@pytest.mark.parametrize("topic", ALL, ids=label)
def test_topic_file_names_a_known_record_and_a_legal_name(topic: Topic) -> None:
    known = {schema.record for schema in shipped_schemas()} | {None, "null"}

    assert topic.record in known
    # a dot and an underscore collide in Kafka's metric names, so only one of them is used
    assert re.fullmatch(r"[a-z.<>-]+\.v\d+", topic.name)
    assert topic.dead_letters in {None, f"{topic.name}.dlq"}


@pytest.mark.parametrize("topic", [topic for topic in ALL if topic.key in {"camera", "site/camera"}], ids=label)
def test_camera_keyed_topic_has_24_partitions(topic: Topic) -> None:
    assert topic.partitions == 24


@pytest.mark.parametrize("topic", [topic for topic in ALL if "retention.ms" in topic.settings], ids=label)
def test_topic_that_forgets_also_rolls_its_segments(topic: Topic) -> None:
    assert int(topic.settings["segment.ms"]) <= int(topic.settings["retention.ms"])


@pytest.mark.parametrize("service", BUILT)
def test_service_opens_exactly_the_topics_that_name_it(service: str) -> None:
    code = "\n".join(path.read_text() for path in (SERVICES / service).rglob("*.py"))
    opened = {TopicName[name].value for name in re.findall(r"TopicName\.([A-Z_]+)", code)}

    promised = {topic.name for topic in ALL if service in (*topic.producers, *topic.consumers)}
    assert opened == promised


def test_dead_letter_topics_come_with_the_topics_that_need_them() -> None:
    names = {topic.name for topic in site_topics("site", SiteId("shop"))}

    assert "watchpost.frames.v1.dlq" in names
    assert not any("<site>" in name for name in names)


def test_site_name_is_filled_into_central_topics() -> None:
    names = {topic.name for topic in site_topics("central", SiteId("shop"))}

    assert "watchpost.checkpoints.shop.v1" in names
