"""What a camera gives: packets as they were coded, and the pictures that they decode to."""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from av import Packet, VideoFrame, VideoStream
from av.video.codeccontext import VideoCodecContext

__all__ = ["SQUARE", "CodedPacket", "DecodePolicy", "DecodedPicture", "Source", "SourceLimits", "decode", "decode_all"]

SQUARE = Fraction(1)


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How long a camera may keep silent while it is opened, and between two packets."""

    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class CodedPacket:
    """One access unit as the camera sent it, with the decoder that its stream needs.

    `size_bytes` is 0 for the packet that ends a recording: decoding it gives the pictures that the decoder held back.
    """

    packet: Packet[VideoStream]
    decoder: VideoCodecContext
    size_bytes: int
    is_keyframe: bool
    due_us: int | None = None
    lasts_us: int = 0
    offset_us: int = 0
    pixel_aspect: Fraction = SQUARE
    sender_offset_us: int | None = None


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A decoded picture; `stream_us` is None where the stream does not say when it was taken.

    `sender_offset_us`, added to `stream_us`, is when the sender's own clock says that it was.
    """

    image: VideoFrame
    stream_us: int | None
    pixel_aspect: Fraction
    sender_offset_us: int | None


@dataclass(frozen=True, slots=True)
class Source:
    """An open camera. A recording (`is_live` false) that ends is over; a camera that ends is opened again."""

    packets: Iterator[CodedPacket]
    is_live: bool


DecodePolicy = Callable[[CodedPacket], bool]
"""Which packets are decoded. Here a later policy decodes keyframes alone while nothing moves, and keeps the ring."""


def decode_all(_: CodedPacket) -> bool:
    """Every packet."""
    return True


def decode(coded: CodedPacket) -> Iterator[DecodedPicture]:
    """The pictures that this packet completes, in the order of their display.

    Raises:
        av.error.FFmpegError: the packet is damaged; the next keyframe may be well again.
    """
    for image in coded.decoder.decode(coded.packet if coded.size_bytes else None):
        stream_us = None
        if image.pts is not None and image.time_base:
            stream_us = coded.offset_us + round(image.pts * image.time_base * 1_000_000)
        yield DecodedPicture(image, stream_us, coded.pixel_aspect, coded.sender_offset_us)
