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
from av.stream import Stream

from watchpost.recordings.samples import Sample

__all__ = ["TIME_BASE", "FragmentMuxer", "packet_at"]

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


class FragmentMuxer:
    """One video track in fragments of about two seconds, cut at keyframes where they come as often.

    Args:
        like: a keyframe whose form all pictures have, or the stream of a recording that is copied.

    Raises:
        ValueError, IndexError, av.error.FFmpegError: libav makes nothing of the keyframe.
    """

    def __init__(self, like: Sample | VideoStream) -> None:
        self._sink = _Sink()
        self._container = av.open(self._sink, "w", format="mp4", options=_OPTIONS)
        if isinstance(like, Sample):
            with av.open(io.BytesIO(_self_contained(like)), format=_form_name(like)) as probe:
                pictures = probe.streams.video[0]
                if not pictures.width:
                    raise ValueError("its parameter sets do not say how large it is")
                self._stream = self._container.add_stream_from_template(pictures)
        else:
            self._stream = self._container.add_stream_from_template(like)
        as_browsers_know_it(self._stream)
        self._container.start_encoding()
        self.head = self._sink.taken()

    def take(self, payload: bytes, dts_us: int, pts_us: int, *, is_keyframe: bool) -> bytes:
        """The fragment that this picture completes; empty where it completes none. Times begin with 0 and rise."""
        self._container.mux_one(packet_at(self._stream, payload, dts_us, pts_us, is_keyframe=is_keyframe))
        return self._sink.taken()

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
