"""Finds again whom the tracker lost: those who fell, and whom the detector does not see as they lie."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from watchpost.contracts.records import DetectedObject, Posture
from watchpost.inference.detector import OnnxDetector
from watchpost.inference.memory import CameraMemory, PersonMemory
from watchpost.inference.second_look import UPSIDE_DOWN, Again, Wanted, look_again
from watchpost.inference.yolox_rules import YoloxRules
from watchpost.vision.geometry import FractionBox
from watchpost.vision.tracking import Track, seen_again

__all__ = ["LostPeople"]

_PERSON = "person"
_TURNS = (1, 3, 2)
"""Quarters by which a second look turns the picture: to either side, and upside down."""
_HELD_SCORE, _LOOK_BONUS = 0.4, 0.3
Pixels = npt.NDArray[np.uint8]


class LostPeople:
    """Looks for people of one camera's memory who are followed and not seen in this frame."""

    def __init__(self, detector: OnnxDetector, rules: YoloxRules) -> None:
        self._detector = detector
        self._rules = rules

    def found(
        self, picture: Pixels, memory: CameraMemory, seen: dict[int, DetectedObject], at_us: int
    ) -> dict[int, DetectedObject]:
        """Who is found again, by track. The memory's tracks and people go on from there."""
        again: dict[int, DetectedObject] = {}
        for track in self._lost(memory, seen, at_us):
            taken = [*seen.values(), *again.values()]
            found = self._found_again(picture, memory, track, taken, at_us)
            if found is not None:
                again[track.id] = found
        return again

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
        if any(self._same(box, other, again.quarters) for other in taken):
            return None
        person.quarters = again.quarters
        seen = DetectedObject(_PERSON, box, again.score, Posture.LYING, min(1.0, _LOOK_BONUS + again.score))
        person.take(seen, at_us, memory.foreground.share(box), sure=False)
        memory.tracks = seen_again(memory.tracks, track.id, box, at_us)
        return seen

    def _reach_of(self, last: FractionBox, aspect: float) -> FractionBox:
        """Where somebody last seen in a box may lie now: a body's length to either side of it."""
        aside = self._rules.falls_aside * last.height / aspect
        return FractionBox(last.x0 - aside, last.y0, last.x1 + aside, last.y1 + 0.2 * last.height)

    def _same(self, box: FractionBox, other: DetectedObject, quarters: int) -> bool:
        if box.intersection_over_union(other.box) > self._rules.same_overlap:
            return True
        # upside down the detector also finds passers-by who stand
        easily_mistaken = other.posture is Posture.LYING or quarters == UPSIDE_DOWN
        return easily_mistaken and _contained(box, other.box) > self._rules.same_lying

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
        return DetectedObject(_PERSON, track.box, self._rules.tracking.keep_score, Posture.LYING, _HELD_SCORE)


def _contained(one: FractionBox, other: FractionBox) -> float:
    """How much of the smaller box lies in the other, from 0 to 1."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(0.0, across) * max(0.0, down) / max(1e-9, min(one.area, other.area))
