"""What a recording is made of: coded pictures as the camera sent them, copied so that nobody else's packet changes."""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, Protocol, get_args

from av import Packet, VideoStream
from av.video.codeccontext import VideoCodecContext

from watchpost.recordings.nal_units import as_byte_stream, parameter_sets
from watchpost.recordings.sound import CodedSound, Sound, SoundReader

__all__ = ["Codec", "Coded", "Form", "Sample", "codec_of", "form_of", "sample_of"]

Codec = Literal["h264", "hevc", "mjpeg"]
_CODECS: tuple[Codec, ...] = get_args(Codec)
_SIZE_MARKERS = frozenset({0xC0, 0xC1, 0xC2})
_MICROSECONDS = 1_000_000


class Coded(Protocol):
    """A packet of a camera, with the decoder that its stream needs, as ingest reads it.

    `offset_us`, added to the packet's own times, makes a looped recording's go on from round to round. `sound` came
    since the picture before; None where there is none, or none is wanted.
    """

    @property
    def packet(self) -> Packet[VideoStream]: ...
    @property
    def decoder(self) -> VideoCodecContext: ...
    @property
    def is_keyframe(self) -> bool: ...
    @property
    def offset_us(self) -> int: ...
    @property
    def sound(self) -> CodedSound | None: ...


@dataclass(frozen=True, slots=True)
class Form:
    """How a segment's pictures are coded: pictures of another form need a segment of their own.

    `sets`: the parameter sets as a byte stream; of MJPEG the part of the header that says the size. `sound`: the
    config of the track of sound (`SoundReader`), empty where there is none.
    """

    codec: Codec
    sets: bytes
    sound: bytes = b""


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded picture. `captured_us`: when it was taken, by the site's clock; `dts_us`, `pts_us`: the camera's times.

    `form` is known of keyframes alone. `sound` is what was heard since the picture before.
    """

    payload: bytes
    captured_us: int
    dts_us: int | None
    pts_us: int | None
    form: Form | None
    sound: tuple[Sound, ...] = ()

    @property
    def is_keyframe(self) -> bool:
        """Whether a segment may begin with it."""
        return self.form is not None


def codec_of(coded: Coded) -> Codec | None:
    """How the packet is coded; None: a segment does not hold it."""
    name = coded.decoder.codec.canonical_name
    return next((codec for codec in _CODECS if codec == name), None)


def sample_of(coded: Coded, codec: Codec, captured_us: int, reader: SoundReader) -> Sample:
    """A copy of a packet, and the picture's form if it is a keyframe. The packet stays as it is."""
    packet = coded.packet
    sound = reader.taken(coded.sound, coded.offset_us)
    payload, extradata = bytes(packet), b""
    if codec != "mjpeg":
        extradata = coded.decoder.extradata or b""
    form = replace(form_of(codec, payload, extradata), sound=reader.config) if coded.is_keyframe else None
    if codec != "mjpeg":
        payload = as_byte_stream(codec, payload, extradata)
    dts_us, pts_us = (_us(stamp, packet.time_base, coded.offset_us) for stamp in (packet.dts, packet.pts))
    return Sample(payload, captured_us, dts_us, pts_us, form, sound)


def form_of(codec: Codec, payload: bytes, extradata: bytes) -> Form:
    """The form of a keyframe."""
    return Form(codec, _jpeg_size(payload) if codec == "mjpeg" else parameter_sets(codec, payload, extradata))


def _us(stamp: int | None, time_base: Fraction | None, offset_us: int) -> int | None:
    return None if stamp is None or not time_base else offset_us + round(stamp * time_base * _MICROSECONDS)


def _jpeg_size(payload: bytes) -> bytes:
    """Height and width as the frame header holds them (ITU T.81, B.2.2); empty where there is no such header."""
    at = 2
    while at + 9 <= len(payload) and payload[at] == 0xFF:  # noqa: PLR2004  (what every marker begins with)
        if payload[at + 1] in _SIZE_MARKERS:
            return payload[at + 5 : at + 9]
        at += 2 + int.from_bytes(payload[at + 2 : at + 4], "big")
    return b""
