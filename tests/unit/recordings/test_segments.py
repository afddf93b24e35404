"""Segments hold the camera's own packets, whole, in order and at their time, in the forms that browsers know."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.fakes.coded import BEGINS_US, at_their_time, coded_clip, coded_packets, pictures_of, probed
from tests.fakes.ring import record, writer_in
from watchpost.contracts.records import CameraId
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings.boxes import shape_of
from watchpost.recordings.folder import Segment, segments_between, segments_of
from watchpost.recordings.segment_file import mend

DOOR = CameraId("door")


def recorded(root: Path, packets: Iterable[tuple[CodedPacket, int]]) -> list[Segment]:
    writer = writer_in(root)
    record(writer, packets)
    writer.end()
    return segments_of(root, DOOR)


@pytest.mark.parametrize(
    ("codec", "suffix", "tag"),
    [
        ("h264", "ts", "avc1"),
        ("h264", "mp4", "avc1"),
        ("hevc", "ts", "hvc1"),
        ("hevc", "mp4", "hvc1"),
        ("mjpeg", "avi", "mp4v"),
    ],
)
def test_every_codec_is_recorded_without_a_change(tmp_path: Path, codec: str, suffix: str, tag: str) -> None:
    clip = coded_clip(tmp_path, codec, suffix=suffix)
    (segment,) = recorded(tmp_path / "ring", at_their_time(coded_packets(clip)))

    assert probed(segment.path, "stream", "codec_name", "codec_tag_string", "width", "height") == [
        f"{codec},{tag},320,180"
    ]
    assert segment.begins_us == BEGINS_US
    assert pictures_of(segment.path) == pictures_of(clip)


def told(coded: CodedPacket) -> tuple[object, ...]:
    packet = coded.packet
    return bytes(packet), packet.pts, packet.dts, packet.time_base, packet.stream_index, packet.is_keyframe


def test_packets_that_others_hold_stay_as_they_were(tmp_path: Path) -> None:
    packets = list(at_their_time(coded_packets(coded_clip(tmp_path))))
    before = [told(coded) for coded, _ in packets]

    recorded(tmp_path / "ring", packets)

    assert [told(coded) for coded, _ in packets] == before


def test_pictures_shown_out_of_order_keep_it(tmp_path: Path) -> None:
    clip = coded_clip(tmp_path, b_frames=2)
    (segment,) = recorded(tmp_path / "ring", at_their_time(coded_packets(clip)))

    stamps = [[int(part) for part in line.split(",")[:2]] for line in probed(segment.path, "pts", "dts")]
    assert all(pts >= dts for pts, dts in stamps)
    assert sorted(stamps, key=lambda each: each[0]) != stamps
    assert pictures_of(segment.path) == pictures_of(clip)


def test_other_size_begins_a_segment_that_plays_by_itself(tmp_path: Path) -> None:
    small, large = coded_clip(tmp_path), coded_clip(tmp_path, size="640x360")
    packets = [
        *at_their_time(coded_packets(small)),
        *at_their_time(coded_packets(large), BEGINS_US + 4_000_000),
    ]

    first, second = recorded(tmp_path / "ring", packets)

    assert probed(first.path, "stream", "width", "height") == ["320,180"]
    assert probed(second.path, "stream", "width", "height") == ["640,360"]
    assert second.begins_us == BEGINS_US + 4_000_000
    assert pictures_of(first.path) + pictures_of(second.path) == pictures_of(small) + pictures_of(large)


def test_nothing_is_written_before_the_first_keyframe(tmp_path: Path) -> None:
    packets = list(at_their_time(coded_packets(coded_clip(tmp_path))))

    (segment,) = recorded(tmp_path / "ring", packets[10:])

    assert segment.begins_us == packets[25][1]
    assert len(probed(segment.path, "pts")) == 75


def test_segment_ends_at_a_keyframe_when_it_is_long_or_large(tmp_path: Path) -> None:
    packets = list(at_their_time(coded_packets(coded_clip(tmp_path, size="640x360", kbps=20_000))))
    every_4_s = [(coded, BEGINS_US + n * 4_000_000) for n, (coded, _) in enumerate(packets)]
    writer = writer_in(tmp_path / "large")

    long = recorded(tmp_path / "long", every_4_s)
    record(writer, packets, segment_bytes=1)
    writer.end()
    large = segments_of(tmp_path / "large", DOOR)

    assert [segment.begins_us - BEGINS_US for segment in long] == [0, 300_000_000]
    assert [(segment.begins_us - BEGINS_US) % 1_000_000 for segment in large] == [0] * len(large)
    assert len(large) > 1
    assert all(segment.path.stat().st_size > 1024 * 1024 for segment in large[:-1])


def test_camera_that_reconnects_begins_a_segment(tmp_path: Path) -> None:
    packets = list(at_their_time(coded_packets(coded_clip(tmp_path, seconds=2))))
    writer = writer_in(tmp_path)
    record(writer, packets)
    writer.reconnected()
    record(writer, [(coded, captured_us + 60_000_000) for coded, captured_us in packets])
    writer.end()

    assert [segment.begins_us for segment in segments_of(tmp_path, DOOR)] == [BEGINS_US, BEGINS_US + 60_000_000]


def test_beginning_that_is_taken_moves_by_a_microsecond(tmp_path: Path) -> None:
    packets = list(at_their_time(coded_packets(coded_clip(tmp_path, seconds=1))))

    recorded(tmp_path, packets)
    both = recorded(tmp_path, packets)

    assert [segment.begins_us for segment in both] == [BEGINS_US, BEGINS_US + 1]


def test_segment_that_is_cut_anywhere_is_whole_up_to_its_last_fragment(tmp_path: Path) -> None:
    (segment,) = recorded(tmp_path, at_their_time(coded_packets(coded_clip(tmp_path))))
    content = segment.path.read_bytes()
    with segment.path.open("rb") as file:
        ends = [fragment.offset + fragment.size_bytes for fragment in shape_of(file.fileno()).fragments]
    assert ends[-1] == len(content)

    for cut in [*range(0, len(content), 997), *ends]:
        torn = Segment(tmp_path / "torn", DOOR, cut)
        torn.path.parent.mkdir(parents=True, exist_ok=True)
        torn.path.write_bytes(content[:cut])
        whole = max((end for end in ends if end <= cut), default=0)
        assert mend(torn.path) == (whole != cut or not whole)
        assert (torn.path.stat().st_size if torn.path.exists() else 0) == whole


def test_segment_that_somebody_writes_is_not_mended(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    record(writer, at_their_time(coded_packets(coded_clip(tmp_path))))
    (segment,) = segments_of(tmp_path, DOOR)
    with segment.path.open("ab") as torn:
        torn.write(b"half a fragment")
    size_bytes = segment.path.stat().st_size

    assert not mend(segment.path)
    assert segment.path.stat().st_size == size_bytes


def test_segments_of_a_time_are_found_by_names_alone(tmp_path: Path) -> None:
    segments = [Segment(tmp_path, DOOR, begins_us) for begins_us in (100, 200, 300)]

    def found(from_us: int, to_us: int) -> list[int]:
        return [segment.begins_us for segment in segments_between(segments, from_us, to_us)]

    assert found(0, 100) == []
    assert found(0, 101) == [100]
    assert found(150, 199) == [100]
    assert found(200, 301) == [200, 300]
    assert found(5000, 6000) == [300]
    assert found(0, 6000) == [100, 200, 300]


def test_name_that_no_camera_has_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'\.\./etc' is no camera's name"):
        segments_of(tmp_path, CameraId("../etc"))
    assert list(tmp_path.iterdir()) == []
