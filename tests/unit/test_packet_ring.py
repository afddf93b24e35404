"""The ring of coded packets: what it keeps, and from where it can be decoded."""

from pathlib import Path
from typing import cast

import av
import pytest
from av import Packet, VideoStream
from av.video.codeccontext import VideoCodecContext
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clips import write_clip
from watchpost.ingest.packet_ring import PacketRing
from watchpost.ingest.packets import CodedPacket, Stamp

SECOND_US = 1_000_000
FRAME_US = 40_000


DECODER, ANOTHER = (av.CodecContext.create("h264", "r") for _ in range(2))


def coded(size_bytes: int = 1000, *, keyframe: bool = False, decoder: VideoCodecContext = DECODER) -> CodedPacket:
    return CodedPacket(cast("Packet[VideoStream]", av.Packet(size_bytes)), decoder, size_bytes, keyframe)


def filled(ring: PacketRing, *, seconds: float, keyframe_every: int = 50, size_bytes: int = 1000) -> int:
    """Fill the ring; returns the time of the last packet."""
    at_us = 0
    for n in range(round(seconds * 25)):
        at_us = n * FRAME_US
        ring.add(coded(size_bytes, keyframe=n % keyframe_every == 0), Stamp(n, at_us, at_us))
    return at_us


def test_ring_keeps_its_time_and_the_group_in_which_that_begins() -> None:
    ring = PacketRing(10 * SECOND_US, 10**9)

    filled(ring, seconds=60)

    kept_s = ring.size_bytes / 1000 / 25
    assert 10 <= kept_s <= 12


@given(st.lists(st.tuples(st.integers(1, 5000), st.booleans()), max_size=300), st.integers(1000, 50_000))
def test_ring_never_holds_more_than_its_bytes_and_begins_with_a_keyframe(
    packets: list[tuple[int, bool]], max_bytes: int
) -> None:
    ring = PacketRing(3 * SECOND_US, max_bytes)
    for n, (size_bytes, keyframe) in enumerate(packets):
        ring.add(coded(size_bytes, keyframe=keyframe), Stamp(n, n * FRAME_US, n * FRAME_US))

        kept = ring.since(0, DECODER)
        assert sum(one.size_bytes for one in kept) == ring.size_bytes <= max_bytes
        assert not kept or kept[0].is_keyframe


def test_since_begins_at_the_last_keyframe_before_the_time_asked_for() -> None:
    ring = PacketRing(10 * SECOND_US, 10**9)
    last_us = filled(ring, seconds=8)

    packets = ring.since(last_us - 2 * SECOND_US, DECODER)

    assert packets[0].is_keyframe
    assert 50 <= len(packets) <= 100


def test_since_gives_nothing_that_another_decoder_must_decode() -> None:
    ring = PacketRing(10 * SECOND_US, 10**9)
    for n in range(100):
        decoder = ANOTHER if n < 60 else DECODER
        ring.add(coded(keyframe=n % 20 == 0, decoder=decoder), Stamp(n, n * FRAME_US, n * FRAME_US))

    assert len(ring.since(0, DECODER)) == 40


def test_group_larger_than_the_ring_is_given_up_until_the_next_keyframe() -> None:
    ring = PacketRing(10 * SECOND_US, 10_000)
    for n in range(60):
        ring.add(coded(keyframe=n in (0, 55)), Stamp(n, n * FRAME_US, n * FRAME_US))

    packets = ring.since(0, DECODER)

    assert len(packets) == 5


@pytest.mark.parametrize("keyframe_every", [5, 25])
def test_real_packets_from_the_ring_decode_to_whole_pictures(tmp_path: Path, keyframe_every: int) -> None:
    clip, ring = write_clip(tmp_path / "clip.mp4", frames=60, keyframe_every=keyframe_every), PacketRing(10**9, 10**9)
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        for n, packet in enumerate(container.demux(stream)):
            ring.add(
                CodedPacket(packet, stream.codec_context, packet.size, packet.is_keyframe),
                Stamp(n, n * FRAME_US, n * FRAME_US),
            )
        packets = ring.since(40 * FRAME_US, stream.codec_context)
        decoder = stream.codec_context
        pictures = [image for one in packets for image in decoder.decode(one.packet)] + decoder.decode(None)

    assert len(pictures) == 60 - 40 // keyframe_every * keyframe_every
    assert not any(image.is_corrupt for image in pictures)
