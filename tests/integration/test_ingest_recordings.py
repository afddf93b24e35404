"""An ingest process records its cameras, cuts clips and ends in time."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.brokers import Broker, unique
from tests.fakes.coded import pictures_of, recorded_spec
from tests.fakes.ingest_service import IngestService
from tests.fakes.site_records import event
from tests.waiting import wait_for
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId
from watchpost.recordings.folder import segments_of
from watchpost.stream import RecordProducer, client_config

pytestmark = pytest.mark.kafka


def test_ingest_records_a_camera_and_cuts_the_clip_of_its_event(embedded_broker: Broker, tmp_path: Path) -> None:
    camera, event_id = unique("camera"), unique("event")
    root = tmp_path / "recordings"
    recordings = {"recordings": {"path": str(root), "min_free_bytes": 0, "clips": {"before_s": 3, "after_s": 3}}}
    with IngestService(embedded_broker.bootstrap, tmp_path, more=recordings) as ingest:
        ingest.write(replace(recorded_spec(camera), source="sim:street?size=640x360&people=1&fps=10"))
        wait_for(lambda: len(ingest.frames(camera)), lambda seen: seen >= 5, within_s=90)
        producer = RecordProducer(client_config(embedded_broker.bootstrap, {}, "test"))
        at = ingest.frames(camera)[-1].captured_at
        producer.send(TopicName.EVENTS, event(camera, event_id=event_id, at=at), key=camera)
        producer.flush()
        clip = root / "clips" / f"{event_id}.mp4"
        wait_for(clip.exists, within_s=90)
        code, took_s = ingest.terminate()

    assert code == 0
    assert took_s < 6
    assert len(pictures_of(clip)) > 20
    assert sum(len(pictures_of(each.path)) for each in segments_of(root, CameraId(camera))) > 30
