"""A clip is cut when the time after its event is recorded, its footage stays until then, and what cannot be is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.clock import SetClock
from tests.fakes.coded import at_their_time, coded_clip, coded_packets, pictures_of
from tests.fakes.ring import record
from tests.fakes.site_records import event
from watchpost.contracts.records import CameraId, EventChanged, EventPhase, EventType
from watchpost.ingest.clip_queue import ClipQueue
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings.bounds import RingBounds
from watchpost.recordings.camera_writer import CameraWriter
from watchpost.recordings.clips import Clips
from watchpost.recordings.folder import segments_of
from watchpost.recordings.folder_disk import FolderDisk
from watchpost.recordings.ring import Ring
from watchpost.settings import SiteSettings
from watchpost.stream import Received

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
DOOR = CameraId("door")
ROUND_S = 4


@dataclass(frozen=True, slots=True)
class Site:
    """A ring of 20 seconds that a camera fills, and the queue of its clips: 4 s before and 4 s after."""

    root: Path
    clock: SetClock
    ring: Ring
    writer: CameraWriter
    queue: ClipQueue
    packets: list[tuple[CodedPacket, int]]

    def record(self, rounds: Iterable[int]) -> None:
        """Record these rounds of four seconds; the clock stands at the end of the last."""
        for number in rounds:
            record(self.writer, [(coded, at_us + number * ROUND_S * 1_000_000) for coded, at_us in self.packets], 1)
            self.clock.at = AT + timedelta(seconds=(number + 1) * ROUND_S)

    def clip(self, event_id: str) -> Path:
        """Where its clip would lie."""
        return self.root / "clips" / f"{event_id}.mp4"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    root, clock = tmp_path / "ring", SetClock(AT)
    recordings = {"path": str(root), "clips": {"before_s": 4, "after_s": 4}}
    settings = SiteSettings.model_validate({"recordings": recordings})
    packets = list(at_their_time(coded_packets(coded_clip(tmp_path, size="640x360", kbps=8000))))
    five_rounds = 5 * sum(coded.size_bytes for coded, _ in packets)
    ring = Ring(RingBounds(timedelta(hours=24), five_rounds, 0), FolderDisk(root), clock)
    queue = ClipQueue(settings, Clips(root, settings.recordings.clips, clock), ring, clock)
    return Site(root, clock, ring, CameraWriter(root, DOOR, ring), queue, packets)


def received(record: EventChanged | None) -> Received[EventChanged]:
    return Received(record, "door", "watchpost.events.v1", 0, 7, 0, ())


def fall(at_s: float, event_id: str = "fall", **changes: str) -> EventChanged:
    at = AT + timedelta(seconds=at_s)
    return event("door", event_id=event_id, at=at, event_type=changes.get("event_type", EventType.FALL_DETECTED))


def test_clip_waits_for_the_time_after_its_event(site: Site) -> None:
    site.record(range(3))
    site.queue.take(received(fall(10)))
    site.queue.cut_due()
    assert [each.offset for each in site.queue.waiting] == [7]
    assert not site.clip("fall").exists()

    site.record([3, 4])
    site.queue.cut_due()

    assert site.queue.waiting == []
    # 8 s, and back to the keyframe before
    assert len(pictures_of(site.clip("fall"))) == pytest.approx(8 * 25, abs=25)


def test_camera_that_went_away_gets_what_there_is_after_half_a_minute(site: Site) -> None:
    site.record(range(3))
    site.writer.end()
    site.queue.take(received(fall(11)))
    site.clock.at = AT + timedelta(seconds=11 + 4 + 29)
    site.queue.cut_due()
    assert site.queue.waiting != []

    site.clock.pass_s(2)
    site.queue.cut_due()

    assert site.queue.waiting == []
    assert len(pictures_of(site.clip("fall"))) == pytest.approx(5 * 25, abs=25)


def test_footage_of_a_clip_stays_until_it_is_cut(site: Site) -> None:
    site.record(range(2))
    site.queue.take(received(fall(7)))
    held = set(segments_of(site.root, DOOR))

    site.record(range(2, 6))
    assert segments_of(site.root, DOOR)[0] in held
    site.queue.cut_due()
    site.record(range(6, 10))

    assert len(pictures_of(site.clip("fall"))) == pytest.approx(8 * 25, abs=25)
    assert not held & set(segments_of(site.root, DOOR))


def test_event_is_cut_once_however_often_it_is_told(site: Site) -> None:
    site.record(range(4))
    for _ in range(2):
        site.queue.take(received(fall(6)))
    assert len(site.queue.waiting) == 1
    site.queue.cut_due()
    made_ns = site.clip("fall").stat().st_ctime_ns

    site.queue.take(received(fall(6)))

    assert site.queue.waiting == []
    assert site.clip("fall").stat().st_ctime_ns == made_ns


def test_events_without_a_clip_wait_for_nothing(site: Site) -> None:
    site.record([0])

    site.queue.take(received(None))
    site.queue.take(received(fall(1, event_type=EventType.CAMERA_OFFLINE)))
    site.queue.take(received(event("door", at=AT, phase=EventPhase.CANDIDATE)))
    site.queue.take(received(event("yard", at=AT)))
    site.queue.take(received(event("../door", at=AT)))
    site.queue.take(received(event("door", event_id="../fall", at=AT)))

    assert site.queue.waiting == []


def test_time_that_was_not_recorded_is_told_and_let_go(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.record([0])
    site.queue.take(received(fall(-3600, "long-ago")))

    site.queue.cut_due()

    assert site.queue.waiting == []
    assert "clip_missed" in capsys.readouterr().out
