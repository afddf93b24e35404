"""Ingest as a process: specs and commands in by Kafka, frames and camera events out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes.brokers import Broker, unique
from tests.fakes.clips import write_clip
from tests.fakes.ingest_service import IngestService
from tests.fakes.specs import camera_spec
from tests.waiting import wait_for
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId, CaptureReason, Command, CommandKind, FrameCaptured, SiteId
from watchpost.stream import client_config, read_dead_letters
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.vision.geometry import FractionBox

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"file:{write_clip(tmp_path_factory.mktemp('clips') / 'clip.mp4')}?loop=1"


@pytest.fixture
def ingest(broker: Broker, tmp_path: Path) -> Iterator[IngestService]:
    with IngestService(broker.bootstrap, tmp_path) as running:
        yield running


def frames_of(ingest: IngestService, camera: str, *, at_least: int, within_s: float = 30) -> list[FrameCaptured]:
    return wait_for(lambda: ingest.frames(camera), lambda frames: len(frames) >= at_least, within_s=within_s)


def session_of(frame: FrameCaptured) -> str:
    return frame.frame_id.rsplit("-", 2)[1]


def test_good_camera_is_not_disturbed_by_one_that_is_broken(ingest: IngestService, source: str, tmp_path: Path) -> None:
    good, bad = unique("good"), unique("bad")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 10_000)

    ingest.write(camera_spec(bad, source=f"file:{broken}"))
    ingest.write(camera_spec(good, source=source))
    frames = frames_of(ingest, good, at_least=15)
    told = wait_for(lambda: ingest.events(bad))

    # Kafka may have taken longer than a frame is worth while the producer began: those are dropped, none in between
    first = frames[0].sequence
    assert [frame.sequence for frame in frames] == list(range(first, first + len(frames)))
    assert [(event.type, event.detail) for event in told] == [
        ("camera_offline", "unsupported: opening failed: Invalid data found when processing input")
    ]
    assert [event.type for event in ingest.events(good)] == ["camera_online"]
    wait_for(ingest.readiness, lambda seen: seen == (200, {}))
    assert f'watchpost_camera_online{{camera="{good}"}} 1.0' in ingest.metrics()
    assert f'watchpost_camera_online{{camera="{bad}"}} 0.0' in ingest.metrics()


def test_adding_changing_and_removing_a_camera_leaves_the_others_alone(ingest: IngestService, source: str) -> None:
    first, second = unique("first"), unique("second")
    ingest.write(camera_spec(first, source=source))
    frames_of(ingest, first, at_least=3)

    ingest.write(camera_spec(second, source=source))
    frames_of(ingest, second, at_least=3)
    roi = FractionBox(0.5, 0, 1, 1)
    ingest.write(camera_spec(second, source=source, roi=roi))
    wait_for(lambda: ingest.frames(second)[-1].roi, lambda seen: seen == roi)
    changed = ingest.frames(second)
    ingest.remove(second)
    removed = len(ingest.frames(second))
    frames = frames_of(ingest, first, at_least=len(ingest.frames(first)) + 20)

    assert len({session_of(frame) for frame in frames}) == 1
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    # the change took the same connection on
    assert len({session_of(frame) for frame in changed}) == 1
    assert len(ingest.frames(second)) <= removed + 5


def test_camera_with_another_source_begins_anew(ingest: IngestService, source: str) -> None:
    camera = unique("camera")
    ingest.write(camera_spec(camera, source=source))
    frames_of(ingest, camera, at_least=3)

    ingest.write(camera_spec(camera, source="sim:street?size=320x240&people=1"))
    frames = wait_for(lambda: ingest.frames(camera), lambda frames: frames[-1].source.height == 240)

    assert len({session_of(frame) for frame in frames}) == 2


def test_camera_whose_hardware_decoder_is_not_there_is_noted_until_it_asks_for_it_no_more(
    ingest: IngestService, source: str
) -> None:
    camera = unique("camera")
    ingest.write(camera_spec(camera, source=source, decoder="vulkan"))
    frames_of(ingest, camera, at_least=1)
    wait_for(ingest.readiness, lambda seen: seen == (200, {}))

    noted = wait_for(ingest.notes, lambda notes: "decoders" in notes)["decoders"]
    measured = f'watchpost_decoder_fallen_back{{camera="{camera}",decoder="vulkan"}} 1.0'
    assert noted.startswith(f"{camera} asks for vulkan, but ")
    assert measured in ingest.metrics()
    ingest.write(camera_spec(camera, source=source))

    wait_for(ingest.notes, lambda notes: "decoders" not in notes)
    assert measured not in ingest.metrics()


def test_camera_dies_by_itself_when_its_spec_expires(ingest: IngestService, source: str) -> None:
    camera, other = unique("camera"), unique("other")
    expires_at = datetime.now(UTC) + timedelta(seconds=6)
    ingest.write(camera_spec(camera, source=source, expires_at=expires_at))
    ingest.write(camera_spec(other, source=source))

    frames_of(ingest, camera, at_least=3)
    wait_for(
        lambda: ingest.frames(other)[-1:],
        lambda last: last != [] and last[0].captured_at > expires_at + timedelta(seconds=2),
    )

    assert ingest.frames(camera)[-1].captured_at < expires_at + timedelta(seconds=1.5)


def test_cameras_beyond_max_streams_are_refused_until_there_is_room(
    broker: Broker, source: str, tmp_path: Path
) -> None:
    first, second = unique("a"), unique("b")
    with IngestService(broker.bootstrap, tmp_path, more={"max_streams": 1}) as ingest:
        ingest.write(camera_spec(second, source=source))
        frames_of(ingest, second, at_least=1)
        ingest.write(camera_spec(first, source=source))

        refusal = {"cameras": f"max_streams (1) refuses {first}; raise it or remove some"}
        wait_for(ingest.readiness, lambda seen: seen == (503, refusal))
        assert not ingest.frames(first)

        ingest.remove(second)
        frames_of(ingest, first, at_least=1)
        wait_for(ingest.readiness, lambda seen: seen == (200, {}))


def test_commands_reach_their_camera(ingest: IngestService, source: str) -> None:
    camera = unique("camera")
    ingest.write(camera_spec(camera, source=source, max_frames=0.2))
    frames_of(ingest, camera, at_least=1)
    now = datetime.now(UTC)

    def command(kind: CommandKind) -> Command:
        return Command("c", SiteId("shop"), CameraId(camera), kind, now, now, 0, 4000, None, "test")

    ingest.write(command(CommandKind.ANALYZE_NOW))
    ingest.write(command(CommandKind.BURST))
    frames = frames_of(ingest, camera, at_least=30)

    reasons = [frame.reason for frame in frames]
    assert reasons.count(CaptureReason.ON_DEMAND) == 1
    assert reasons.count(CaptureReason.BURST) >= 25


def test_spec_that_nobody_can_read_is_buried_and_the_rest_goes_on(
    ingest: IngestService, broker: Broker, source: str
) -> None:
    poison, camera = unique("poison"), unique("camera")

    ingest.write_bytes(poison, b"no record at all")
    ingest.write(camera_spec(camera, source=source))
    frames_of(ingest, camera, at_least=3)

    client = client_config(broker.bootstrap, {}, "test")
    letters = [letter for letter in read_dead_letters(client, TopicName.CAMERAS) if letter.key == poison.encode()]
    assert [letter.service for letter in letters] == ["ingest"]
    assert "expected Avro single-object encoding" in letters[0].reason


def test_sigterm_ends_it_within_three_seconds_while_a_camera_hangs(ingest: IngestService, source: str) -> None:
    camera = unique("camera")
    # nobody answers there: the address is one that is reserved for documentation
    ingest.write(camera_spec(unique("hangs"), source="rtsp://192.0.2.1/stream"))
    ingest.write(camera_spec(camera, source=source))
    frames_of(ingest, camera, at_least=3)

    code, took_s = ingest.terminate()

    assert code == 0
    assert took_s < 3


def test_two_processes_share_the_cameras_and_the_survivor_takes_over(
    broker: Broker, source: str, tmp_path: Path
) -> None:
    cameras = [unique(f"c{n}") for n in range(4)]
    with ExitStack() as stack:
        first = stack.enter_context(IngestService(broker.bootstrap, tmp_path))
        second = stack.enter_context(IngestService(broker.bootstrap, tmp_path, group=first.group))
        for camera in cameras:
            first.write(camera_spec(camera, source=source, max_frames=2))
        for camera in cameras:
            frames_of(first, camera, at_least=3)
        second.kill()
        before = {camera: len(first.frames(camera)) for camera in cameras}
        # the dead one's session has to run out: 10 s
        for camera in cameras:
            frames_of(first, camera, at_least=before[camera] + 10, within_s=40)

        for camera in cameras:
            sessions = [session_of(frame) for frame in first.frames(camera)]
            # never two at once: a session that was left does not come again
            changes = sum(after != earlier for earlier, after in pairwise(sessions))
            assert changes == len(set(sessions)) - 1


def test_broker_that_restarts_costs_seconds(
    fresh_broker: Callable[[], EmbeddedKafka], source: str, tmp_path: Path
) -> None:
    kafka = fresh_broker()
    camera = unique("camera")
    with IngestService(kafka.bootstrap, tmp_path) as ingest:
        ingest.write(camera_spec(camera, source=source))
        frames_of(ingest, camera, at_least=3)
        kafka.kill()
        wait_for(ingest.readiness, lambda seen: "kafka" in seen[1])
        kafka.start()
        restarted_at = datetime.now(UTC)

        wait_for(lambda: ingest.frames(camera)[-1].captured_at, lambda last: last > restarted_at, within_s=40)
        wait_for(ingest.readiness, lambda seen: seen == (200, {}), within_s=40)
