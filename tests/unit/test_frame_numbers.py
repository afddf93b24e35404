"""A picture that is missing before another is told from the numbers that H.264 gives its pictures, and no other is."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fakes.coded import coded_clip, coded_packets
from tests.requirements import require
from watchpost.contracts.records import CameraId
from watchpost.ingest.frame_numbers import FrameNumbers
from watchpost.ingest.packet_kinds import PacketKind, kind_of
from watchpost.ingest.packets import CodedPacket

STREAMS = {
    "baseline": ("-profile:v", "baseline"),
    "high": ("-profile:v", "high", "-bf", "0"),
    "B pictures": ("-bf", "3", "-b_strategy", "0"),
    "B pictures without a pyramid": ("-bf", "3", "-x264-params", "b-pyramid=none"),
    "open groups": ("-bf", "2", "-x264-params", "open-gop=1"),
    "intra refresh": ("-bf", "0", "-x264-params", "intra-refresh=1"),
    "fields": ("-flags", "+ilme+ildct", "-x264-params", "tff=1"),
    "slices": ("-x264-params", "slices=4"),
    "many references": ("-bf", "2", "-refs", "8"),
    "ten bits": ("-pix_fmt", "yuv420p10le"),
    "three planes": ("-pix_fmt", "yuv444p"),
}


def stream(folder: Path, encoder: Iterable[str], suffix: str = "ts") -> list[CodedPacket]:
    require("ffmpeg", "apt-get install -y ffmpeg")
    path = folder / f"coded.{suffix}"
    picture = "testsrc2=size=192x108:rate=25:duration=5"
    coding = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25", *encoder)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, *coding, str(path)], check=True)
    return list(coded_packets(path))


def gaps(packets: Iterable[CodedPacket]) -> list[int]:
    """The places in the stream before which one is missing; a group is left at its first."""
    numbers, found, follows = FrameNumbers(CameraId("door")), [], False
    for place, coded in enumerate(packets):
        if not follows and not coded.is_keyframe:
            continue
        if not follows:
            numbers.begin()
        follows = True
        if numbers.miss_one_before(coded, place * 40_000):
            found.append(place)
            follows = False
    return found


@pytest.mark.parametrize("suffix", ["ts", "mp4"])
@pytest.mark.parametrize("name", STREAMS)
def test_stream_of_which_nothing_is_missing_has_no_gap(tmp_path: Path, name: str, suffix: str) -> None:
    assert gaps(stream(tmp_path, STREAMS[name], suffix)) == []


@pytest.mark.parametrize("name", sorted(STREAMS.keys() - {"intra refresh"}))
def test_picture_that_others_refer_to_is_missed_at_once(tmp_path: Path, name: str) -> None:
    packets = stream(tmp_path, STREAMS[name])
    lost = next(place for place in range(30, 40) if kind_of(packets[place]) is PacketKind.REFERENCE)

    assert gaps([*packets[:lost], *packets[lost + 1 :]]) == [lost]


def test_picture_that_nobody_refers_to_is_not_missed(tmp_path: Path) -> None:
    packets = stream(tmp_path, STREAMS["B pictures"])
    lost = next(place for place in range(30, 40) if kind_of(packets[place]) is PacketKind.DISPOSABLE)

    assert gaps([*packets[:lost], *packets[lost + 1 :]]) == []


@pytest.mark.parametrize("codec", ["hevc", "mjpeg"])
def test_other_codecs_are_left_alone(tmp_path: Path, codec: str) -> None:
    assert gaps(list(coded_packets(coded_clip(tmp_path, codec, size="192x108")))[::2]) == []


def test_camera_that_never_numbers_as_it_should_is_believed_after_four_groups(tmp_path: Path) -> None:
    packets = [coded for place, coded in enumerate(stream(tmp_path, STREAMS["high"])) if place % 25 != 3] * 3

    with capture_logs() as logs:
        found = gaps(packets)

    assert found == [3 + 24 * group for group in range(7)]
    assert [log["event"] for log in logs] == ["camera_loses_pictures"]
