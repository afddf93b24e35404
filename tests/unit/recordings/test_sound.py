"""Sound that a camera sends is kept beside its pictures, in time with them; what an MP4 does not take is named once."""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from av import AudioStream, Packet
from structlog.testing import capture_logs

from tests.fakes.coded import BEGINS_US, at_their_time, coded_clip, coded_packets, pictures_of, probed
from tests.fakes.ring import record, writer_in
from watchpost.contracts.records import CameraId
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings.boxes import shape_of
from watchpost.recordings.clips import Clips
from watchpost.recordings.cutting import cut_of
from watchpost.recordings.folder import Segment, segments_of
from watchpost.recordings.muxing import FragmentMuxer
from watchpost.recordings.samples import Sample, codec_of, sample_of
from watchpost.recordings.sound import SoundReader
from watchpost.settings import ClipSettings

DOOR = CameraId("door")
SECOND_US = 1_000_000
AAC_MS = 23.2
"""How long a packet of AAC lasts at 44.1 kHz."""


def recorded(root: Path, clip: Path) -> list[Segment]:
    writer = writer_in(root)
    record(writer, at_their_time(coded_packets(clip)))
    writer.end()
    return segments_of(root, DOOR)


def heard_s(path: Path) -> list[float]:
    return [float(at.rstrip(",")) for at in probed(path, "pts_time", stream="a")]


def shown_s(path: Path) -> list[float]:
    return sorted(float(at.rstrip(",")) for at in probed(path, "pts_time"))


def payloads(clip: Path) -> list[bytes]:
    reader = SoundReader(DOOR)
    return [sound.payload for sample in samples(clip, reader) for sound in sample.sound]


def samples(clip: Path, reader: SoundReader) -> list[Sample]:
    taken = []
    for coded in coded_packets(clip):
        codec = codec_of(coded)
        assert codec is not None
        taken.append(sample_of(coded, codec, BEGINS_US, reader))
    return taken


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_sound_is_recorded_beside_the_pictures_and_in_time_with_them(tmp_path: Path, suffix: str) -> None:
    clip = coded_clip(tmp_path, seconds=6, b_frames=2, sound="aac", suffix=suffix)
    segments = recorded(tmp_path / "ring", clip)

    last = segments[-1]
    begins_s = (last.begins_us - BEGINS_US) / SECOND_US
    first_s = shown_s(clip)[0]
    sent_s = [at - first_s for at in heard_s(clip)]
    kept_s = [begins_s + at for at in heard_s(last.path)][1:]
    assert probed(last.path, "stream", "codec_name", "sample_rate", "channels", stream="a") == ["aac,44100,1"]
    assert len(kept_s) > 200
    assert all(min(abs(kept - sent) for sent in sent_s) < 0.001 for kept in kept_s)
    assert max(after - before for before, after in pairwise(kept_s)) == pytest.approx(AAC_MS / 1000, abs=0.001)
    assert sum(len(pictures_of(each.path)) for each in segments) == 150


def test_stream_that_tells_the_form_of_its_sound_needs_one_segment(tmp_path: Path) -> None:
    (segment,) = recorded(tmp_path / "ring", coded_clip(tmp_path, seconds=4, sound="aac", suffix="mp4"))

    assert len(heard_s(segment.path)) > 160


def test_sound_ahead_of_the_first_picture_is_left_out(tmp_path: Path) -> None:
    """Time begins with the first packet, and libav ends the process by an assertion at one before it."""
    taken = samples(sounding_clip(tmp_path), SoundReader(DOOR))
    keyframe, picture = taken[0], next(sample for sample in taken if sample.sound)
    assert keyframe.form is not None
    muxer = FragmentMuxer(keyframe, keyframe.form.sound)

    muxer.hear(picture.sound[0], 500_000)
    muxer.take(keyframe.payload, 0, 0, is_keyframe=True)
    muxer.hear(picture.sound[0], 700_000)
    path = tmp_path / "muxed.mp4"
    path.write_bytes(muxer.head + muxer.end())

    assert len(heard_s(path)) == 1
    assert len(pictures_of(path)) == 1


def sounding_clip(folder: Path) -> Path:
    return coded_clip(folder, seconds=2, sound="aac", suffix="mp4")


def test_sound_changes_nothing_about_where_a_segment_begins(tmp_path: Path) -> None:
    (segment,) = recorded(tmp_path / "ring", coded_clip(tmp_path, seconds=6, sound="aac", suffix="mp4"))

    with segment.path.open("rb") as file:
        fragments = shape_of(file.fileno()).fragments
    assert [round(fragment.begins_us / SECOND_US) for fragment in fragments] == [0, 1, 2, 3, 4, 5]


def test_clip_and_cut_carry_the_sound_of_their_time(tmp_path: Path) -> None:
    root = tmp_path / "ring"
    recorded(root, coded_clip(tmp_path, seconds=6, sound="aac", suffix="mp4"))
    cut = cut_of(root, DOOR, BEGINS_US + 2 * SECOND_US, BEGINS_US + 4 * SECOND_US)

    clips = Clips(root, ClipSettings(), clock=None)  # type: ignore[arg-type]  # keeping asks for no time
    clips.keep("event", cut, BEGINS_US)
    streamed = tmp_path / "cut.mp4"
    streamed.write_bytes(b"".join(cut.fragments()))

    for path in (root / "clips" / "event.mp4", streamed):
        assert len(pictures_of(path)) == 50
        assert heard_s(path)[1] < 0.08
        assert heard_s(path)[-1] == pytest.approx(2, abs=0.1)
        assert len(heard_s(path)) == pytest.approx(86, abs=4)


def test_packets_of_a_byte_stream_lose_the_header_that_an_mp4_has_no_place_for(tmp_path: Path) -> None:
    raw = payloads(coded_clip(tmp_path, seconds=2, sound="aac", suffix="mp4"))
    framed = payloads(coded_clip(tmp_path, seconds=2, sound="aac", suffix="ts"))

    assert raw
    assert len(set(raw) & set(framed)) > len(raw) // 2


def test_config_of_a_byte_stream_is_that_of_the_same_sound_in_an_mp4(tmp_path: Path) -> None:
    readers = {suffix: SoundReader(DOOR) for suffix in ("mp4", "ts")}
    for suffix, reader in readers.items():
        samples(coded_clip(tmp_path, seconds=2, sound="aac", suffix=suffix), reader)

    assert readers["ts"].config == readers["mp4"].config[:2] != b""


@pytest.mark.parametrize("encoder", ["pcm_mulaw", "libmp3lame"])
def test_sound_that_no_mp4_takes_is_named_once_and_left_out(tmp_path: Path, encoder: str) -> None:
    clip = coded_clip(tmp_path, seconds=2, sound=encoder, suffix="mkv")
    reader = SoundReader(DOOR)

    with capture_logs() as logs:
        taken = samples(clip, reader)
        taken += samples(clip, reader.anew())

    assert not any(sample.sound for sample in taken)
    told: list[Any] = [entry for entry in logs if entry["event"] == "sound_not_recorded"]
    assert [(entry["camera"], entry["remedy"]) for entry in told] == [
        ("door", "have the camera send AAC, or set recording.audio: false")
    ]


def test_sound_that_comes_and_goes_opens_no_segment_of_its_own(tmp_path: Path) -> None:
    clip = coded_clip(tmp_path, seconds=4, sound="aac", suffix="mp4")
    packets = list(at_their_time(coded_packets(clip)))
    silent = [packets[number] if not 30 <= number < 80 else silenced(*packets[number]) for number in range(100)]
    writer = writer_in(tmp_path / "ring")
    record(writer, silent)
    writer.end()

    (segment,) = segments_of(tmp_path / "ring", DOOR)
    pauses = [after - before for before, after in pairwise(heard_s(segment.path))]
    assert max(pauses) == pytest.approx(2, abs=0.1)
    assert len(pictures_of(segment.path)) == 100


def silenced(coded: CodedPacket, captured_us: int) -> tuple[CodedPacket, int]:
    assert coded.sound is not None
    return replace(coded, sound=replace(coded.sound, packets=())), captured_us


def test_pictures_of_a_camera_whose_sound_never_comes_are_written_as_they_come(tmp_path: Path) -> None:
    clip = coded_clip(tmp_path, seconds=6, sound="aac", suffix="mp4")
    writer = writer_in(tmp_path / "ring")
    record(writer, (silenced(*each) for each in at_their_time(coded_packets(clip))))

    (segment,) = segments_of(tmp_path / "ring", DOOR)
    with segment.path.open("rb") as file:
        assert len(shape_of(file.fileno()).fragments) >= 4


def test_slow_camera_with_sound_has_fragments_that_begin_with_pictures(tmp_path: Path) -> None:
    clip = coded_clip(tmp_path, "mjpeg", seconds=40, fps=1, sound="aac", suffix="mkv")
    writer = writer_in(tmp_path / "ring")
    record(writer, every_fifth(at_their_time(coded_packets(clip))))
    writer.end()

    cut = cut_of(tmp_path / "ring", DOOR, BEGINS_US + 16 * SECOND_US, BEGINS_US + 31 * SECOND_US)
    path = tmp_path / "cut.mp4"
    path.write_bytes(b"".join(cut.fragments()))

    assert cut.begins_us == pytest.approx(BEGINS_US + 20 * SECOND_US, abs=2000)
    assert len(pictures_of(path)) == 3
    assert heard_s(path)[-1] == pytest.approx(11, abs=0.1)


def every_fifth(packets: Iterator[tuple[CodedPacket, int]]) -> Iterator[tuple[CodedPacket, int]]:
    """Every fifth picture, with the sound of all since the last."""
    heard: list[Packet[AudioStream]] = []
    for number, (coded, captured_us) in enumerate(packets):
        assert coded.sound is not None
        heard.extend(coded.sound.packets)
        if number % 5 == 0:
            yield replace(coded, sound=replace(coded.sound, packets=tuple(heard))), captured_us
            heard.clear()
