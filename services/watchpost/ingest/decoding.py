"""Decodes what was chosen of a camera's packets, so that no broken picture passes for a whole one.

A decoder that begins between keyframes gives broken pictures without saying so. So it begins at a keyframe: of the
ring where it was idle until now (the seconds before the onset come with it), else the next that arrives.
"""

from collections.abc import Iterator, Sequence

import av.error
from av.video.codeccontext import VideoCodecContext

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.decode_choice import Choice, DecodeMode
from watchpost.ingest.decoders import Decoders
from watchpost.ingest.packet_ring import PacketRing
from watchpost.ingest.packets import CodedPacket, DecodedPicture, Stamp, decode, decoded_alone

__all__ = ["BEFORE_ONSET_US", "Decoding"]

BEFORE_ONSET_US = 2_000_000
"""What is decoded again of the time before a camera woke: who moves has begun to before packets say so."""

_NO_KEYFRAME = SourceError(SourceFailure.NO_KEYFRAME, "packets come, but no keyframe")
_LOST = SourceError(SourceFailure.NO_KEYFRAME, "pictures are lost on the way; what refers to them is left out")


class Decoding:
    """One camera's decoding. For the camera's thread.

    for outcome in decoding.outcomes(coded, stamp, choice):
        …                       # a picture, or the SourceError that says why there is none
    """

    def __init__(self, ring: PacketRing, decoders: Decoders) -> None:
        self._ring, self._decoders = ring, decoders
        self.reconnected()

    def reconnected(self) -> None:
        """The next packet has nothing to do with those before."""
        self._decoders.reconnected()
        self._stream: VideoCodecContext | None = None
        self._decoder: VideoCodecContext | None = None
        self._follows = False
        self._is_damaged = self._is_lost = False
        self._leading = _Leading(None)
        self._alone_us: int | None = None
        self._now_us = 0
        self.tried_alone = False

    def outcomes(self, coded: CodedPacket, stamp: Stamp, choice: Choice) -> Iterator[DecodedPicture | SourceError]:
        """What this packet, which the ring holds already, gives under this choice; nothing is no outcome in idle."""
        self.tried_alone, self._now_us = False, stamp.captured_us
        if coded.decoder is not self._stream:
            self._stream, self._follows, self._is_damaged, self._is_lost = coded.decoder, False, False, False
        if choice.mode is DecodeMode.IDLE:
            yield from self._keyframe_alone(coded, stamp, choice.keyframes_per_s)
            return
        self._alone_us = None
        if self._follows:
            if coded.is_keyframe:
                self._decoders.whole()
            yield from self._decoded(coded)
            return
        if coded.is_keyframe:
            start: Sequence[CodedPacket] = [coded]
        elif self._is_lost:
            yield self._left_out()
            return
        else:
            start = [] if self._is_damaged else self._ring.since(stamp.captured_us - BEFORE_ONSET_US, coded.decoder)
        yield from self._begun(start)

    def _keyframe_alone(self, coded: CodedPacket, stamp: Stamp, per_s: float) -> Iterator[DecodedPicture | SourceError]:
        if self._follows and self._decoder is not None:
            self._decoder.flush_buffers()  # the pictures it holds are memory
        self._follows = False
        if not coded.is_keyframe:
            return
        # half a picture early is on time: a keyframe every second must not become one every two
        if self._alone_us is not None and stamp.captured_us - self._alone_us < round(900_000 / per_s):
            return
        self._alone_us, self._is_damaged, self.tried_alone = stamp.captured_us, False, True
        self._decoder = self._decoders.begin(coded.decoder)
        try:
            pictures = decoded_alone(coded, self._decoder)
        except av.error.FFmpegError as error:
            self._damaged()
            yield _undecodable(error)
            return
        if any(picture.image.is_corrupt for picture in pictures):
            self._damaged()
        elif pictures:
            self._decoders.whole()
        yield from pictures

    def _begun(self, packets: Sequence[CodedPacket]) -> Iterator[DecodedPicture | SourceError]:
        """Begin anew with these, of which the first is a keyframe."""
        if not packets:
            yield _NO_KEYFRAME
            return
        self._decoder = self._decoders.begin(packets[0].decoder)
        self._follows, self._is_damaged, self._is_lost = True, False, False
        self._decoders.numbers.begin()
        self._leading = _Leading(packets[0].stream_us)
        for coded in packets:
            yield from self._decoded(coded)
            if self._is_damaged:
                return

    def _decoded(self, coded: CodedPacket) -> Iterator[DecodedPicture | SourceError]:
        if self._decoders.numbers.miss_one_before(coded, self._now_us):
            self._follows, self._is_damaged, self._is_lost = False, True, True
            yield self._left_out()
            return
        try:
            pictures = list(decode(coded, self._decoder))
        except av.error.FFmpegError as error:
            self._damaged()
            yield _undecodable(error)
            return
        pictures = [picture for picture in pictures if not self._leading.has(picture.stream_us)]
        # what refers to a damaged picture is damaged too, and libav does not say so
        if any(picture.image.is_corrupt for picture in pictures):
            self._damaged()
        yield from pictures

    def _left_out(self) -> SourceError:
        self._decoders.held_back()
        return _LOST

    def _damaged(self) -> None:
        self._follows, self._is_damaged = False, True
        self._decoders.damaged(self._now_us)


class _Leading:
    """Tells what is shown before the keyframe at which a decoder began: it refers to what that never saw."""

    def __init__(self, starts_us: int | None) -> None:
        self._starts_us = starts_us

    def has(self, stream_us: int | None) -> bool:
        """Whether it leads. Such come first: what is earlier later on is a clock that jumped back."""
        if self._starts_us is None or stream_us is None:
            return False
        if stream_us < self._starts_us:
            return True
        self._starts_us = None
        return False


def _undecodable(error: av.error.FFmpegError) -> SourceError:
    return SourceError(SourceFailure.UNSUPPORTED, f"its packets cannot be decoded: {error.strerror}")
