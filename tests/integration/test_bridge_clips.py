"""A bridge that brings clips up: killed in the middle it loses none, and events do not wait for them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.bridged_site import BridgedSite, event
from tests.waiting import wait_for
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

_KBPS = 2000
_CLIP = os.urandom(4_000_000)  # 16 seconds of the link


@pytest.fixture
def site_broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(tmp_path / "site") as kafka:
        yield kafka


@pytest.fixture
def site(site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path) -> BridgedSite:
    options = {
        "state_dir": str(tmp_path / "state"),
        "central": {
            "bootstrap": embedded_broker.bootstrap,
            "clips": {"upload": f"file://{tmp_path}/centre"},
        },
        "bandwidth": {"max_kbps": _KBPS},
    }
    return BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path, options)


def test_bridge_killed_inside_an_upload_brings_the_clip_up_whole_afterwards_and_events_meanwhile(
    site: BridgedSite, tmp_path: Path
) -> None:
    clips, arrived = tmp_path / "state" / "recordings" / "clips", tmp_path / "centre" / site.name / "fall-1.mp4"
    clips.mkdir(parents=True)
    (clips / "fall-1.mp4").write_bytes(_CLIP)

    with site.bridge() as bridge:
        bridge.wait_until_ready()
        wait_for(lambda: bridge.metric("watchpost_bridge_clips_waiting"), lambda count: count == 1)
        bridge.kill()
        was_there_when_killed = arrived.exists()

    with site.bridge() as bridge, site.reader() as reader:
        bridge.wait_until_ready()
        written = site.write([event("while a clip goes up")])
        seen = reader.wait_for(1)
        was_there = arrived.exists()
        wait_for(arrived.exists, within_s=60)

    assert not was_there_when_killed
    assert list(seen.values) == written
    assert not was_there, "the event came while the clip was under way"
    assert arrived.read_bytes() == _CLIP
    assert (clips / "uploaded" / "fall-1").exists()
