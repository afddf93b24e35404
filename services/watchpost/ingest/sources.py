"""One way to read every kind of camera: coded packets in, pictures out, failures as `SourceError`.

    with open_source(spec, SourceLimits(), stop) as source:
        for coded in source.packets:
            if policy(coded):
                for picture in decode(coded):
                    picture.stream_us, picture.image

Who reads a recording (`file:`, or http with a known length) gets each packet when it is due, as if a camera sent it.
A recording has no hurry: where its reader is more than half a second late, the rest is due that much later.
"""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import av
from av import Packet, VideoFrame, VideoStream
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from watchpost.contracts.records import CameraSpec
from watchpost.errors import ConfigError, SourceError, SourceFailure
from watchpost.ingest.addresses import CodedAddress, SimAddress, parse_address
from watchpost.ingest.failures import source_error
from watchpost.simulation import EncodedScene, Scene, open_encoded

__all__ = [
    "CodedPacket",
    "DecodePolicy",
    "DecodedPicture",
    "Source",
    "SourceLimits",
    "decode",
    "decode_all",
    "open_source",
]

_SQUARE = Fraction(1)
_USUAL_FPS = Fraction(25)
_PATIENCE_US = 500_000
_BAD_PACKETS_IN_A_ROW = 250
_ONE_THREAD_UP_TO_PX = 1920 * 1088


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
    pixel_aspect: Fraction = _SQUARE


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A decoded picture; `stream_us` is None where the stream does not say when it was taken."""

    image: VideoFrame
    stream_us: int | None
    pixel_aspect: Fraction


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
        yield DecodedPicture(image, stream_us, coded.pixel_aspect)


@contextmanager
def open_source(spec: CameraSpec, limits: SourceLimits, stop: threading.Event) -> Iterator[Source]:
    """The camera of `spec`, open while the block runs. Setting `stop` ends the waiting for a recording's next packet.

    Raises:
        SourceError: it cannot be opened; inside the block, from `packets`: it failed or ended.
    """
    address = parse_address(spec.source, spec.secret_ref, limits.open_timeout_s)
    match address:
        case SimAddress():
            with _simulated(address) as source:
                yield source
        case CodedAddress():
            with _opened(address, limits) as container:
                stream = _video_of(container)
                is_live = not address.is_file and container.duration is None
                packets = _container_packets(container, stream, limits)
                packets = _again_and_again(packets, address, limits) if address.is_looped else _until_it_ends(packets)
                yield Source(packets if is_live else _paced(packets, stop), is_live)


@contextmanager
def _simulated(address: SimAddress) -> Iterator[Source]:
    try:
        scene = Scene.from_uri(address.uri)
    except ConfigError as error:
        raise SourceError(SourceFailure.UNSUPPORTED, str(error)) from error
    with open_encoded(scene, realtime=True) as encoded:
        yield Source(_simulated_packets(encoded, encoded.decoder()), is_live=False)


def _simulated_packets(encoded: EncodedScene, decoder: VideoCodecContext) -> Iterator[CodedPacket]:
    for packet in encoded:
        yield CodedPacket(packet, decoder, packet.size, packet.is_keyframe)
    raise SourceError(SourceFailure.ENDED, "the scene is over")


@contextmanager
def _opened(address: CodedAddress, limits: SourceLimits) -> Iterator[InputContainer]:
    began_s = time.monotonic()
    try:
        container = av.open(
            address.url,
            format=address.container_format,
            options=dict(address.options),
            timeout=(limits.open_timeout_s, limits.read_timeout_s),
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        waited_s = time.monotonic() - began_s
        raise source_error(error, "opening", waited_s=waited_s, limit_s=limits.open_timeout_s) from None
    with container:
        yield container


def _video_of(container: InputContainer) -> VideoStream:
    stream = next((stream for stream in container.streams.video), None)
    if stream is None:
        others = ", ".join(sorted({str(stream.type) for stream in container.streams})) or "nothing"
        raise SourceError(SourceFailure.UNSUPPORTED, f"there is no video in it, only {others}")
    decoder = stream.codec_context
    if decoder is None:
        raise SourceError(SourceFailure.UNSUPPORTED, "its video is in a format that this libav cannot decode")
    decoder.thread_count = 1 if decoder.width * decoder.height <= _ONE_THREAD_UP_TO_PX else 4
    return stream


def _container_packets(container: InputContainer, stream: VideoStream, limits: SourceLimits) -> Iterator[CodedPacket]:
    """The stream's packets; times that a container does not tell (raw H.264) are counted at its frame rate.

    Damaged packets are passed over: a recording cut in its middle, or a camera that stumbles, goes on.
    """
    step_us = round(1_000_000 / (stream.average_rate or stream.guessed_rate or _USUAL_FPS))
    counted = damaged = 0
    packets = container.demux(stream)
    while True:
        asked_s = time.monotonic()
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.InvalidDataError as error:
            damaged += 1
            if damaged > _BAD_PACKETS_IN_A_ROW:
                raise source_error(error, "reading", waited_s=0, limit_s=1) from None
            packets = container.demux(stream)
            continue
        except (av.error.FFmpegError, OSError) as error:
            waited_s = time.monotonic() - asked_s
            raise source_error(error, "reading", waited_s=waited_s, limit_s=limits.read_timeout_s) from None
        damaged = 0
        if packet.size and packet.pts is None and packet.dts is None and packet.time_base:
            packet.pts = packet.dts = round(Fraction(counted * step_us, 1_000_000) / packet.time_base)
        counted += 1
        yield CodedPacket(
            packet=packet,
            decoder=stream.codec_context,
            size_bytes=packet.size,
            is_keyframe=packet.is_keyframe,
            due_us=_due_us(packet),
            lasts_us=step_us,
            pixel_aspect=stream.sample_aspect_ratio or _SQUARE,
        )


def _due_us(packet: Packet[VideoStream]) -> int | None:
    stamp = packet.pts if packet.dts is None else packet.dts
    return None if stamp is None or not packet.time_base else round(stamp * packet.time_base * 1_000_000)


def _again_and_again(
    first: Iterator[CodedPacket], address: CodedAddress, limits: SourceLimits
) -> Iterator[CodedPacket]:
    """A recording without end: each round's times continue those of the round before."""
    ends_us = yield from _one_round(first, begins_us=0)
    while ends_us is not None:
        with _opened(address, limits) as container:
            packets = _container_packets(container, _video_of(container), limits)
            ends_us = yield from _one_round(packets, begins_us=ends_us)


def _one_round(packets: Iterator[CodedPacket], begins_us: int) -> Generator[CodedPacket, None, int | None]:
    """The packets, the first due at `begins_us`; returns when the next would be, or None where there was none."""
    shift_us: int | None = None
    ends_us: int | None = None
    for coded in packets:
        if coded.due_us is None:
            yield coded if shift_us is None else replace(coded, offset_us=shift_us)
            continue
        if shift_us is None:
            shift_us = begins_us - coded.due_us
        due_us = coded.due_us + shift_us
        ends_us = due_us + coded.lasts_us
        yield replace(coded, due_us=due_us, offset_us=shift_us)
    return ends_us


def _until_it_ends(packets: Iterator[CodedPacket]) -> Iterator[CodedPacket]:
    yield from packets
    raise SourceError(SourceFailure.ENDED, "the stream is over")


def _paced(packets: Iterator[CodedPacket], stop: threading.Event) -> Iterator[CodedPacket]:
    """Each packet when it is due, its first at once."""
    shift_us: int | None = None
    for coded in packets:
        now_us = time.monotonic_ns() // 1000
        if coded.due_us is not None:
            if shift_us is None or now_us - coded.due_us - shift_us > _PATIENCE_US:
                shift_us = now_us - coded.due_us
            if stop.wait(max(0.0, (coded.due_us + shift_us - now_us) / 1_000_000)):
                return
        yield coded
