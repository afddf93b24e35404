"""A camera from its source to published frames, in good days and bad ones."""

import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from tests.fakes.camera import RtspCamera, require_rtsp_server
from tests.fakes.clips import write_clip
from tests.fakes.onset import Onset, write_onset
from tests.fakes.specs import camera_spec
from tests.fakes.watched_camera import WatchedCamera
from tests.waiting import wait_for
from watchpost.clock import SystemClock
from watchpost.contracts.camera_parts import NOT_RECORDED, Recording
from watchpost.contracts.records import (
    CameraId,
    CaptureReason,
    Command,
    CommandKind,
    EventPhase,
    FrameCaptured,
    SiteId,
    SourceSize,
)
from watchpost.frames import FrameStore
from watchpost.ingest.packets import SourceLimits
from watchpost.ingest.sources import open_source
from watchpost.settings import FrameSettings, IngestSettings
from watchpost.simulation import Scene, write_video
from watchpost.vision.geometry import FractionBox

ONLINE, OFFLINE = "camera_online", "camera_offline"


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_rtsp_server()
    path = tmp_path_factory.mktemp("video") / "street.mp4"
    write_video(Scene.from_uri("sim:street?seed=1&people=2&seconds=6&size=320x180"), path)
    return path


@pytest.fixture
def camera(street: Path) -> Iterator[RtspCamera]:
    with RtspCamera(street) as camera:
        yield camera


def more_frames(watched: WatchedCamera, *, than: int, within_s: float = 20) -> list[FrameCaptured]:
    return wait_for(lambda: list(watched.frames), lambda frames: len(frames) > than, within_s=within_s)


def events(watched: WatchedCamera, *expected: str, within_s: float = 20) -> None:
    wait_for(lambda: watched.told, lambda told: told == list(expected), within_s=within_s)


def test_frames_can_be_loaded_as_their_records_say(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", size=(640, 360))
    roi = FractionBox(0.25, 0.0, 1.0, 0.5)

    with WatchedCamera(camera_spec(source=f"file:{clip}?loop=1", height_px=90, roi=roi), tmp_path) as watched:
        frames = more_frames(watched, than=10)
        pixels = watched.store.load_bgr(frames[-1].image)

    assert pixels.shape == (90, 240, 3)
    assert (frames[0].source, frames[0].roi) == (SourceSize(640, 360), roi)
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert len({frame.frame_id for frame in frames}) == len(frames)
    moved = [box for frame in frames for box in frame.motion.boxes]
    assert moved
    assert all(roi.x0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= roi.y1 for box in moved)


def test_captured_at_rises_at_the_camera_s_pace_and_is_near(camera: RtspCamera, tmp_path: Path) -> None:
    with WatchedCamera(camera_spec(source=camera.url), tmp_path) as watched:
        frames = more_frames(watched, than=30)
        age = datetime.now(UTC) - frames[-1].captured_at

    times = [frame.captured_at for frame in frames]
    assert times == sorted(set(times))
    assert timedelta(0) < age < timedelta(seconds=2)
    assert (times[-1] - times[10]).total_seconds() == pytest.approx((len(times) - 11) / 10, abs=0.4)


def test_recording_that_is_over_is_told_and_not_begun_again(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=13)

    with WatchedCamera(camera_spec(source=f"file:{clip}"), tmp_path) as watched:
        events(watched, ONLINE, OFFLINE)
        watched.worker.join(5)
        count = len(watched.frames)

    offline = watched.events[-1]
    assert (offline.phase, offline.detail) == (EventPhase.CONFIRMED, "ended: the stream is over")
    assert count == len(watched.frames) >= 4


def test_camera_that_goes_away_and_comes_back_is_told_both_times(camera: RtspCamera, tmp_path: Path) -> None:
    with WatchedCamera(camera_spec(source=camera.url), tmp_path) as watched:
        more_frames(watched, than=5)
        camera.stop()
        gone_s = time.monotonic()
        events(watched, ONLINE, OFFLINE)
        offline_after_s = time.monotonic() - gone_s
        seen = len(watched.frames)
        camera.restart()
        more_frames(watched, than=seen + 5)

    assert watched.told == [ONLINE, OFFLINE, ONLINE]
    assert offline_after_s < watched.settings.offline_after_s + 1
    detail = watched.events[1].detail
    assert detail is not None
    assert detail.startswith("refused")
    assert len({event.event_id for event in watched.events}) == 3
    assert watched.frames[-1].captured_at > watched.frames[seen - 1].captured_at


def test_camera_that_drops_the_connection_is_back_before_anybody_is_told(camera: RtspCamera, tmp_path: Path) -> None:
    with WatchedCamera(camera_spec(source=camera.url), tmp_path) as watched:
        seen = len(more_frames(watched, than=5))
        camera.drop_connections()
        more_frames(watched, than=seen + 10)

        assert watched.told == [ONLINE]


def test_camera_that_stalls_is_offline_and_online_again_when_it_plays(camera: RtspCamera, tmp_path: Path) -> None:
    with WatchedCamera(camera_spec(source=camera.url), tmp_path) as watched:
        more_frames(watched, than=5)
        camera.stall()
        events(watched, ONLINE, OFFLINE)
        camera.play()
        events(watched, ONLINE, OFFLINE, ONLINE)

    detail = watched.events[1].detail
    assert detail is not None
    assert detail.startswith("timeout")


def test_frozen_camera_gives_no_frames_and_is_offline(camera: RtspCamera, tmp_path: Path) -> None:
    with WatchedCamera(camera_spec(source=camera.url), tmp_path) as watched:
        more_frames(watched, than=5)
        camera.freeze()
        frozen_at = datetime.now(UTC)
        events(watched, ONLINE, OFFLINE)
        last = watched.frames[-1]
        camera.play()
        events(watched, ONLINE, OFFLINE, ONLINE)

    assert last.captured_at < frozen_at + timedelta(seconds=1)
    detail = watched.events[1].detail
    assert detail is not None
    assert detail.startswith("frozen")


def test_camera_that_sends_garbage_is_offline_and_its_garbage_is_no_frame(camera: RtspCamera, tmp_path: Path) -> None:
    with WatchedCamera(camera_spec(source=camera.url), tmp_path) as watched:
        more_frames(watched, than=5)
        camera.send_garbage()
        events(watched, ONLINE, OFFLINE)
        seen = len(watched.frames)
        camera.play()
        more_frames(watched, than=seen + 5)

    detail = watched.events[1].detail
    assert detail is not None
    assert detail.split(":")[0] in {"unsupported", "no_keyframe"}


def test_wrong_password_is_told_at_once_and_nowhere_written(
    street: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("admin:hunter2")
    with RtspCamera(street, user="admin", password="s3cret/@") as camera:  # noqa: S106  (the simulator's own)
        spec = camera_spec(source=camera.open_url, secret_ref=f"file:{secret}")
        with WatchedCamera(spec, tmp_path) as watched:
            events(watched, OFFLINE, within_s=5)
            secret.write_text("admin:s3cret/@\n")
            events(watched, OFFLINE, ONLINE)

    assert watched.events[0].detail is not None
    assert watched.events[0].detail.startswith("unauthorised")
    written = "".join([caplog.text, *capsys.readouterr(), *(str(event) for event in watched.events)])
    assert "hunter2" not in written
    assert "s3cret" not in written


def test_full_frame_store_costs_frames_and_nothing_else(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    folder = tmp_path / "store"
    store = FrameStore(FrameSettings(url=f"file://{folder}"), SystemClock())
    folder.rmdir()
    folder.write_text("a file where the folder was")

    with WatchedCamera(camera_spec(source=f"file:{clip}?loop=1"), tmp_path, store=store) as watched:
        events(watched, ONLINE)
        wait_for(lambda: watched.worker.online, within_s=5)
        assert not watched.frames
        folder.unlink()
        folder.mkdir()
        frames = more_frames(watched, than=3)

    assert watched.told == [ONLINE]
    assert store.load_bgr(frames[-1].image).shape == (180, 320, 3)


def test_commands_bring_the_next_picture_and_a_burst(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4")
    quiet = IngestSettings(idle_fps=0.1, active_fps=0.1, active_hold_s=0)

    def command(kind: CommandKind, after_ms: int) -> Command:
        now = datetime.now(UTC)
        return Command("c", SiteId("shop"), CameraId("door"), kind, now, now, 10_000, after_ms, None, "test")

    spec = camera_spec(source=f"file:{clip}?loop=1", max_frames=0.1)
    with WatchedCamera(spec, tmp_path, settings=quiet) as watched:
        more_frames(watched, than=0)
        watched.worker.ask(command(CommandKind.ANALYZE_NOW, 0))
        asked = more_frames(watched, than=1)
        watched.worker.ask(command(CommandKind.BURST, 1000))
        wait_for(lambda: len(watched.frames), lambda count: count >= 22, within_s=5)

    assert asked[1].reason is CaptureReason.ON_DEMAND
    burst = [frame for frame in watched.frames if frame.reason is CaptureReason.BURST]
    assert len(burst) in range(20, 27)


@pytest.mark.parametrize(("follow_tracks", "gap_s"), [(True, 0.2), (False, 1.0)], ids=["on", "off"])
def test_command_to_follow_somebody_is_obeyed_unless_that_is_switched_off(
    tmp_path: Path, *, follow_tracks: bool, gap_s: float
) -> None:
    quiet = write_onset(tmp_path / "quiet.mp4", Onset(at_s=6, lasts_s=0))
    now = datetime.now(UTC)
    command = Command("c", SiteId("shop"), CameraId("door"), CommandKind.FOLLOW, now, now, 0, 60_000, None, "test")
    settings = IngestSettings(follow_tracks=follow_tracks)

    with WatchedCamera(camera_spec(source=f"file:{quiet}?loop=1"), tmp_path, settings=settings) as watched:
        watched.worker.ask(command)
        frames = more_frames(watched, than=5)

    gaps_s = [(after.captured_at - before.captured_at).total_seconds() for before, after in pairwise(frames)]
    assert median(gaps_s) == pytest.approx(gap_s, abs=0.1)


def test_changed_spec_goes_on_with_the_same_connection(camera: RtspCamera, tmp_path: Path) -> None:
    with WatchedCamera(camera_spec(source=camera.url, max_frames=10), tmp_path) as watched:
        frames = more_frames(watched, than=5)
        watched.worker.update(camera_spec(source=camera.url, height_px=90, max_frames=10))
        wait_for(lambda: watched.frames[-1].image.height, lambda height: height == 90)

    assert [frame.sequence for frame in watched.frames] == list(range(len(watched.frames)))
    assert frames[0].image.height == 180


@pytest.mark.parametrize("recording", [NOT_RECORDED, Recording(enabled=True)])
def test_substream_is_analysed_in_place_of_the_source(tmp_path: Path, recording: Recording) -> None:
    source = write_clip(tmp_path / "main.mp4")
    substream = write_clip(tmp_path / "sub.mp4", size=(160, 90))
    spec = camera_spec(source=f"file:{source}?loop=1", substream=f"file:{substream}?loop=1", recording=recording)

    with WatchedCamera(spec, tmp_path) as watched:
        frames = more_frames(watched, than=0)

    assert frames[0].source.width == 160


def test_missing_file_is_found_when_it_is_there(tmp_path: Path, street: Path) -> None:
    path = tmp_path / "later.mp4"
    with WatchedCamera(camera_spec(source=f"file:{path}?loop=1"), tmp_path) as watched:
        events(watched, OFFLINE)
        shutil.copy(street, path)
        events(watched, OFFLINE, ONLINE)

    assert watched.events[0].detail == "refused: opening failed: No such file or directory"


def test_sender_s_reports_tell_when_pictures_were_taken(camera: RtspCamera) -> None:
    ages_us = []
    with open_source(camera_spec(source=camera.url), SourceLimits(), threading.Event()) as source:
        for coded in source.packets:
            if coded.sender_offset_us is not None and coded.due_us is not None:
                ages_us.append(time.time_ns() // 1000 - coded.due_us - coded.sender_offset_us)
            if len(ages_us) == 10:
                break

    assert all(0 <= age_us < 500_000 for age_us in ages_us)
