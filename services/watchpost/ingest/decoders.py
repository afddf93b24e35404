"""Gives a camera its decoders: each keyframe at which decoding begins finds one that remembers nothing.

decoders = Decoders(spec.camera, spec.decoder)
decoder = decoders.begin(coded.decoder)       # at a keyframe
decoders.damaged(captured_us)                 # it met something broken: it is not used again
"""

from typing import cast

import av.error
import structlog
from av import CodecContext
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.codeccontext import VideoCodecContext

from watchpost.contracts.camera_parts import SOFTWARE
from watchpost.contracts.records import CameraId
from watchpost.ingest.decoder_fallbacks import Fallback
from watchpost.ingest.frame_numbers import FrameNumbers
from watchpost.telemetry import metrics

__all__ = ["Decoders", "another"]

_LOG = structlog.get_logger()
# what libav finds wrong it else conceals, and of H.265 and MJPEG it does not even say so; of H.264 it says so, and what
# begins at an open group of pictures would fail: its marking of references names some that the decoder never saw
_STRICT = {"err_detect": "explode"}
_CONCEALS_LOUDLY = {"h264"}
_LENIENT_AFTER, _LENIENT_AFTER_US = 4, 5_000_000


class Decoders:
    """One camera's. For the camera's thread.

    They are strict until four groups of pictures in a row, over five seconds, were not as the standard has it: cameras
    that never are could not be seen at all. Those are decoded leniently until they are connected anew.

    Args:
        camera: whose.
        name: `software`, or the hardware that shall decode; where that is not there, software does.
    """

    def __init__(self, camera: CameraId, name: str = SOFTWARE) -> None:
        self._camera, self._name = camera, name
        self._fell_back: str | None = None
        self.numbers = FrameNumbers(camera)
        self.reconnected()

    def reconnected(self) -> None:
        """What comes next has nothing to do with what came before."""
        self._stream: VideoCodecContext | None = None
        self._decoder: VideoCodecContext | None = None
        self._is_strict = True
        self.numbers.reconnected()
        self._failed, self._failed_since_us = 0, 0

    @property
    def is_strict(self) -> bool:
        """Whether decoding fails where libav would conceal."""
        return self._is_strict

    @property
    def fallback(self) -> Fallback | None:
        """Why software decodes where hardware was asked for, as of the last decoder; readable from any thread."""
        why = self._fell_back
        return None if why is None else Fallback(self._name, why)

    def begin(self, stream: VideoCodecContext) -> VideoCodecContext:
        """A decoder for packets of this stream, ready for any keyframe."""
        if stream is not self._stream:
            self._stream, self._decoder = stream, self._first(stream)
        elif self._decoder is None:
            self._decoder = self._accelerated(stream) or another(stream, strict=self._is_strict)
        else:
            self._decoder.flush_buffers()
        return self._decoder

    def damaged(self, at_us: int) -> None:
        """The decoder met something broken, by a packet of then.

        Flushed it still holds coefficients of the broken macroblock, and adds them to whole pictures (libavcodec 62).
        """
        self._decoder = None
        if not self._failed or at_us < self._failed_since_us:
            self._failed_since_us = at_us
        self._failed += 1
        if not self._is_strict or self._failed < _LENIENT_AFTER or _conceals_loudly(self._stream):
            return
        if at_us - self._failed_since_us >= _LENIENT_AFTER_US:
            self._is_strict = False
            _LOG.warning("camera_decoded_leniently", camera=self._camera, failed=self._failed)

    def whole(self) -> None:
        """A group of pictures came through whole."""
        self.numbers.whole()
        self._failed = 0

    def held_back(self) -> None:
        """A packet is not decoded, since one before it is missing."""
        metrics.FRAMES_DROPPED.labels(self._camera, "lost").inc()

    def _first(self, stream: VideoCodecContext) -> VideoCodecContext:
        """The stream's own where that may be used: it learns of B pictures, which others ask it for."""
        accelerated = self._accelerated(stream)
        if accelerated is not None:
            return accelerated
        if stream.is_open:
            return another(stream, strict=self._is_strict)
        stream.options = _options(stream, strict=self._is_strict)
        return stream

    def _accelerated(self, stream: VideoCodecContext) -> VideoCodecContext | None:
        if self._name == SOFTWARE:
            return None
        try:
            decoder = _in_hardware(stream, self._name)
        except (av.error.FFmpegError, LookupError) as error:
            self._fall_back(error)
            return None
        self._fell_back = None
        return decoder

    def _fall_back(self, error: Exception) -> None:
        metrics.DECODER_FALLBACKS.labels(self._camera, self._name).inc()
        why = getattr(error, "strerror", None) or str(error.args[0])
        if why != self._fell_back:
            self._fell_back = why
            _LOG.warning("decoder_falls_back", camera=self._camera, decoder=self._name, why=why, to=SOFTWARE)


def another(stream: VideoCodecContext, *, strict: bool = False, hardware: HWAccel | None = None) -> VideoCodecContext:
    """A decoder for the same stream that has seen nothing of it.

    Raises:
        av.error.FFmpegError: the hardware does not answer.
    """
    decoder = cast("VideoCodecContext", CodecContext.create(stream.codec.name, "r", hardware))
    decoder.extradata = stream.extradata
    decoder.reorder_depth = stream.reorder_depth
    if stream.width and stream.height:  # raw pictures, as of /dev/video0, do not say it themselves
        decoder.width, decoder.height = stream.width, stream.height
    if stream.pix_fmt is not None and hardware is None:
        decoder.pix_fmt = stream.pix_fmt
    decoder.thread_count = stream.thread_count
    decoder.copy_opaque = True
    decoder.options = _options(stream, strict=strict)
    return decoder


def _options(stream: VideoCodecContext, *, strict: bool) -> dict[str, str]:
    return dict(_STRICT) if strict and not _conceals_loudly(stream) else {}


def _conceals_loudly(stream: VideoCodecContext | None) -> bool:
    return stream is not None and stream.codec.name in _CONCEALS_LOUDLY


def _in_hardware(stream: VideoCodecContext, name: str) -> VideoCodecContext:
    # a name that libav does not know would be taken for any hardware
    if name not in hwdevices_available():
        raise LookupError(f"this libav knows no {name}, only {', '.join(hwdevices_available())}")
    decoder = another(stream, hardware=HWAccel(name, allow_software_fallback=True))
    if not decoder.is_hwaccel:
        raise LookupError(f"{name} does not decode {stream.codec.name}")
    return decoder
