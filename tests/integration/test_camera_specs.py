"""The config loader: what it writes, what it removes, what it leaves alone."""

from pathlib import Path

import pytest

from tests.fakes.brokers import Broker, unique
from tests.fakes.ingest_service import IngestService
from tests.fakes.specs import camera_spec
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId, SpecOrigin
from watchpost.settings import SiteSettings
from watchpost.site.specs import publish_camera_specs, read_camera_specs
from watchpost.site.topics import apply_site_topics
from watchpost.stream import RecordProducer, client_config

pytestmark = pytest.mark.kafka


def settings_of(broker: Broker, cameras: dict[str, str]) -> SiteSettings:
    return SiteSettings.model_validate({"kafka": {"bootstrap": broker.bootstrap}, "cameras": cameras})


def test_loader_writes_what_is_new_and_removes_only_what_it_wrote_itself(broker: Broker) -> None:
    door, yard, rest = unique("door"), unique("yard"), unique("rest")
    client = client_config(broker.bootstrap, {}, "test")
    both = settings_of(broker, {door: "sim:street", yard: "sim:room"})
    apply_site_topics(both, "site")
    producer = RecordProducer(client)
    producer.send(TopicName.CAMERAS, camera_spec(rest, origin=SpecOrigin.REST), key=rest)
    producer.flush()

    first = publish_camera_specs(both)
    again = publish_camera_specs(both)
    one = publish_camera_specs(settings_of(broker, {door: "sim:street"}))

    assert set(first.written) >= {door, yard}
    assert not again.written
    assert set(again.unchanged) == {door, yard}
    assert set(one.removed) == {yard}
    present = read_camera_specs(client)
    assert present[CameraId(door)].source == "sim:street"
    assert yard not in present
    assert present[CameraId(rest)].origin is SpecOrigin.REST
    producer.send_bytes(TopicName.CAMERAS, None, key=rest.encode())
    producer.flush()
    assert set(publish_camera_specs(settings_of(broker, {})).removed) == {door}


def test_loader_is_not_stopped_by_a_spec_that_it_cannot_read(broker: Broker, tmp_path: Path) -> None:
    camera, poison = unique("door"), unique("poison")
    settings = settings_of(broker, {camera: "sim:street"})
    with IngestService(broker.bootstrap, tmp_path) as ingest:
        ingest.write_bytes(poison, b"\xc3\x01 no record")

        assert publish_camera_specs(settings).written == (camera,)
    assert publish_camera_specs(settings_of(broker, {})).removed == (camera,)
