"""Turns a scene into H.264 as a camera would send it, so that whoever reads it decodes real bytes.

Example:
    >>> from watchpost.simulation import Scene, open_encoded
    >>> with open_encoded(Scene.from_uri("sim:street?seconds=1")) as stream:
    ...     decoder = stream.decoder()
    ...     pictures = [picture for packet in stream for picture in decoder.decode(packet)]
    >>> len(pictures) + len(decoder.decode(None))
    10

"""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final, Self

import av
import cv2
import numpy as np
from av import Packet, VideoStream
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from watchpost.errors import ConfigError
from watchpost.simulation.scene import Scene, SimFrame
from watchpost.simulation.spec import SceneSpec

__all__ = ["TIME_BASE", "EncodedScene", "Encoding", "open_encoded", "write_video"]

TIME_BASE: Final = Fraction(1, 90_000)
_LATE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a scene is encoded: at constant quality, or at `bitrate_kbps` where that is given."""

    crf: int = 23
    bitrate_kbps: int | None = None
    keyframe_s: float = 2.0
    preset: str = "veryfast"


_USUAL: Final = Encoding()


class EncodedScene:
    """A scene as coded packets: Annex B access units, parameter sets before each keyframe, pts in `time_base`.

    Iterating gives each packet once. In real time a packet comes when its frame is due, and frames that the reader
    was too slow for are left out, as a camera would: pts are the scene's time all the same.
    """

    def __init__(self, scene: Scene, encoding: Encoding, *, start_s: float, realtime: bool) -> None:
        self.scene = scene
        self.time_base = TIME_BASE
        self._start_s, self._realtime = start_s, realtime
        self._encoder = _new_encoder(scene.spec, encoding)
        self._parameter_sets = _parameter_sets(scene.spec, encoding)
        self._closed = Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Packet[VideoStream]]:
        for frame in self._due_frames():
            yield from self._encoder.encode(_video_frame(frame))
        if not self._closed.is_set():
            yield from self._encoder.encode(None)

    @property
    def extradata(self) -> bytes:
        """The parameter sets (SPS, PPS) in Annex B, as a camera's SDP would carry them."""
        return self._parameter_sets

    def decoder(self) -> VideoCodecContext:
        """A new decoder that is ready for any keyframe of this stream."""
        decoder = av.CodecContext.create("h264", "r")
        decoder.extradata = self._parameter_sets
        decoder.thread_count = 1
        decoder.copy_opaque = True
        return decoder

    def close(self) -> None:
        """End the stream; may be called from another thread, and ends its waiting."""
        self._closed.set()

    def _due_frames(self) -> Iterator[SimFrame]:
        began, fps = monotonic(), self.scene.spec.fps
        first = index = self.scene.index_at(self._start_s)
        while not self._closed.is_set() and self.scene.has_frame(index):
            if self._realtime:
                ahead_s = began + (index - first) / fps - monotonic()
                if ahead_s < -_LATE_S:
                    index += int(-ahead_s * fps)
                    continue
                if ahead_s > 0 and self._closed.wait(ahead_s):
                    return
            yield self.scene.frame(index)
            index += 1


def open_encoded(
    scene: Scene, encoding: Encoding = _USUAL, *, start_s: float = 0.0, realtime: bool = False
) -> EncodedScene:
    """The scene's packets from `start_s` on, as fast as they are read or, in real time, when they are due."""
    return EncodedScene(scene, encoding, start_s=start_s, realtime=realtime)


def write_video(scene: Scene, path: Path, encoding: Encoding = _USUAL) -> None:
    """Write a finite scene to a file; its suffix (.mp4, .mkv, .h264) chooses the container.

    Raises:
        ConfigError: the scene is endless.

    """
    if scene.frame_count is None:
        raise ConfigError("sim.seconds", "an endless scene fits no file", "write seconds=60")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264")
        _configure(stream.codec_context, scene.spec, encoding)
        for frame in scene.frames():
            container.mux(stream.encode(_video_frame(frame)))
        container.mux(stream.encode(None))


def _new_encoder(spec: SceneSpec, encoding: Encoding) -> VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    _configure(encoder, spec, encoding)
    return encoder


def _parameter_sets(spec: SceneSpec, encoding: Encoding) -> bytes:
    """What a twin of the encoder puts into its header: with that flag x264 leaves them out of the first keyframe."""
    twin = _new_encoder(spec, encoding)
    twin.flags |= Flags.global_header
    twin.open()
    return bytes(twin.extradata or b"")


def _configure(encoder: VideoCodecContext, spec: SceneSpec, encoding: Encoding) -> None:
    encoder.width, encoder.height, encoder.pix_fmt = spec.width_px, spec.height_px, "yuv420p"
    encoder.time_base = TIME_BASE
    encoder.framerate = Fraction(spec.fps).limit_denominator(1000)
    encoder.gop_size = max(1, round(encoding.keyframe_s * spec.fps))
    encoder.thread_count = 1
    encoder.options = {"preset": encoding.preset, "tune": "zerolatency", "sc_threshold": "0"}
    if encoding.bitrate_kbps is None:
        encoder.options |= {"crf": str(encoding.crf)}
        return
    encoder.bit_rate = encoding.bitrate_kbps * 1000
    encoder.options |= {"maxrate": f"{encoding.bitrate_kbps}k", "bufsize": f"{encoding.bitrate_kbps}k"}


def _video_frame(frame: SimFrame) -> av.VideoFrame:
    # OpenCV converts in a third of swscale's time
    planes = np.asarray(cv2.cvtColor(frame.bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    picture.pts = round(frame.time_s / TIME_BASE)
    picture.time_base = TIME_BASE
    return picture
