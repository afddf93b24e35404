"""The CPU's analyzer: YOLOX finds people, a second look the lying; keypoints say the posture where boxes do not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from watchpost.contracts.records import CameraId, CaptureReason, DetectedObject, Posture, Provenance
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.detector import OnnxDetector, load_detector
from watchpost.inference.memory import CameraMemory, PersonMemory
from watchpost.inference.movenet import MoveNet
from watchpost.inference.second_look import Again, LookRules, Wanted, look_again
from watchpost.models import Catalogue, load_catalogue
from watchpost.vision.crops import cut_square
from watchpost.vision.exposure import brightened
from watchpost.vision.geometry import FractionBox, PixelBox
from watchpost.vision.posture import Pose, PostureRules, posture_of
from watchpost.vision.tracking import Detection, Track, TrackingRules, follow, seen_again

__all__ = ["YoloxAnalyzer", "YoloxRules", "canvas_px", "load_yolox"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERSON = "person"
_EDGE = 0.02
_TURNS = (1, 3, 2)
"""Quarters by which a second look turns the picture: to either side, and upside down."""
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class YoloxRules:
    """The figures of the analyzer.

    Args:
        budget_px: a frame is scaled, its aspect kept, to about this many pixels ...
        largest_zoom: ... but not enlarged by more than this (what was never there is not found by enlarging) ...
        least_side_px: ... unless its longer side stays below this.
        established: who was surely seen this often is looked for again when lost: a cone is no person that often.
        looks: at most this many lost people are looked for again in one frame.
        pose_reach: the side of the cut for keypoints, as a multiple of the box's longer side.
        stands_out: where less than this share of a lost person's surroundings is foreground, nobody is looked for.
        falls_aside: how far to either side of the last box they reach, as a share of its height.
        same_overlap: a person found again who overlaps so much with somebody seen is that other one ...
        same_lying: ... or who shares so much of the smaller box with somebody who lies: legs are found beside bodies.
        held_us: whoever lies and is lost to every look is held so long, while the foreground stays.
        hidden_us: somebody surely seen, inside of the picture, is counted so long after the last sighting.
        surely_sightings: seen this often, for that.
        tracking: when a box begins, continues and ends a track.
        look: the second look.
        posture: where one posture ends and the next begins.

    """

    budget_px: int = 864 * 640
    largest_zoom: float = 1.125
    least_side_px: int = 640
    established: int = 2
    looks: int = 2
    pose_reach: float = 1.35
    stands_out: float = 0.03
    falls_aside: float = 0.8
    same_overlap: float = 0.5
    same_lying: float = 0.7
    held_us: int = 2_000_000
    hidden_us: int = 600_000
    surely_sightings: int = 8
    tracking: TrackingRules = field(default_factory=TrackingRules)
    look: LookRules = field(default_factory=LookRules)
    posture: PostureRules = field(default_factory=PostureRules)


class YoloxAnalyzer:
    """Says of each frame who is there and in which posture.

    One per process: it remembers the last seconds of every camera that it is shown.
    """

    def __init__(
        self, detector: OnnxDetector, movenet: MoveNet, provenance: Provenance, rules: YoloxRules | None = None
    ) -> None:
        self.provenance = provenance
        self._detector = detector
        self._movenet = movenet
        self._rules = rules or YoloxRules()
        self._memories: dict[CameraId, CameraMemory] = {}

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
        """One observation per frame, in the same order."""
        return [self._observed(frame) for frame in frames]

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera."""
        self._memories.pop(camera, None)

    def _observed(self, frame: LoadedFrame) -> Observation:
        at_us = (frame.record.captured_at - _EPOCH) // timedelta(microseconds=1)
        memory = self._memories.setdefault(frame.record.camera, CameraMemory())
        if frame.record.reason is CaptureReason.BURST or at_us <= memory.seen_us:
            # burst frames and redelivered ones come after newer frames: they are seen by a fresh eye
            memory = CameraMemory()
        memory.seen_us = at_us
        seen = self._people(brightened(frame.bgr), memory, at_us)
        return Observation(tuple(seen[owner] for owner in sorted(seen)), (), self._count(memory, seen))

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

    def _people(self, picture: Pixels, memory: CameraMemory, at_us: int) -> dict[int, DetectedObject]:
        size = picture.shape[1], picture.shape[0]
        memory.foreground.take(picture)
        found = [
            Detection(one.box.to_fractions(*size), one.score)
            for one in self._detector.find(picture, *canvas_px(*size, self._rules), self._rules.tracking.keep_score)
        ]
        memory.tracks, owners = follow(memory.tracks, found, at_us, self._rules.tracking)
        seen = {
            owner: self._as_found(picture, memory, owner, detection, at_us)
            for owner, detection in zip(owners, found, strict=True)
            if owner is not None
        }
        for track in self._lost(memory, seen.keys(), at_us):
            again = self._found_again(picture, memory, track, list(seen.values()), at_us)
            if again is not None:
                seen[track.id] = again
        live = {track.id for track in memory.tracks.live}
        memory.people = {owner: person for owner, person in memory.people.items() if owner in live}
        memory.foreground.learn(picture, [track.box for track in memory.tracks.live])
        return seen

    def _as_found(
        self, picture: Pixels, memory: CameraMemory, owner: int, detection: Detection, at_us: int
    ) -> DetectedObject:
        person = memory.people.setdefault(owner, PersonMemory())
        box = detection.box.to_pixels(picture.shape[1], picture.shape[0])
        low = person.is_low(detection.box, at_us)
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

    def _lost(self, memory: CameraMemory, seen: Collection[int], at_us: int) -> list[Track]:
        lost = [
            track
            for track in memory.tracks.live
            if track.id not in seen
            and track.seen_us < at_us
            and memory.people[track.id].sure_sightings >= self._rules.established
        ]
        lost.sort(key=lambda track: (memory.people[track.id].posture is Posture.UPRIGHT, -track.seen_us))
        return lost[: self._rules.looks]

    def _found_again(
        self, picture: Pixels, memory: CameraMemory, track: Track, taken: list[DetectedObject], at_us: int
    ) -> DetectedObject | None:
        person = memory.people[track.id]
        aspect = picture.shape[1] / picture.shape[0]
        reach = self._reach_of(track.box, aspect)
        others = [one.box for one in taken]
        around = memory.foreground.share(reach, others)
        if around is not None and around < self._rules.stands_out:
            return None
        body = memory.foreground.body(reach, others)
        if body is not None and not self._lies(body, track.box, person, aspect):
            body = None
        again = self._turned_look(picture, track, person, body)
        if again is None:
            return self._held(memory, track, person, at_us)
        box = again.box.to_fractions(picture.shape[1], picture.shape[0])
        if any(self._same(box, other) for other in taken):
            return None
        person.quarters = again.quarters
        seen = DetectedObject(_PERSON, box, again.score, Posture.LYING, min(1.0, 0.3 + again.score))
        person.take(seen, at_us, memory.foreground.share(box), sure=False)
        memory.tracks = seen_again(memory.tracks, track.id, box, at_us)
        return seen

    def _reach_of(self, last: FractionBox, aspect: float) -> FractionBox:
        """Where somebody last seen in a box may lie now: a body's length to either side of it."""
        aside = self._rules.falls_aside * last.height / aspect
        return FractionBox(last.x0 - aside, last.y0, last.x1 + aside, last.y1 + 0.2 * last.height)

    def _same(self, box: FractionBox, other: DetectedObject) -> bool:
        if box.intersection_over_union(other.box) > self._rules.same_overlap:
            return True
        return other.posture is Posture.LYING and _contained(box, other.box) > self._rules.same_lying

    def _turned_look(
        self, picture: Pixels, track: Track, person: PersonMemory, body: FractionBox | None
    ) -> Again | None:
        width, height = picture.shape[1], picture.shape[0]
        first = person.quarters
        turns = _TURNS if first is None else (first, *(turn for turn in _TURNS if turn != first))
        length_px = person.usual_height(track.box.height) * height
        place = (body or track.box).to_pixels(width, height)
        wanted = Wanted(place, length_px, turns, exact=body is not None)
        return look_again(self._detector, picture, wanted, self._rules.look)

    def _lies(self, body: FractionBox, last: FractionBox, person: PersonMemory, aspect: float) -> bool:
        """Whether a blob of foreground has the size and the place of this person lying."""
        length = person.usual_height(last.height)
        width = body.width * aspect
        low = body.y1 > last.y0 + 0.6 * length
        return low and 0.5 * length <= width <= 1.5 * length and width >= self._rules.posture.wide * body.height

    def _held(self, memory: CameraMemory, track: Track, person: PersonMemory, at_us: int) -> DetectedObject | None:
        """Somebody who lies and is lost to every look, while their place stands out as before.

        Not for ever: furniture that was moved stands out too.
        """
        if at_us - track.seen_us > self._rules.held_us:
            return None
        if not person.still_lies(memory.foreground.share(track.box)):
            return None
        return DetectedObject(_PERSON, track.box, self._rules.tracking.keep_score, Posture.LYING, 0.4)

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


def _contained(one: FractionBox, other: FractionBox) -> float:
    """How much of the smaller box lies in the other, from 0 to 1."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(0.0, across) * max(0.0, down) / max(1e-9, min(one.area, other.area))


def _inside(box: FractionBox) -> bool:
    return box.x0 > _EDGE and box.y0 > _EDGE and box.x1 < 1 - _EDGE and box.y1 < 1 - _EDGE


def canvas_px(width_px: int, height_px: int, rules: YoloxRules) -> tuple[int, int]:
    """The width and height at which the detector sees a frame of this size: a budget of pixels, not a side.

    So a portrait picture and a very wide one are seen as exactly as one of 4:3.
    """
    most = max(rules.largest_zoom, rules.least_side_px / max(width_px, height_px))
    zoom = min((rules.budget_px / (width_px * height_px)) ** 0.5, most)
    return max(32, round(width_px * zoom / 32) * 32), max(32, round(height_px * zoom / 32) * 32)


def load_yolox(
    name: str,
    models_dir: Path,
    config_version: str,
    threads: int = 1,
    catalogue: Catalogue | None = None,
    rules: YoloxRules | None = None,
) -> YoloxAnalyzer:
    """The analyzer with the detector of this name. Raises ModelError for a model that is missing or unusable."""
    known = catalogue or load_catalogue()
    detector = load_detector(name, models_dir, (_PERSON,), threads, known)
    spec = known.model(name)
    digest = ",".join(sorted(file.sha256 for file in spec.files.values()))
    provenance = Provenance(name, "fp32", f"sha256:{digest}", "", config_version, version("watchpost"))
    return YoloxAnalyzer(detector, MoveNet(models_dir, known, threads), provenance, rules)
