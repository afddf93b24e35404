"""What an ingest process had open when it was killed is ended by the one after it, once."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.brokers import Broker, unique
from tests.fakes.coded import recorded_spec
from tests.fakes.ingest_service import IngestService
from tests.fakes.lighting import black, by_day, noisy
from tests.requirements import require
from tests.waiting import wait_for
from watchpost.contracts.identity import SITE_ITSELF
from watchpost.contracts.records import EventChanged, EventPhase, EventType
from watchpost.simulation import Scene

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

SEEN_S, COVERED_S, FPS = 75, 60, 4
NO_DISK_IS_SO_LARGE = 10**18


def write_covered(path: Path) -> Path:
    """A room by day that is covered after a minute and a quarter."""
    require("ffmpeg", "apt-get install -y ffmpeg")
    empty = next(Scene.from_uri("sim:room?seed=3&people=0&seconds=1&fps=1&size=320x180").frames()).bgr
    lumas = [by_day(empty)] * SEEN_S * FPS + [black(empty) + 60] * COVERED_S * FPS
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", "320x180", "-r", str(FPS), "-i", "-")
    coding = ("-c:v", "libx264", "-preset", "veryfast", "-g", str(FPS), "-pix_fmt", "yuv420p")
    pictures = b"".join(noisy(luma, 2, n).tobytes() for n, luma in enumerate(lumas))
    subprocess.run(["ffmpeg", "-v", "error", "-y", *raw, *coding, str(path)], input=pictures, check=True)
    return path


def of(events: list[EventChanged], kind: EventType) -> list[EventChanged]:
    return [event for event in events if event.type == kind]


def kept(min_free_bytes: int) -> Mapping[str, Any]:
    return {"min_free_bytes": min_free_bytes, "enabled": True}


def test_killed_process_leaves_neither_an_obscured_camera_nor_low_storage_without_an_end(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    camera, clip = unique("camera"), write_covered(tmp_path / "covered.mp4")
    more = {"state_dir": str(tmp_path / "state"), "recordings": kept(NO_DISK_IS_SO_LARGE)}
    with IngestService(embedded_broker.bootstrap, tmp_path, more=more) as ingest:
        ingest.write(replace(recorded_spec(camera), source=f"file:{clip}"))

        def seen(kind: EventType) -> list[EventChanged]:
            return of(ingest.events(SITE_ITSELF if kind is EventType.STORAGE_LOW else camera), kind)

        low = wait_for(lambda: seen(EventType.STORAGE_LOW), within_s=60)
        obscured = wait_for(lambda: seen(EventType.CAMERA_OBSCURED), within_s=SEEN_S + COVERED_S)
        ingest.kill()
        settings = yaml.safe_load(ingest.config.read_text())
        ingest.config.write_text(yaml.safe_dump({**settings, "recordings": kept(0)}))
        ingest.start()
        for kind in (EventType.CAMERA_OBSCURED, EventType.STORAGE_LOW):
            wait_for(partial(seen, kind), lambda told: told[-1].phase is EventPhase.ENDED, within_s=120)
        ingest.terminate()
        told = {kind: seen(kind) for kind in (EventType.CAMERA_OBSCURED, EventType.STORAGE_LOW)}

    for kind, (opened,) in ((EventType.CAMERA_OBSCURED, obscured), (EventType.STORAGE_LOW, low)):
        first, again, ended = told[kind]
        assert first == again == opened, "told again, byte for byte: who reads it drops it"
        assert (ended.event_id, ended.revision, ended.phase) == (opened.event_id, 2, EventPhase.ENDED)
    assert told[EventType.CAMERA_OBSCURED][-1].detail == "the scene is back in the picture"
