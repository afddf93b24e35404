"""The CPU's analyzer: YOLOX finds people, a second look the lying; keypoints say the posture where boxes do not."""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from watchpost.clock import epoch_us
from watchpost.contracts.records import CameraId, CaptureReason, DetectedObject, Provenance
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.detector import OnnxDetector, load_detector
from watchpost.inference.lost import LostPeople
from watchpost.inference.memory import CameraMemory, PersonMemory
from watchpost.inference.movenet import MOVENET, MoveNet
from watchpost.inference.region_finds import found_with_regions
from watchpost.inference.stages import Stage, StageListener, untold
from watchpost.inference.yolox_rules import YoloxRules, canvas_px
from watchpost.models import Catalogue, load_catalogue
from watchpost.vision.crops import cut_square
from watchpost.vision.exposure import brightened
from watchpost.vision.geometry import FULL_FRAME, FractionBox, PixelBox
from watchpost.vision.posture import Pose, posture_of
from watchpost.vision.tracking import Detection, follow

__all__ = ["YoloxAnalyzer", "load_yolox"]

_PERSON = "person"
_EDGE = 0.02
_SLIM = 0.42
Pixels = npt.NDArray[np.uint8]


class YoloxAnalyzer:
    """Says of each frame who is there and in which posture.

    One per process: it remembers the last seconds of every camera that it is shown.
    """

    def __init__(
        self,
        detector: OnnxDetector,
        movenet: MoveNet,
        provenance: Provenance,
        rules: YoloxRules | None = None,
        told: StageListener = untold,
    ) -> None:
        self.provenance = provenance
        self.degraded: str | None = None
        self._detector = detector
        self._movenet = movenet
        self._told = told
        self._rules = rules or YoloxRules()
        self._lost = LostPeople(detector, self._rules)
        self._memories: dict[CameraId, CameraMemory] = {}

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
        """One observation per frame, in the same order."""
        begun_s = time.monotonic()
        seen = [self._observed(frame) for frame in frames]
        self._told(Stage.VISION, time.monotonic() - begun_s)
        return seen

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera."""
        self._memories.pop(camera, None)

    def _observed(self, frame: LoadedFrame) -> Observation:
        at_us = epoch_us(frame.record.captured_at)
        memory = self._memories.setdefault(frame.record.camera, CameraMemory())
        if frame.record.reason is CaptureReason.BURST or at_us <= memory.seen_us:
            # burst frames and redelivered ones come after newer frames: they are seen by a fresh eye
            memory = CameraMemory()
        memory.seen_us = at_us
        seen = self._people(frame, memory, at_us)
        shown = frame.record.roi or FULL_FRAME
        objects = tuple(replace(seen[owner], box=seen[owner].box.placed_in(shown)) for owner in sorted(seen))
        return Observation(objects, (), self._count(memory, seen), self.provenance)

    def _count(self, memory: CameraMemory, seen: Collection[int]) -> int:
        """Who is seen, and who was surely seen a moment ago inside of the picture: somebody stepped in front."""
        here = sum(memory.people[owner].counts(self._rules.tracking.new_score) for owner in seen)
        hidden = sum(
            track.id not in seen
            and memory.seen_us - track.seen_us <= self._rules.hidden_us
            and track.sightings >= self._rules.surely_sightings
            and (memory.people[track.id].trust or 0.0) >= self._rules.tracking.new_score
            and _inside(track.predicted(memory.seen_us))
            for track in memory.tracks.live
        )
        return here + hidden

    def _people(self, frame: LoadedFrame, memory: CameraMemory, at_us: int) -> dict[int, DetectedObject]:
        """Who is seen, by track, with boxes as fractions of the picture."""
        picture = brightened(frame.bgr)
        size = picture.shape[1], picture.shape[0]
        memory.foreground.take(picture)
        looked = self._detector.find(picture, *canvas_px(*size, self._rules), self._rules.tracking.keep_score)
        everybody = found_with_regions(self._detector, frame, looked, self._rules)
        found = [Detection(one.box.to_fractions(*size), one.score) for one in everybody]
        memory.tracks, owners = follow(memory.tracks, found, at_us, self._rules.tracking)
        seen = {
            owner: self._as_found(picture, memory, owner, detection, at_us)
            for owner, detection in zip(owners, found, strict=True)
            if owner is not None
        }
        seen |= self._lost.found(picture, memory, seen, at_us)
        live = {track.id for track in memory.tracks.live}
        memory.people = {owner: person for owner, person in memory.people.items() if owner in live}
        memory.foreground.learn([track.box for track in memory.tracks.live])
        return seen

    def _as_found(
        self, picture: Pixels, memory: CameraMemory, owner: int, detection: Detection, at_us: int
    ) -> DetectedObject:
        person = memory.people.setdefault(owner, PersonMemory())
        box = detection.box.to_pixels(picture.shape[1], picture.shape[0])
        low = person.is_low(detection.box, at_us, slim=box.width <= _SLIM * box.height)
        pose = self._pose(picture, box) if low or box.width > 0.9 * box.height else None
        usual_px = person.usual_height(detection.box.height) * picture.shape[0]
        posture, sure = posture_of(
            box, pose, self._rules.posture, low=low, cut=detection.box.y1 >= 1 - _EDGE, usual_height_px=usual_px
        )
        seen = DetectedObject(_PERSON, detection.box, detection.score, posture, sure)
        sure = detection.score >= self._rules.tracking.new_score
        person.take(seen, at_us, memory.foreground.share(detection.box), sure=sure)
        person.quarters = None
        return seen

    def _pose(self, picture: Pixels, box: PixelBox) -> Pose | None:
        side = self._rules.pose_reach * max(box.width, box.height)
        cut = cut_square(picture, (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, side)
        size = picture.shape[1], picture.shape[0]
        wanted = box.to_fractions(*size)
        poses = self._movenet.poses(cut, 0.15)
        return max(
            poses,
            key=lambda pose: pose.box.to_fractions(*size).intersection_over_union(wanted),
            default=None,
        )


def _inside(box: FractionBox) -> bool:
    return box.x0 > _EDGE and box.y0 > _EDGE and box.x1 < 1 - _EDGE and box.y1 < 1 - _EDGE


def load_yolox(
    name: str,
    models_dir: Path,
    config_version: str,
    threads: int = 1,
    catalogue: Catalogue | None = None,
    rules: YoloxRules | None = None,
    told: StageListener = untold,
) -> YoloxAnalyzer:
    """The analyzer with the detector of this name. Raises ModelError for a model that is missing or unusable."""
    known = catalogue or load_catalogue()
    detector = load_detector(name, models_dir, (_PERSON,), threads, known)
    files = (*known.model(name).files.values(), *known.model(MOVENET).files.values())
    digest = ",".join(file.sha256 for file in files)
    provenance = Provenance(name, "fp32", f"sha256:{digest}", "", config_version, version("watchpost"))
    return YoloxAnalyzer(detector, MoveNet(models_dir, known, threads), provenance, rules, told)
