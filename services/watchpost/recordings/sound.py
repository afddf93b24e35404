"""What a camera lets be heard, beside its pictures: AAC as it was sent. Players refuse other codecs in an MP4.

reader = SoundReader(camera)              # one connection's
sounds = reader.taken(coded.sound, coded.offset_us)
reader.config                             # what a track of it has to say; empty where it takes none
"""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import av
import structlog
from av import AudioStream, Packet
from av.audio.codeccontext import AudioCodecContext
from av.container import OutputContainer
from av.stream import Stream

from watchpost.contracts.records import CameraId

__all__ = ["CodedSound", "Sound", "SoundReader", "SoundTrack", "track_of"]

_LOG = structlog.get_logger()
_MICROSECONDS = 1_000_000
_US = Fraction(1, _MICROSECONDS)
_CONFIG_BYTES, _MOST_CONFIG_BYTES = 2, 64
_HEADER_BYTES, _CHECKED_HEADER_BYTES = 7, 9
_RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


class CodedSound(Protocol):
    """Packets of sound, with the decoder that their stream needs, as ingest reads them."""

    @property
    def decoder(self) -> AudioCodecContext: ...
    @property
    def packets(self) -> tuple[Packet[AudioStream], ...]: ...


@dataclass(frozen=True, slots=True)
class Sound:
    """One coded packet. `at_us`: when it is heard, by the clock of the times of the picture that it came with."""

    payload: bytes
    at_us: int
    lasts_us: int


class SoundReader:
    """Copies the sound of one connection, and names once what it cannot take. `config`: an AudioSpecificConfig."""

    def __init__(self, camera: CameraId) -> None:
        self._camera = camera
        self._refused = ""
        self.config = b""

    def anew(self) -> SoundReader:
        """One for the next connection, which does not name again what was named."""
        reader = SoundReader(self._camera)
        reader._refused = self._refused
        return reader

    def taken(self, sound: CodedSound | None, offset_us: int) -> tuple[Sound, ...]:
        """What can be recorded of it. `offset_us` is added to its times, as to the picture's."""
        if sound is None:
            return ()
        codec = sound.decoder.codec.canonical_name
        if codec != "aac":
            return self._refuse(codec, "it is no AAC")
        own = sound.decoder.extradata or b""
        first = bytes(sound.packets[0]) if sound.packets else b""
        self.config = _plain(own) or _told_by(first) or self.config
        if sound.packets and not self.config:
            return self._refuse(codec, "it does not say its rate and channels")
        return tuple(_copied(packet, offset_us) for packet in sound.packets if packet.size and packet.pts is not None)

    def _refuse(self, codec: str, why: str) -> tuple[Sound, ...]:
        if codec != self._refused:
            self._refused = codec
            remedy = "have the camera send AAC, or set recording.audio: false"
            _LOG.warning("sound_not_recorded", camera=self._camera, codec=codec, why=why, remedy=remedy)
        return ()


class SoundTrack:
    """Gives each packet its place in a track, which passes on in time or leaves it out."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._ends_us = 0

    def packet_at(self, sound: Sound, at_us: int) -> Packet[Stream] | None:
        """A packet of the track; None: it would be heard before what is there already."""
        if at_us < self._ends_us:
            return None
        # less than it lasts: the camera's own times round to a microsecond more or less
        self._ends_us = at_us + sound.lasts_us // 2
        packet: Packet[Stream] = Packet(sound.payload)
        packet.stream, packet.time_base = self._stream, _US
        packet.dts = packet.pts = at_us
        packet.duration = sound.lasts_us
        packet.is_keyframe = True
        return packet


def track_of(container: OutputContainer, config: bytes) -> SoundTrack:
    """A track of this form in a container that is begun. Raises ValueError, IndexError, av.error.FFmpegError."""
    # PyAV makes a track for coded packets from another stream alone: here one that has a header and nothing else
    with av.open(io.BytesIO(_header(config)), format="aac") as probe:
        stream = container.add_stream_from_template(probe.streams.audio[0])
    stream.codec_context.sample_rate = _RATES_HZ[_parts(config)[1]]
    stream.codec_context.extradata = config
    return SoundTrack(stream)


def _copied(packet: Packet[AudioStream], offset_us: int) -> Sound:
    payload = bytes(packet)
    at_us, lasts_us = (
        round(time * packet.time_base * _MICROSECONDS) for time in (packet.pts or 0, packet.duration or 0)
    )
    return Sound(payload[_header_bytes(payload) :], offset_us + at_us, lasts_us)


def _plain(config: bytes) -> bytes:
    """The part of a config that a header of ADTS can tell as well; what comes after it only adds to the quality."""
    if not _CONFIG_BYTES <= len(config) <= _MOST_CONFIG_BYTES:
        return b""
    profile, rate, channels = _parts(config)
    return config if 1 <= profile <= 4 and rate < len(_RATES_HZ) and channels else b""  # noqa: PLR2004  (two bits, from 1 on)


def _parts(config: bytes) -> tuple[int, int, int]:
    """Profile, index of the rate and number of channels (ISO/IEC 14496-3, 1.6.2.1)."""
    bits = int.from_bytes(config[:2], "big")
    return bits >> 11, bits >> 7 & 0xF, bits >> 3 & 0xF


def _header_bytes(payload: bytes) -> int:
    """How long the header of ADTS before a packet is; 0 where there is none (ISO/IEC 13818-7, 6.2)."""
    if len(payload) < _HEADER_BYTES or payload[0] != 0xFF or payload[1] & 0xF6 != 0xF0:  # noqa: PLR2004  (its sync word)
        return 0
    return _HEADER_BYTES if payload[1] & 1 else _CHECKED_HEADER_BYTES


def _told_by(payload: bytes) -> bytes:
    """The config that a packet's header of ADTS tells."""
    if not _header_bytes(payload):
        return b""
    profile, rate = (payload[2] >> 6) + 1, payload[2] >> 2 & 0xF
    channels = (payload[2] & 1) << 2 | payload[3] >> 6
    return _plain((profile << 11 | rate << 7 | channels << 3).to_bytes(2, "big"))


def _header(config: bytes) -> bytes:
    """A header of ADTS that tells this config, with nothing after it."""
    profile, rate, channels = _parts(config)
    size = _HEADER_BYTES
    return bytes(
        (
            0xFF,
            0xF1,
            (profile - 1) << 6 | rate << 2 | channels >> 2,
            (channels & 3) << 6 | size >> 11,
            size >> 3 & 0xFF,
            (size & 7) << 5 | 0x1F,
            0xFC,
        )
    )
