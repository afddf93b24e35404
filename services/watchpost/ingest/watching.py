"""Everything that is decided about a decoded picture, in order: is it live, what moves, is it published, and how."""

from dataclasses import replace

from watchpost.contracts.records import CameraSpec, CaptureReason
from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.frozen import FrozenWatch
from watchpost.ingest.obscured import ObscuredTurn, ObscuredWatch
from watchpost.ingest.packets import DecodedPicture, Stamp
from watchpost.ingest.pictures import luma_of, turned, view_of
from watchpost.ingest.publishing import Capture
from watchpost.ingest.sampling import SamplingState, sample, sampling_rules
from watchpost.ingest.seeing import blocks_of, cuts_of, scene_of
from watchpost.ingest.uplink_gate import UplinkGate
from watchpost.ingest.wishes import Wishes
from watchpost.settings import IngestSettings
from watchpost.telemetry import metrics
from watchpost.vision.geometry import FULL_FRAME
from watchpost.vision.motion import Blocks, MotionWatch

__all__ = ["PictureWatch", "capture_of"]

_LOOK_EVERY_US = 75_000  # of 25 pictures a second every second one: motion is seen within 0.1 s at half the cost
_SCENE_EVERY_US = 1_000_000


class PictureWatch:
    """Watches one camera's pictures, over all its connections."""

    def __init__(self, ingest: IngestSettings, wishes: Wishes, obscured: ObscuredWatch | None = None) -> None:
        self._ingest, self._wishes = ingest, wishes
        self._frozen = FrozenWatch()
        self._newest = 0
        self._motion = MotionWatch()
        self._uplink = UplinkGate()
        self._sampling = SamplingState()
        self._looked_us = 0
        self._moving = False
        self._obscured = obscured or ObscuredWatch()
        self._scene_us = 0
        self._turn: ObscuredTurn | None = None
        self._captured: Blocks | None = None

    @property
    def looked_us(self) -> int:
        """When the last picture that was looked at was taken."""
        return self._looked_us

    @property
    def moving(self) -> bool:
        """Whether something moves, as of the last picture looked at."""
        return self._moving

    def reconnected(self) -> None:
        """The next picture comes from a new connection."""
        self._frozen.reconnected()

    def why_not_live(self, spec: CameraSpec, picture: DecodedPicture, stamp: Stamp) -> SourceError | None:
        """Why the picture must not pass as live, or None where it may.

        Raises:
            SourceError: frozen, when nothing else has come for a while.
        """
        if picture.image.is_corrupt:
            return self._drop(spec, "corrupt", SourceError(SourceFailure.UNSUPPORTED, "its pictures are damaged"))
        if stamp.number > self._newest:  # a camera that wakes shows again what it showed while it was idle
            self._newest = stamp.number
            frozen = self._frozen.see(
                luma_of(picture.image),
                is_keyframe=picture.image.key_frame,
                stream_us=picture.stream_us,
                arrival_us=stamp.arrival_us,
            )
            if frozen is not None:
                return self._drop(spec, "frozen", frozen)
        if stamp.is_stale:
            return self._drop(spec, "late", SourceError(SourceFailure.TIMEOUT, "its pictures come too late"))
        return None

    def _drop(self, spec: CameraSpec, reason: str, why: SourceError) -> SourceError:
        metrics.FRAMES_DROPPED.labels(spec.camera, reason).inc()
        return why

    def obscured_turn(self) -> ObscuredTurn | None:
        """That the camera became obscured or is no longer, once."""
        turn, self._turn = self._turn, None
        return turn

    def capture(self, spec: CameraSpec, picture: DecodedPicture, captured_us: int) -> Capture | None:
        """What of a live picture is to be published, if anything. Who did that says `published`."""
        if captured_us < self._looked_us:
            return None  # decoded again because others refer to it
        view = view_of(picture.image, picture.pixel_aspect)
        blocks: Blocks | None = None
        if captured_us - self._looked_us >= _LOOK_EVERY_US:
            blocks = blocks_of(picture.image, view, spec)
            self._moving = self._motion.moves(blocks, captured_us)
            self._looked_us = captured_us
        if captured_us - self._scene_us >= _SCENE_EVERY_US:
            self._scene_us = captured_us
            self._turn = self._obscured.look(scene_of(picture.image, view, spec), captured_us) or self._turn
        reason = self._wishes.reason_for(captured_us, self._sampled(spec, captured_us))
        if reason is None:
            return None
        blocks = blocks_of(picture.image, view, spec) if blocks is None else blocks
        self._captured = blocks
        changed, boxes = self._motion.changed_since_published(blocks)
        uplink = self._uplink.reason_for(spec.assignment.uplink_mode, blocks, captured_us)
        watched = turned(spec.roi or FULL_FRAME, -view.turns)
        moved = tuple(turned(box.placed_in(watched), view.turns) for box in boxes)
        return replace(capture_of(spec, picture, captured_us, reason), changed=changed, moved=moved, uplink=uplink)

    def _sampled(self, spec: CameraSpec, captured_us: int) -> CaptureReason | None:
        rules, followed = sampling_rules(self._ingest, spec), self._wishes.follows(captured_us)
        self._sampling, reason = sample(
            self._sampling, captured_us, moving=self._moving, rules=rules, followed=followed
        )
        return reason

    def published(self) -> None:
        """The last capture was published: what comes is compared with it. One that nobody took never was."""
        if self._captured is not None:
            self._motion.published(self._captured)
            self._uplink.published()


def capture_of(spec: CameraSpec, picture: DecodedPicture, captured_us: int, reason: CaptureReason) -> Capture:
    """What of a picture is published, without a word about what moves in it."""
    view = view_of(picture.image, picture.pixel_aspect)
    picture_cut, regions = cuts_of(picture.image, view, spec)
    return Capture(picture_cut, view, captured_us, 0.0, (), reason, regions)
