"""What a camera gives: packets as they were coded, and the pictures that they decode to."""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from av import AudioStream, Packet, VideoFrame, VideoStream
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

__all__ = [
    "SQUARE",
    "CodedPacket",
    "CodedSound",
    "DecodedPicture",
    "Source",
    "SourceLimits",
    "Stamp",
    "decode",
    "decoded_alone",
    "held_back",
    "microseconds",
]

SQUARE = Fraction(1)


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How long a camera may keep silent while it is opened, and between two packets."""

    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0


class Stamp(NamedTuple):
    """What is known of a packet since it arrived; libav hands it on from the packet to its picture.

    `number` counts the camera's packets. `captured_us` is when its picture was taken, by the site's clock. `is_stale`:
    it belongs to a backlog that must not pass as live.
    """

    number: int
    arrival_us: int
    captured_us: int
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class CodedSound:
    """Packets of sound as the camera sent them, with the decoder that their stream needs; nothing here decodes them."""

    decoder: AudioCodecContext
    packets: tuple[Packet[AudioStream], ...] = ()


@dataclass(frozen=True, slots=True)
class CodedPacket:
    """One access unit as the camera sent it, with the decoder that its stream needs.

    `size_bytes` is 0 for the packet that ends a recording: decoding it gives the pictures that the decoder held back.
    `stream_us` is when its picture is shown, by the stream's own time; None where the stream does not say.
    `sound` came since the packet before; None where there is none, or none is wanted.
    """

    packet: Packet[VideoStream]
    decoder: VideoCodecContext
    size_bytes: int
    is_keyframe: bool
    stream_us: int | None = None
    due_us: int | None = None
    lasts_us: int = 0
    offset_us: int = 0
    pixel_aspect: Fraction = SQUARE
    sender_offset_us: int | None = None
    sound: CodedSound | None = None


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A decoded picture; `stream_us` is None where the stream does not say when it was taken.

    `stamp` is that of its packet; None where nobody stamped it.
    """

    image: VideoFrame
    stream_us: int | None
    pixel_aspect: Fraction
    stamp: Stamp | None


def microseconds(units: int, base: Fraction) -> int:
    """So many units of `base` seconds, in whole numbers: fractions took longer than all else done to a packet."""
    return (units * base.numerator * 2_000_000 + base.denominator) // (2 * base.denominator)


@dataclass(frozen=True, slots=True)
class Source:
    """An open camera. A recording (`is_live` false) that ends is over; a camera that ends is opened again."""

    packets: Iterator[CodedPacket]
    is_live: bool


def decode(coded: CodedPacket, decoder: VideoCodecContext | None = None) -> Iterator[DecodedPicture]:
    """The pictures that this packet completes, in the order of their display; by the stream's own decoder unless given.

    Raises:
        av.error.FFmpegError: the packet is damaged; the next keyframe may be well again.
    """
    for image in (decoder or coded.decoder).decode(coded.packet if coded.size_bytes else None):
        yield _picture(image, coded)


def decoded_alone(keyframe: CodedPacket, decoder: VideoCodecContext) -> list[DecodedPicture]:
    """The picture of a keyframe without what comes after it: `decoder` takes no more packets until flushed.

    Raises:
        av.error.FFmpegError: it is damaged.
    """
    return [*decode(keyframe, decoder), *held_back(keyframe, decoder)]


def held_back(last: CodedPacket, decoder: VideoCodecContext) -> Iterator[DecodedPicture]:
    """What `decoder` holds back for pictures that would come after `last`: it takes no more packets until flushed."""
    for image in decoder.decode(None):
        yield _picture(image, last)


def _picture(image: VideoFrame, coded: CodedPacket) -> DecodedPicture:
    stream_us = None
    if image.pts is not None and image.time_base:
        stream_us = coded.offset_us + microseconds(image.pts, image.time_base)
    stamp = image.opaque
    return DecodedPicture(image, stream_us, coded.pixel_aspect, stamp if isinstance(stamp, Stamp) else None)
