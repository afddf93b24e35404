"""Bad streams and bad records at a running site: each gets its clear answer, and the good camera never notices."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.brokers import produce
from tests.fakes.clips import write_audio, write_clip
from tests.fakes.site import SiteUnderTest
from tests.waiting import wait_for
from watchpost.contracts import TopicName, shipped_schemas
from watchpost.contracts.records import EventType
from watchpost.site.dead_letters import describe_dead_letters, replay
from watchpost.stream.free_ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(280)]

GOOD = "good"


def bad_sources(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Camera name to its source and to what its offline event may begin with."""
    whole = write_clip(folder / "whole.mp4").read_bytes()
    files = {
        "truncated.mp4": whole[: len(whole) // 3],
        "garbage.mp4": b"\x00garbage\xff" * 5000,
        "empty.mp4": b"",
        "page.html": b"<html>404</html>",
        "header-only.mp4": whole[:64],
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    write_audio(folder / "sound.mp4")
    port = free_port()
    unsupported = ("unsupported", "ended", "no_keyframe", "refused")
    return {
        **{name.split(".")[0]: (f"file:{folder / name}", unsupported) for name in files},
        "sound": (f"file:{folder / 'sound.mp4'}", unsupported),
        "missing": (f"file:{folder / 'none.mp4'}", ("refused",)),
        "folder": (f"file:{folder}", unsupported),
        "nobody": (f"rtsp://127.0.0.1:{port}/live", ("refused", "timeout")),
        "no-host": ("rtsp://camera.invalid/live", ("refused", "timeout")),
        "no-device": ("/dev/video97", ("refused",)),
        "no-page": (f"http://127.0.0.1:{port}/live.ts", ("refused", "timeout")),
    }


@pytest.fixture
def site(tmp_path: Path, models_dir: Path) -> Iterator[SiteUnderTest]:
    assert models_dir.is_dir()
    cameras = {name: source for name, (source, _) in bad_sources(tmp_path).items()}
    with SiteUnderTest(tmp_path, {GOOD: "sim:street?seed=3&fps=5&size=480x270", **cameras}) as running:
        yield running


def observed(site: SiteUnderTest) -> int:
    return sum(seen.camera == GOOD and seen.skipped is None for seen in site.observations())


def still_watching(site: SiteUnderTest) -> Callable[[], bool]:
    before = observed(site)
    return lambda: observed(site) > before + 3


def test_bad_stream_is_told_at_the_centre_with_its_reason_and_disturbs_no_other(
    site: SiteUnderTest, tmp_path: Path
) -> None:
    expected = bad_sources(tmp_path)

    def reasons() -> dict[str, str]:
        offline = [event for event in site.central_events() if event.type == EventType.CAMERA_OFFLINE]
        return {event.camera: event.detail or "" for event in offline}

    told = wait_for(reasons, lambda seen: set(seen) >= set(expected), within_s=120)

    for camera, (_, begins) in expected.items():
        assert told[camera].startswith(begins), (camera, told[camera])
    assert GOOD not in told
    wait_for(still_watching(site), within_s=40)


def poison() -> dict[str, bytes]:
    """Values that no reader of frames or observations can take, by what its reason must say."""
    header = b"\xc3\x01" + bytes.fromhex(shipped_schemas().latest("FrameAnalyzed").fingerprint)
    return {
        "expected Avro single-object encoding": b"garbage",
        "got ''": b"",
        "no schema with fingerprint 0000000000000000": b"\xc3\x01" + bytes(8) + b"body",
        "cannot be read": header + b"\x02",
        "got '7b226672'": b'{"frame_id": 1}',
    }


def test_record_that_nobody_can_read_becomes_a_dead_letter_and_disturbs_no_other(site: SiteUnderTest) -> None:
    wait_for(lambda: observed(site), within_s=60)
    topics = (TopicName.FRAMES, TopicName.OBSERVATIONS, TopicName.COMMANDS)
    bad = poison()
    for topic in topics:
        produce(site.site_kafka.bootstrap, topic, list(bad.values()), key=GOOD.encode())

    for topic in topics:
        letters = wait_for(
            lambda topic=topic: list(describe_dead_letters(site.settings, topic)),  # type: ignore[misc]
            lambda seen: len(seen) >= len(bad),
            within_s=60,
        )
        said = "\n".join(str(letter["reason"]) for letter in letters)
        # a whole header of FrameAnalyzed with a broken body is another record to the readers of the other topics
        assert all(reason in said for reason in bad if reason != "cannot be read" or topic is TopicName.OBSERVATIONS)
        assert {letter["topic"] for letter in letters} == {topic.value}
    assert replay(site.settings, TopicName.FRAMES) == len(bad)
    wait_for(
        lambda: list(describe_dead_letters(site.settings, TopicName.FRAMES)),
        lambda seen: len(seen) == 2 * len(bad),
        within_s=60,
    )
    wait_for(still_watching(site), within_s=40)
