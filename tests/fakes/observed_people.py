"""What inference would say of one person who walks, falls, lies and gets up again, over and over.

frames = observed("shop", "door", count=200, begin=datetime.now(UTC))
"""

from datetime import datetime, timedelta

from tests.fakes.specs import assignment
from watchpost.contracts.records import (
    CameraId,
    CaptureReason,
    DetectedObject,
    FrameAnalyzed,
    ImageCodec,
    ImageRef,
    Posture,
    Provenance,
    SiteId,
)
from watchpost.vision.geometry import FractionBox

__all__ = ["FRAMES_PER_ACT", "FRAME_MS", "observed", "observed_at"]

FRAME_MS = 200
FRAMES_PER_ACT = 60
"""12 s: upright for 3 s, down within 0.6 s, lying for 4.4 s, upright again. One confirmed fall each."""

_PROVENANCE = Provenance("acted", "fp32", "0", "0", "test", "test")
_STANDING = FractionBox(0.40, 0.20, 0.50, 0.70)
_HALF_WAY = FractionBox(0.38, 0.40, 0.55, 0.72)
_DOWN = FractionBox(0.35, 0.58, 0.65, 0.72)


def observed(site: str, camera: str, *, count: int, begin: datetime, first: int = 0) -> list[FrameAnalyzed]:
    """`count` observations of `camera`, beginning with the `first` one of the play that began at `begin`."""
    return [observed_at(site, camera, number, begin) for number in range(first, first + count)]


def observed_at(site: str, camera: str, number: int, begin: datetime, image: ImageRef | None = None) -> FrameAnalyzed:
    """The observation number `number`."""
    at = begin + timedelta(milliseconds=FRAME_MS * number)
    frame_id = f"{camera}-{number:06d}"
    box, posture = _pose(number % FRAMES_PER_ACT)
    return FrameAnalyzed(
        frame_id=frame_id,
        site=SiteId(site),
        camera=CameraId(camera),
        captured_at=at,
        analyzed_at=at,
        image=image or ImageRef(f"file:///nowhere/{frame_id}.i420", ImageCodec.I420, 64, 48, 4608, 0, at),
        reason=CaptureReason.MOTION,
        assignment=assignment(),
        stream_bytes=20_000 * number,
        objects=(DetectedObject("person", box, 0.9, posture, 0.9),),
        answers=(),
        person_count=1 + (number // 25) % 2,
        skipped=None,
        provenance=_PROVENANCE,
    )


def _pose(step: int) -> tuple[FractionBox, Posture]:
    match step:
        case 15 | 16:
            return _HALF_WAY, Posture.BENT
        case _ if 17 <= step < 40:
            return _DOWN, Posture.LYING
        case _:
            return _STANDING, Posture.UPRIGHT
