"""Reads what libav opens, cameras and recordings alike, and gives recordings the pace of a camera."""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import cast

import av
from av import AudioStream, Packet, VideoStream
from av.container import InputContainer
from av.stream import Stream

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.addresses import CodedAddress
from watchpost.ingest.failures import source_error
from watchpost.ingest.http_file import HttpFile
from watchpost.ingest.packets import SQUARE, CodedPacket, CodedSound, SourceLimits, microseconds

__all__ = [
    "again_and_again",
    "container_packets",
    "libav_opened",
    "opened",
    "paced",
    "sound_of",
    "times_of",
    "until_it_ends",
    "video_of",
]

_USUAL_FPS = Fraction(25)
_PATIENCE_US = 500_000
_BAD_PACKETS_IN_A_ROW = 250
_MOST_SOUND_PACKETS = 500
_ONE_THREAD_UP_TO_PX = 1920 * 1088


@contextmanager
def opened(address: CodedAddress, limits: SourceLimits) -> Iterator[InputContainer]:
    with libav_opened(address.url, address.container_format, address.options, limits) as container:
        yield container


@contextmanager
def libav_opened(
    place: str | HttpFile,
    container_format: str | None,
    options: tuple[tuple[str, str], ...],
    limits: SourceLimits,
    io_open: Callable[..., object] | None = None,
) -> Iterator[InputContainer]:
    """What libav makes of a URL, or of a file. `io_open` opens what else the container asks for.

    Raises:
        SourceError: it cannot be opened; what `place` itself raises is passed on.
    """
    began_s = time.monotonic()
    try:
        container = av.open(
            place,
            "r",
            format=container_format,
            options=dict(options),
            timeout=(limits.open_timeout_s, limits.read_timeout_s),
            io_open=io_open,
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        waited_s = time.monotonic() - began_s
        raise source_error(error, "opening", waited_s=waited_s, limit_s=limits.open_timeout_s) from None
    with container:
        yield container


def video_of(container: InputContainer) -> VideoStream:
    stream = next((stream for stream in container.streams.video), None)
    if stream is None:
        others = ", ".join(sorted({str(stream.type) for stream in container.streams})) or "nothing"
        raise SourceError(SourceFailure.UNSUPPORTED, f"there is no video in it, only {others}")
    decoder = stream.codec_context
    if decoder is None:
        raise SourceError(SourceFailure.UNSUPPORTED, "its video is in a format that this libav cannot decode")
    decoder.copy_opaque = True  # a picture carries its packet's stamp
    decoder.thread_count = 1 if decoder.width * decoder.height <= _ONE_THREAD_UP_TO_PX else 4
    return stream


def sound_of(container: InputContainer) -> AudioStream | None:
    """The first stream of sound; None where there is none."""
    return next(iter(container.streams.audio), None)


def container_packets(
    container: InputContainer, stream: VideoStream, limits: SourceLimits, sound: AudioStream | None = None
) -> Iterator[CodedPacket]:
    """The stream's packets; times that a container does not tell (raw H.264) are counted at its frame rate.

    What comes of `sound` goes with the next picture's packet. Damaged packets are passed over: a recording cut in its
    middle, or a camera that stumbles, goes on.
    """
    step_us = round(1_000_000 / (stream.average_rate or stream.guessed_rate or _USUAL_FPS))
    counted, pixel_aspect = 0, SQUARE
    heard: deque[Packet[AudioStream]] = deque(maxlen=_MOST_SOUND_PACKETS)
    for either in _readable(container, (stream,) if sound is None else (stream, sound), limits):
        if either.stream.type == "audio":
            heard.append(cast("Packet[AudioStream]", either))
            continue
        packet = cast("Packet[VideoStream]", either)
        if packet.size and packet.pts is None and packet.dts is None and packet.time_base:
            packet.pts = packet.dts = round(Fraction(counted * step_us, 1_000_000) / packet.time_base)
        counted += 1
        if packet.is_keyframe:  # PyAV makes a Fraction of it each time
            pixel_aspect = stream.sample_aspect_ratio or SQUARE
        stream_us, due_us = times_of(packet)
        yield CodedPacket(
            packet=packet,
            decoder=stream.codec_context,
            size_bytes=packet.size,
            is_keyframe=packet.is_keyframe,
            stream_us=stream_us,
            due_us=due_us,
            lasts_us=step_us,
            pixel_aspect=pixel_aspect,
            sender_offset_us=_sender_offset_us(packet),
            sound=None if sound is None else CodedSound(sound.codec_context, tuple(heard)),
        )
        heard.clear()


def _readable(
    container: InputContainer, streams: tuple[VideoStream | AudioStream, ...], limits: SourceLimits
) -> Iterator[Packet[Stream]]:
    damaged = 0
    packets: Iterator[Packet[Stream]] = container.demux(*streams)
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
            packets = container.demux(*streams)
            continue
        except (av.error.FFmpegError, OSError) as error:
            waited_s = time.monotonic() - asked_s
            raise source_error(error, "reading", waited_s=waited_s, limit_s=limits.read_timeout_s) from None
        damaged = 0
        yield packet


def times_of(packet: Packet[VideoStream]) -> tuple[int | None, int | None]:
    """When its picture is shown and when it is to be decoded, by the stream's own time; None where that is not said."""
    base = packet.time_base  # each time it is asked for, PyAV makes another Fraction
    if not base:
        return None, None
    pts, dts = packet.pts, packet.dts
    stream_us = None if pts is None else microseconds(pts, base)
    return stream_us, stream_us if dts is None or dts == pts else microseconds(dts, base)


def _sender_offset_us(packet: Packet[VideoStream]) -> int | None:
    """From the sender's reports (RTCP), which libav hands on as the wall time of each packet, in microseconds."""
    if not packet.has_sidedata("prft") or packet.pts is None or not packet.time_base:
        return None
    (sender_us,) = struct.unpack_from("<q", memoryview(packet.get_sidedata("prft")))
    return int(sender_us) - microseconds(packet.pts, packet.time_base)


def again_and_again(
    first: Iterator[CodedPacket], address: CodedAddress, limits: SourceLimits, *, with_sound: bool = False
) -> Iterator[CodedPacket]:
    """A recording without end: each round's times continue those of the round before."""
    ends_us = yield from _one_round(first, begins_us=0)
    while ends_us is not None:
        with opened(address, limits) as container:
            sound = sound_of(container) if with_sound else None
            packets = container_packets(container, video_of(container), limits, sound)
            ends_us = yield from _one_round(packets, begins_us=ends_us)


def _one_round(packets: Iterator[CodedPacket], begins_us: int) -> Generator[CodedPacket, None, int | None]:
    """The packets, the first due at `begins_us`; returns when the next would be, or None where there was none."""
    shift_us: int | None = None
    ends_us: int | None = None
    for coded in packets:
        if coded.due_us is not None:
            if shift_us is None:
                shift_us = begins_us - coded.due_us
            ends_us = coded.due_us + shift_us + coded.lasts_us
        yield _later(coded, shift_us or 0)
    return ends_us


def _later(coded: CodedPacket, by_us: int) -> CodedPacket:
    if by_us == 0:
        return coded
    stream_us, due_us = (None if us is None else us + by_us for us in (coded.stream_us, coded.due_us))
    return replace(coded, stream_us=stream_us, due_us=due_us, offset_us=by_us)


def until_it_ends(packets: Iterator[CodedPacket]) -> Iterator[CodedPacket]:
    yield from packets
    raise SourceError(SourceFailure.ENDED, "the stream is over")


def paced(packets: Iterator[CodedPacket], stop: threading.Event) -> Iterator[CodedPacket]:
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
