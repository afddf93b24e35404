"""The simulated camera's coded bytes: what a decoder gets back, and when."""

from pathlib import Path
from threading import Timer
from time import monotonic, sleep

import av
import numpy as np
import pytest

from watchpost.errors import ConfigError
from watchpost.simulation import Encoding, Scene, open_encoded, write_video

_SMALL = "size=320x180&people=1"


def test_packets_decode_to_the_frames_that_were_drawn() -> None:
    scene = Scene.from_uri(f"sim:street?seed=1&seconds=1&{_SMALL}")

    with open_encoded(scene) as stream:
        decoder = stream.decoder()
        pictures = [picture for packet in stream for picture in decoder.decode(packet)] + list(decoder.decode(None))

    assert [round(picture.pts * stream.time_base, 3) for picture in pictures if picture.pts is not None] == [
        pytest.approx(index / 10) for index in range(10)
    ]
    for picture, frame in zip(pictures, scene.frames(), strict=True):
        off = picture.to_ndarray(format="bgr24").astype(int) - frame.bgr
        assert np.sqrt((off**2).mean()) < 8


def test_stream_can_be_entered_at_every_keyframe_without_extradata() -> None:
    with open_encoded(Scene.from_uri(f"sim:street?seconds=2&{_SMALL}"), Encoding(keyframe_s=0.5)) as stream:
        packets = list(stream)

    keyframes = [index for index, packet in enumerate(packets) if packet.is_keyframe]
    assert keyframes == [0, 5, 10, 15]
    for keyframe in keyframes:
        decoder = av.CodecContext.create("h264", "r")
        packet = av.Packet(bytes(packets[keyframe]))
        assert len([*decoder.decode(packet), *decoder.decode(None)]) == 1


def test_bitrate_is_kept_where_one_is_given() -> None:
    scene = Scene.from_uri(f"sim:street?seconds=6&{_SMALL}")

    with open_encoded(scene, Encoding(bitrate_kbps=200)) as stream:
        sent_bytes = sum(packet.size for packet in stream)

    assert sent_bytes * 8 / 6 / 1000 == pytest.approx(200, rel=0.25)


def test_realtime_stream_gives_each_packet_when_it_is_due() -> None:
    began = monotonic()
    with open_encoded(Scene.from_uri(f"sim:street?seconds=0.6&fps=10&{_SMALL}"), realtime=True) as stream:
        arrived = [(monotonic(), packet.pts * stream.time_base) for packet in stream if packet.pts is not None]

    assert all(now - began >= due_s for now, due_s in arrived)
    assert len(arrived) > 1


def test_realtime_stream_leaves_out_what_a_slow_reader_missed() -> None:
    with open_encoded(Scene.from_uri(f"sim:street?fps=20&{_SMALL}"), start_s=3.0, realtime=True) as stream:
        packets = iter(stream)
        first = next(packets)
        sleep(0.8)  # the reader itself is slow here: that is what is tested
        second = next(packets)

    assert first.pts == 3.0 / stream.time_base
    assert second.pts is not None
    assert second.pts * stream.time_base >= 3.7


def test_closing_ends_a_reader_that_waits() -> None:
    began = monotonic()
    with open_encoded(Scene.from_uri(f"sim:street?fps=1&{_SMALL}"), realtime=True) as stream:
        Timer(0.2, stream.close).start()
        assert len(list(stream)) == 1

    assert monotonic() - began < 0.8


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "h264"])
def test_file_holds_every_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"street.{suffix}"

    write_video(Scene.from_uri(f"sim:shop?seconds=1&fps=12&{_SMALL}"), path)

    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in container.decode(video=0)) == 12


def test_endless_scene_is_not_written_to_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="seconds=60"):
        write_video(Scene.from_uri("sim:street"), tmp_path / "street.mp4")
