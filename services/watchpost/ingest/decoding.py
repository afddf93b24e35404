"""Decodes what was chosen of a camera's packets, so that no broken picture passes for a whole one.

A decoder that begins between keyframes gives broken pictures without saying so. So it begins at a keyframe: of the
ring where it was idle until now (the seconds before the onset come with it), else the next that arrives.
"""

from collections.abc import Iterator, Sequence

import av.error
from av.video.codeccontext import VideoCodecContext

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.decode_choice import Choice, DecodeMode
from watchpost.ingest.packet_ring import PacketRing
from watchpost.ingest.packets import CodedPacket, DecodedPicture, Stamp, decode, decoded_alone

__all__ = ["BEFORE_ONSET_US", "Decoding"]

BEFORE_ONSET_US = 2_000_000
"""What is decoded again of the time before a camera woke: who moves has begun to before packets say so."""

_NO_KEYFRAME = SourceError(SourceFailure.NO_KEYFRAME, "packets come, but no keyframe")


class Decoding:
    """One camera's decoding. For the camera's thread.

    for outcome in decoding.outcomes(coded, stamp, choice):
        …                       # a picture, or the SourceError that says why there is none
    """

    def __init__(self, ring: PacketRing) -> None:
        self._ring = ring
        self.reconnected()

    def reconnected(self) -> None:
        """The next packet has nothing to do with those before."""
        self._decoder: VideoCodecContext | None = None
        self._follows = False
        self._is_damaged = False
        self._starts_at_us: int | None = None
        self._alone_us: int | None = None
        self.tried_alone = False

    def outcomes(self, coded: CodedPacket, stamp: Stamp, choice: Choice) -> Iterator[DecodedPicture | SourceError]:
        """What this packet, which the ring holds already, gives under this choice; nothing is no outcome in idle."""
        self.tried_alone = False
        if coded.decoder is not self._decoder:
            self._decoder, self._follows, self._is_damaged = coded.decoder, False, False
        if choice.mode is DecodeMode.IDLE:
            yield from self._keyframe_alone(coded, stamp, choice.keyframes_per_s)
            return
        self._alone_us = None
        if self._follows:
            yield from self._decoded(coded)
            return
        if coded.is_keyframe:
            start: Sequence[CodedPacket] = [coded]
        else:
            start = [] if self._is_damaged else self._ring.since(stamp.captured_us - BEFORE_ONSET_US, coded.decoder)
        yield from self._begun(start)

    def _keyframe_alone(self, coded: CodedPacket, stamp: Stamp, per_s: float) -> Iterator[DecodedPicture | SourceError]:
        if self._follows:
            coded.decoder.flush_buffers()
            self._follows = False
        if not coded.is_keyframe:
            return
        # half a picture early is on time: a keyframe every second must not become one every two
        if self._alone_us is not None and stamp.captured_us - self._alone_us < round(900_000 / per_s):
            return
        self._alone_us, self._is_damaged, self.tried_alone = stamp.captured_us, False, True
        try:
            pictures = decoded_alone(coded)
        except av.error.FFmpegError as error:
            pictures = []
            yield _undecodable(error)
        yield from pictures

    def _begun(self, packets: Sequence[CodedPacket]) -> Iterator[DecodedPicture | SourceError]:
        """Begin anew with these, of which the first is a keyframe."""
        if not packets:
            yield _NO_KEYFRAME
            return
        packets[0].decoder.flush_buffers()
        self._follows, self._is_damaged = True, False
        self._starts_at_us = packets[0].stream_us
        for coded in packets:
            yield from self._decoded(coded)
            if self._is_damaged:
                return

    def _decoded(self, coded: CodedPacket) -> Iterator[DecodedPicture | SourceError]:
        try:
            pictures = list(decode(coded))
        except av.error.FFmpegError as error:
            self._damaged()
            yield _undecodable(error)
            return
        # what refers to a damaged picture is damaged too, and libav does not say so
        if any(picture.image.is_corrupt for picture in pictures):
            self._damaged()
        for picture in pictures:
            if not self._leads(picture):
                yield picture

    def _damaged(self) -> None:
        self._follows, self._is_damaged = False, True

    def _leads(self, picture: DecodedPicture) -> bool:
        """Whether it is shown before the keyframe at which the decoder began, and refers to what that never saw."""
        if self._starts_at_us is None or picture.stream_us is None:
            return False
        return picture.stream_us < self._starts_at_us


def _undecodable(error: av.error.FFmpegError) -> SourceError:
    return SourceError(SourceFailure.UNSUPPORTED, f"its packets cannot be decoded: {error.strerror}")
