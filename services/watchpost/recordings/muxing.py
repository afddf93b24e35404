"""Wraps coded pictures into fragmented MP4 without touching them, as bytes that are safe to append to a file.

muxer = FragmentMuxer(keyframe)
file.write(muxer.head)
file.write(muxer.take(keyframe, dts_us=0, pts_us=0))     # mostly b"": a fragment comes out whole or not at all
file.write(muxer.end())
"""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

import io
from fractions import Fraction

import av
from av import Packet, VideoStream
from av.container import OutputContainer
from av.stream import Stream

from watchpost.recordings.samples import Sample
from watchpost.recordings.sound import Sound, track_of

__all__ = ["TIME_BASE", "FragmentMuxer", "Tracks"]

TIME_BASE = Fraction(1, 90_000)
FRAGMENT_US = 2_000_000
_MICROSECONDS = 1_000_000
_OPTIONS = {
    # moof boxes that need nothing but what stands before them: a file that ends after any of them can be played
    "movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer",
    "frag_duration": str(FRAGMENT_US),
    "min_frag_duration": "500000",
    "flush_packets": "1",
}
_WITH_SOUND = {
    # else the track of sound would begin when that of pictures does, however much later sound came
    "movflags": _OPTIONS["movflags"] + "+frag_discont",
    # what one track has is not held back until the other has as much: they come in order, and sound may cease
    "max_interleave_delta": "1",
}


class _Sink:
    """A file for libav, whose bytes are taken away after each call."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class Tracks:
    """The tracks of an MP4 that is begun: pictures, and sound where `sound` is its config (`SoundReader.config`)."""

    def __init__(self, container: OutputContainer, like: VideoStream, sound: bytes) -> None:
        self._container = container
        self._pictures = container.add_stream_from_template(like)
        as_browsers_know_it(self._pictures)
        self._sound = track_of(container, sound) if sound else None
        self._is_begun = False

    def take(self, payload: bytes, dts_us: int, pts_us: int, *, is_keyframe: bool) -> None:
        """Add a picture."""
        self._container.mux_one(packet_at(self._pictures, payload, dts_us, pts_us, is_keyframe=is_keyframe))
        self._is_begun = True

    def hear(self, sound: Sound, at_us: int) -> None:
        """Add sound that is heard at `at_us`, after a picture; what the track has no place for is left out."""
        # libav lets time begin with the first packet, and ends the process by an assertion at one that lies before it
        packet = self._sound.packet_at(sound, at_us) if self._sound is not None and self._is_begun else None
        if packet is not None:
            self._container.mux_one(packet)


class FragmentMuxer:
    """Fragments of about two seconds, cut at keyframes where they come as often. Sound goes into those of the pictures.

    Args:
        like: a keyframe whose form all pictures have, or the stream of a recording that is copied.
        sound: the config of its sound, empty where it has none.

    Raises:
        ValueError, IndexError, av.error.FFmpegError: libav makes nothing of the keyframe.
    """

    def __init__(self, like: Sample | VideoStream, sound: bytes = b"") -> None:
        self._sink = _Sink()
        options = {**_OPTIONS, **_WITH_SOUND} if sound else _OPTIONS
        self._container = av.open(self._sink, "w", format="mp4", options=options)
        if isinstance(like, Sample):
            with av.open(io.BytesIO(_self_contained(like)), format=_form_name(like)) as probe:
                pictures = probe.streams.video[0]
                if not pictures.width:
                    raise ValueError("its parameter sets do not say how large it is")
                self._tracks = Tracks(self._container, pictures, sound)
        else:
            self._tracks = Tracks(self._container, like, sound)
        self._container.start_encoding()
        self.head = self._sink.taken()

    def take(self, payload: bytes, dts_us: int, pts_us: int, *, is_keyframe: bool) -> bytes:
        """The fragment that this picture completes; empty where it completes none. Times begin with 0 and rise."""
        self._tracks.take(payload, dts_us, pts_us, is_keyframe=is_keyframe)
        return self._sink.taken()

    def hear(self, sound: Sound, at_us: int) -> None:
        """Add sound, whose bytes come out with a picture's."""
        self._tracks.hear(sound, at_us)

    def end(self) -> bytes:
        """The last fragment."""
        self._container.close()
        return self._sink.taken()


def as_browsers_know_it(stream: VideoStream) -> None:
    """Have the track say the times' unit, and of H.265 that its parameter sets stand in the track's header."""
    stream.time_base = TIME_BASE
    if stream.codec_context.codec.canonical_name == "hevc":
        stream.codec_context.codec_tag = "hvc1"


def packet_at(stream: Stream, payload: bytes, dts_us: int, pts_us: int, *, is_keyframe: bool) -> Packet[Stream]:
    """A packet of `stream` with these times."""
    packet: Packet[Stream] = Packet(payload)
    packet.stream, packet.time_base = stream, TIME_BASE
    packet.dts, packet.pts = _ticks(dts_us), _ticks(pts_us)
    packet.is_keyframe = is_keyframe
    return packet


def _ticks(time_us: int) -> int:
    return round(time_us / (TIME_BASE * _MICROSECONDS))


def _self_contained(keyframe: Sample) -> bytes:
    """A keyframe with its parameter sets before it: from these libav learns size and header."""
    if keyframe.form is None or keyframe.form.codec == "mjpeg":
        return keyframe.payload
    return keyframe.form.sets + keyframe.payload


def _form_name(keyframe: Sample) -> str:
    return "mjpeg" if keyframe.form is None else keyframe.form.codec
