"""Bad streams are contained: they recover, their memory is bounded, and no camera beside them notices."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random
from zlib import crc32

import psutil
import pytest
from prometheus_client import REGISTRY

from tests.fakes.coded import coded_clip, coded_packets
from tests.fakes.damaged_stream import DAMAGES, SeenStream, Sent, damaged, jumped, seen_of, truncated
from tests.fakes.onset import CAPPED, CONSTANT, Onset, write_onset
from tests.fakes.replayed_camera import replayed
from tests.fakes.specs import camera_spec
from tests.fakes.watched_camera import WatchedCamera
from tests.waiting import wait_for
from watchpost.errors import SourceFailure
from watchpost.ingest.decode_choice import DecodeCause, DecodeMode
from watchpost.ingest.packets import CodedPacket
from watchpost.settings import IngestSettings

KEYFRAME_EVERY = 25
STRETCH = range(50, 90)
WHOLE_FROM = 100  # the first keyframe after the damage
RING_MAX_BYTES = 1_048_576
MOST_GROWTH_BYTES = 24_000_000

STREAMS = {"h264": 0, "h264 with B pictures": 2, "hevc": 0, "hevc with B pictures": 3, "mjpeg": 0}


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[CodedPacket]]:
    folder = tmp_path_factory.mktemp("streams")
    return {name: _packets(folder, name.split()[0], b_frames=b_frames) for name, b_frames in STREAMS.items()}


@pytest.fixture(scope="module")
def clean(streams: dict[str, list[CodedPacket]]) -> dict[str, SeenStream]:
    return {name: seen_of(_undamaged(packets)) for name, packets in streams.items()}


def _packets(folder: Path, codec: str, *, b_frames: int = 0, size: str = "192x108") -> list[CodedPacket]:
    clip = coded_clip(folder, codec, seconds=6, size=size, keyframe_every=KEYFRAME_EVERY, b_frames=b_frames)
    return list(coded_packets(clip))


def _undamaged(packets: list[CodedPacket]) -> list[Sent]:
    return damaged(packets, range(0), lambda sent, _: sent, 0)


def _is_clean(number: int, seen: SeenStream, clean: SeenStream) -> bool:
    return number not in clean.whole or seen.whole[number][1] == clean.whole[number][1]


def _cut(sent: Sequence[Sent], random: Random) -> list[Sent]:
    return [(number, truncated(coded, random)) for number, coded in sent]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_stream_shows_whole_pictures_again_within_two_keyframe_intervals(
    streams: dict[str, list[CodedPacket]], clean: dict[str, SeenStream], stream: str, damage: str
) -> None:
    packets = streams[stream]
    sent = damaged(packets, STRETCH, DAMAGES[damage], crc32(f"{stream} {damage}".encode()))

    seen = seen_of(sent, IngestSettings(ring_max_bytes=RING_MAX_BYTES))

    well_from = len(sent) - (len(packets) - STRETCH.stop)
    shown = [
        arrived
        for number, (arrived, luma) in seen.whole.items()
        if arrived >= well_from and number in clean[stream].whole and luma == clean[stream].whole[number][1]
    ]
    assert shown, (seen.choices, seen.failures[-3:])
    assert min(shown) - well_from <= 2 * KEYFRAME_EVERY
    assert [
        number for number in seen.whole if number >= WHOLE_FROM and not _is_clean(number, seen, clean[stream])
    ] == []
    assert seen.captured_after[-1] > well_from + 2 * KEYFRAME_EVERY
    assert 0 < seen.most_ring_bytes <= RING_MAX_BYTES


@pytest.mark.parametrize("stream", STREAMS)
def test_truncated_pictures_do_not_pass_for_whole_ones(
    streams: dict[str, list[CodedPacket]], clean: dict[str, SeenStream], stream: str
) -> None:
    seen = seen_of(damaged(streams[stream], STRETCH, DAMAGES["truncated packets"], 7))

    broken = [number for number in seen.whole if not _is_clean(number, seen, clean[stream])]

    assert len(broken) <= 2, broken  # where the last bytes alone are gone libav may not notice


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("damage", ["lost packets", "repeated packets"])
@pytest.mark.parametrize("seed", range(3))
def test_pictures_that_refer_to_lost_ones_do_not_pass_for_whole_ones(
    streams: dict[str, list[CodedPacket]], clean: dict[str, SeenStream], stream: str, damage: str, seed: int
) -> None:
    seen = seen_of(damaged(streams[stream], STRETCH, DAMAGES[damage], seed))

    assert [number for number in seen.whole if not _is_clean(number, seen, clean[stream])] == []
    assert len([number for number in seen.whole if number >= WHOLE_FROM]) >= 45


def test_pictures_left_out_for_a_lost_one_are_counted(streams: dict[str, list[CodedPacket]]) -> None:
    labels = {"camera": camera_spec().camera, "reason": "lost"}
    before = REGISTRY.get_sample_value("watchpost_frames_dropped_total", labels) or 0

    seen = seen_of(damaged(streams["h264"], range(60, 61), lambda *_: [], 0))

    counted = (REGISTRY.get_sample_value("watchpost_frames_dropped_total", labels) or 0) - before
    assert counted == len(seen.failures) == 75 - 61
    assert {failure.reason for failure in seen.failures} == {SourceFailure.NO_KEYFRAME}
    assert "lost on the way" in str(seen.failures[0])


@pytest.mark.parametrize("seed", range(3))
def test_keyframe_after_a_truncated_one_is_shown_as_it_was_sent(
    streams: dict[str, list[CodedPacket]], clean: dict[str, SeenStream], seed: int
) -> None:
    keyframe = range(3 * KEYFRAME_EVERY, 3 * KEYFRAME_EVERY + 1)

    seen = seen_of(damaged(streams["h264"], keyframe, _cut, seed))

    assert [number for number in seen.whole if not _is_clean(number, seen, clean["h264"])] == []
    assert len([number for number in seen.whole if number >= WHOLE_FROM]) == 50


@pytest.mark.parametrize("damage", ["flipped bits", "lost packets", "no keyframes"])
def test_intra_refresh_is_shown_whole_again_once_it_went_over_the_picture(tmp_path: Path, damage: str) -> None:
    refreshing = (*CAPPED, "-x264-params", "intra-refresh=1")
    onset = Onset(at_s=0, lasts_s=6, keyframe_every=KEYFRAME_EVERY)
    packets = list(coded_packets(write_onset(tmp_path / "refresh.ts", onset, refreshing)))
    clean = seen_of(_undamaged(packets))

    seen = seen_of(damaged(packets, STRETCH, DAMAGES[damage], 1))

    well_from = STRETCH.stop + 2 * KEYFRAME_EVERY
    assert [number for number in seen.whole if number >= well_from] == list(range(well_from, len(packets)))
    assert [number for number in seen.whole if number >= well_from and not _is_clean(number, seen, clean)] == []


@pytest.mark.parametrize("encoder", [CAPPED, CONSTANT[:-2]], ids=["capped", "constant"])
@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_quiet_camera_without_whole_keyframes_is_decoded_and_says_why(
    tmp_path: Path, encoder: tuple[str, ...], suffix: str
) -> None:
    onset = Onset(at_s=14, lasts_s=2)
    clip = write_onset(tmp_path / f"refresh.{suffix}", onset, (*encoder, "-x264-params", "intra-refresh=1"))

    replay = replayed(clip)

    choice = replay.mode_at(onset.at_s - 0.1)
    assert (choice.mode, choice.cause) == (DecodeMode.ACTIVE, DecodeCause.NO_WHOLE_KEYFRAMES)
    assert min(at_s for at_s in replay.moving_s if at_s > onset.at_s) <= onset.at_s + 1


@pytest.mark.parametrize("at_s", [33.9, 47.3])
def test_onset_between_keyframes_that_come_as_they_like_is_seen_within_a_second(tmp_path: Path, at_s: float) -> None:
    steps = (1, 7, 0.2, 12)
    keyframes = [f"{sum(steps) * (n // 4) + sum(steps[: n % 4]):.1f}" for n in range(16)]
    encoder, onset = (*CAPPED, "-force_key_frames", ",".join(keyframes)), Onset(at_s=at_s, keyframe_every=1000)

    replay = replayed(write_onset(tmp_path / "irregular.mp4", onset, encoder))

    assert replay.mode_at(at_s - 0.1).cause is DecodeCause.KEYFRAMES_APART
    assert at_s <= min(replay.moving_s) <= at_s + 1
    assert replay.turns[-1][1].cause is DecodeCause.PIXELS
    assert replay.failures == []


def test_size_that_changes_in_the_middle_is_gone_along_with(tmp_path: Path) -> None:
    large = coded_clip(tmp_path, "h264", seconds=2, size="320x180", suffix="h264")
    small = coded_clip(tmp_path, "h264", seconds=2, size="192x108", suffix="h264")
    both = tmp_path / "both.h264"
    both.write_bytes(large.read_bytes() + small.read_bytes() + large.read_bytes())

    seen = seen_of(_undamaged(list(coded_packets(both))))

    sizes = [len(luma) for _, luma in seen.whole.values()]
    assert [size for size, after in pairwise([0, *sizes, 0]) if size != after][1:] == [57600, 20736, 57600]
    assert seen.failures == []


def test_pictures_of_a_clock_that_jumped_back_for_good_go_on(streams: dict[str, list[CodedPacket]]) -> None:
    packets = streams["h264 with B pictures"]
    sent = damaged(packets, range(60), jumped, 0)

    seen = seen_of(sent)

    assert len([number for number in seen.whole if number >= 60]) >= len(packets) - 60 - KEYFRAME_EVERY
    assert seen.captured_after[-1] >= len(packets) - 5


def test_rate_that_varies_is_shown_whole(streams: dict[str, list[CodedPacket]], clean: dict[str, SeenStream]) -> None:
    packets, random, late = streams["h264"], Random(3), 0  # noqa: S311  (the same each time)
    for coded in packets:
        late += random.choice((0, 0, 0, 400_000, 4_000_000))
        assert coded.packet.pts is not None
        coded.packet.pts = coded.packet.dts = coded.packet.pts + round(
            Fraction(late, 1_000_000) / coded.packet.time_base
        )

    seen = seen_of(_undamaged(packets))

    assert seen.failures == []
    assert [number for number in seen.whole if not _is_clean(number, seen, clean["h264"])] == []


def test_memory_stays_where_it_is_while_streams_break(streams: dict[str, list[CodedPacket]]) -> None:
    def round_of(seed: int) -> None:
        packets = streams[("h264", "hevc", "mjpeg")[seed % 3]]
        damage = DAMAGES[("flipped bits", "noise")[seed % 2]]
        seen_of(damaged(packets, STRETCH, damage, seed))

    for seed in range(6):
        round_of(seed)
    before_bytes = psutil.Process().memory_info().rss
    for seed in range(20):
        round_of(seed)

    assert psutil.Process().memory_info().rss - before_bytes < MOST_GROWTH_BYTES


def test_camera_beside_a_broken_one_goes_on_undisturbed(tmp_path: Path) -> None:
    good = coded_clip(tmp_path, "h264", seconds=4, size="320x180")
    random, broken = Random(5), tmp_path / "broken.ts"  # noqa: S311  (the same each time)
    payload = bytearray(good.read_bytes())
    for place in random.sample(range(len(payload) // 3, len(payload)), len(payload) // 500):
        payload[place] ^= 1 << random.randrange(8)
    broken.write_bytes(payload)

    with (
        WatchedCamera(camera_spec("bad", source=f"file:{broken}?loop=1"), tmp_path / "bad") as bad,
        WatchedCamera(camera_spec("good", source=f"file:{good}?loop=1"), tmp_path / "good") as watched,
    ):
        wait_for(lambda: len(bad.frames), lambda count: count > 40, within_s=40)
        frames = list(watched.frames)

    assert watched.told == ["camera_online"]
    lasts_s = (frames[-1].captured_at - frames[0].captured_at).total_seconds()
    assert len(frames) / lasts_s > 8
    assert bad.told[0] == "camera_online"
