"""Real footage over RTSP goes in, and a stranger who knows only `schemas/` reads the events at the centre."""

import io
import json
import struct
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import fastavro
import pytest

from tests.fakes.camera import RtspCamera, require_rtsp_server
from tests.fakes.footage import street_as_h264
from tests.fakes.site import SiteUnderTest
from tests.requirements import require
from watchpost.contracts.records import EventChanged, EventType

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(240)]

SCHEMA = Path(__file__).parents[2] / "schemas" / "records" / "EventChanged.v1.avsc"
WATCHED = timedelta(seconds=60)


def read_as_a_stranger(bootstrap: str) -> Iterator[dict[str, Any]]:
    """Kcat fetches the bytes, fastavro reads them: nothing of ours but one schema file."""
    schema = fastavro.parse_schema(json.loads(SCHEMA.read_text()))
    committed = ("-X", "isolation.level=read_committed")
    # %R%s: the length as four bytes, then the value
    command = ["kcat", "-C", "-q", "-e", "-b", bootstrap, "-t", "watchpost.events.v1", *committed, "-f", "%R%s"]
    stream = io.BytesIO(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    while size := stream.read(4):
        payload = stream.read(struct.unpack(">i", size)[0])
        assert payload[:2] == b"\xc3\x01"
        record: Any = fastavro.schemaless_reader(io.BytesIO(payload[10:]), schema, None)
        yield record


def test_events_of_a_real_street_are_read_at_the_centre_with_the_schema_alone(tmp_path: Path, models_dir: Path) -> None:
    require_rtsp_server()
    require("kcat", "apt-get install -y kcat")
    assert models_dir.is_dir()

    def watched(events: list[EventChanged]) -> bool:
        counted = [event.at for event in events if event.type == EventType.PERSON_COUNT]
        return bool(counted) and max(counted) - min(counted) >= WATCHED

    with (
        RtspCamera(street_as_h264(tmp_path)) as camera,
        SiteUnderTest(tmp_path, {"street": camera.url}) as site,
    ):
        site.wait_for_central(watched, within_s=150)
        site.drain()
        read = list(read_as_a_stranger(site.central_kafka.bootstrap))
        delivery = site.delivery()

    counts = [event["person_count"] for event in read if event["type"] == "person_count"]
    assert len(read) == delivery.site
    assert (delivery.lost, delivery.duplicated) == (0, 0)
    assert {event["camera"] for event in read} == {"street"}
    # eight people at most walk on that street, and it is never empty
    assert all(1 <= count <= 9 for count in counts)
    assert not any(event["type"] == "fall_detected" and event["phase"] == "confirmed" for event in read)
