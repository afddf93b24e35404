"""What is cut out of recordings is the time that was asked for, in the camera's own packets, and plays by itself."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes.coded import BEGINS_US, at_their_time, coded_clip, coded_packets, pictures_of, probed
from tests.fakes.ring import record, writer_in
from watchpost.contracts.records import CameraId
from watchpost.errors import NotRecordedError
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings.cutting import cut_of, recorded_until_us
from watchpost.recordings.folder import segments_of

DOOR = CameraId("door")
SECOND_US = 1_000_000
Packets = list[tuple[CodedPacket, int]]


def later(packets: Packets, seconds: int) -> Packets:
    return [(coded, captured_us + seconds * SECOND_US) for coded, captured_us in packets]


def streamed(root: Path, path: Path, from_s: float, to_s: float) -> Path:
    cut = cut_of(root, DOOR, round(BEGINS_US + from_s * SECOND_US), round(BEGINS_US + to_s * SECOND_US))
    path.write_bytes(b"".join(cut.fragments()))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coded_clip(tmp_path_factory.mktemp("clip"), seconds=6, b_frames=2)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """Six seconds, a keyframe at each, in three segments of two."""
    root = tmp_path_factory.mktemp("ring")
    packets, writer = list(at_their_time(coded_packets(clip))), writer_in(root)
    for begin in (0, 50, 100):
        record(writer, packets[begin : begin + 50])
        writer.reconnected()
    assert len(segments_of(root, DOOR)) == 3
    return root


@pytest.mark.parametrize(
    ("from_s", "to_s", "first", "last"),
    [(0, 6, 0, 150), (1, 2, 25, 50), (1.5, 2.5, 25, 62), (1.96, 4.04, 25, 101), (3, 60, 75, 150), (-60, 1, 0, 25)],
)
def test_cut_begins_at_the_keyframe_before_and_ends_in_time(
    tmp_path: Path, ring: Path, clip: Path, from_s: float, to_s: float, first: int, last: int
) -> None:
    cut = streamed(ring, tmp_path / "cut.mp4", from_s, to_s)

    wanted, got = pictures_of(clip)[first:], pictures_of(cut)
    # it ends in the order of decoding: the last one may be shown after others that are left out
    assert got[:-3] == wanted[: len(got) - 3]
    assert abs(len(got) - (last - first)) <= 3


def test_cut_tells_when_its_first_picture_was_taken(ring: Path) -> None:
    cut = cut_of(ring, DOOR, BEGINS_US + 1_500_000, BEGINS_US + 5_000_000)

    assert abs(cut.begins_us - BEGINS_US - SECOND_US) < 1000
    assert cut.size_bytes > 0


def test_time_without_pictures_is_told(ring: Path, tmp_path: Path) -> None:
    for from_s, to_s in ((-60, -1), (10, 20), (5.99, 5.995)):
        with pytest.raises(NotRecordedError, match="nothing of door was recorded in this time"):
            cut_of(ring, DOOR, round(BEGINS_US + from_s * SECOND_US), round(BEGINS_US + to_s * SECOND_US))
    with pytest.raises(NotRecordedError):
        cut_of(tmp_path, DOOR, BEGINS_US, BEGINS_US + SECOND_US)


def test_time_that_was_not_recorded_in_between_passes_in_the_cut(tmp_path: Path, clip: Path) -> None:
    packets, writer = list(at_their_time(coded_packets(clip))), writer_in(tmp_path)
    record(writer, packets[:50])
    writer.reconnected()
    record(writer, later(packets[:50], 30))
    writer.end()

    cut = streamed(tmp_path, tmp_path / "cut.mp4", 0, 60)

    shown = sorted(float(at.rstrip(",")) for at in probed(cut, "pts_time"))
    assert len(shown) == 100
    pauses = [after - before for before, after in pairwise(shown)]
    assert max(pauses) == pytest.approx(28.04, abs=0.1)


def test_cut_holds_one_form_the_first_or_that_of_the_moment(tmp_path: Path) -> None:
    small, large = coded_clip(tmp_path, seconds=2), coded_clip(tmp_path, seconds=2, size="640x360")
    writer = writer_in(tmp_path)
    record(writer, at_their_time(coded_packets(small)))
    record(writer, at_their_time(coded_packets(large), BEGINS_US + 2 * SECOND_US))
    writer.end()
    ends_us = BEGINS_US + 10 * SECOND_US

    first = cut_of(tmp_path, DOOR, BEGINS_US, ends_us)
    second = cut_of(tmp_path, DOOR, BEGINS_US, ends_us, moment_us=BEGINS_US + 3 * SECOND_US)
    for cut, name in ((first, "first"), (second, "second")):
        cut.write(tmp_path / f"{name}.mp4")

    assert pictures_of(tmp_path / "first.mp4") == pictures_of(small)
    assert pictures_of(tmp_path / "second.mp4") == pictures_of(large)


def test_what_is_being_written_is_read_as_far_as_it_is_whole(tmp_path: Path, clip: Path) -> None:
    packets, writer = list(at_their_time(coded_packets(clip))), writer_in(tmp_path)
    assert recorded_until_us(tmp_path, DOOR) is None
    record(writer, packets[:80])

    until_us = recorded_until_us(tmp_path, DOOR)
    cut = streamed(tmp_path, tmp_path / "cut.mp4", 0, 6)

    assert until_us is not None
    assert abs(until_us - BEGINS_US - 2 * SECOND_US) < 100_000
    assert pictures_of(cut) == pictures_of(clip)[:75]


@pytest.mark.parametrize(("codec", "tag"), [("h264", "avc1"), ("hevc", "hvc1"), ("mjpeg", "mp4v")])
def test_clip_is_an_mp4_whose_index_stands_first(tmp_path: Path, codec: str, tag: str) -> None:
    source, writer = coded_clip(tmp_path, codec), writer_in(tmp_path)
    record(writer, at_their_time(coded_packets(source)))
    writer.end()
    cut = cut_of(tmp_path, DOOR, BEGINS_US + SECOND_US, BEGINS_US + 3 * SECOND_US)

    cut.write(tmp_path / "clip.mp4")

    content = (tmp_path / "clip.mp4").read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    assert probed(tmp_path / "clip.mp4", "stream", "codec_name", "codec_tag_string") == [f"{codec},{tag}"]
    assert abs(len(pictures_of(tmp_path / "clip.mp4")) - 50) <= 1
