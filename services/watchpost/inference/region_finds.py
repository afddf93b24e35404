"""Brings what is found in key regions together with what the whole picture shows, so that each person is one."""

from collections.abc import Sequence

from watchpost.inference.analyzer import LoadedFrame, LoadedRegion
from watchpost.inference.detector import Found, OnnxDetector
from watchpost.inference.yolox_rules import YoloxRules, canvas_px
from watchpost.vision.exposure import brightened
from watchpost.vision.geometry import FULL_FRAME, FractionBox, PixelBox

__all__ = ["found_with_regions", "together"]

_EDGE = 0.01
_SAME_OVERLAP = 0.4
_SAME_CONTAINED = 0.7
_SAME_HEIGHT = 0.6


def found_with_regions(
    detector: OnnxDetector, frame: LoadedFrame, found: Sequence[Found], rules: YoloxRules
) -> list[Found]:
    """What was found in the frame's picture, and who else is in its key regions, in pixels of that picture.

    Costs one look a region. Who is cut by a region's own edge is left to the whole picture: half a body looks like one
    that crouches. Who is outside of the picture, because the region reaches out of the region of interest, is nobody's.
    """
    height_px, width_px = frame.bgr.shape[:2]
    shown = frame.record.roi or FULL_FRAME
    every = list(found)
    for region in frame.regions:
        place = region.box.within(shown)
        boxes = [(one, box.placed_in(place)) for one, box in _whole_in(detector, region, rules)]
        here = [
            Found(one.label, box.to_pixels(width_px, height_px), one.score)
            for one, box in boxes
            if all(0 <= middle <= 1 for middle in box.center)
        ]
        every = together(every, here)
    return every


def together(found: Sequence[Found], here: Sequence[Found]) -> list[Found]:
    """Both without those who are in both, each of whom is once what was found more surely. Best first.

    No two of one list are the same person. Greedy, by overlap: quadratic in the number of people.
    """
    pairs = sorted(
        ((_overlap(one.box, other.box), at, place) for at, one in enumerate(found) for place, other in enumerate(here)),
        reverse=True,
    )
    twins: dict[int, int] = {}
    for _, at, place in pairs:
        if at not in twins and place not in twins.values() and _are_same(found[at].box, here[place].box):
            twins[at] = place
    alone = [one for place, one in enumerate(here) if place not in twins.values()]
    surer = [max(one, here[twins[at]], key=_score) if at in twins else one for at, one in enumerate(found)]
    return sorted([*surer, *alone], key=_score, reverse=True)


def _whole_in(detector: OnnxDetector, region: LoadedRegion, rules: YoloxRules) -> list[tuple[Found, FractionBox]]:
    """Who is wholly in a key region, with the box as fractions of it."""
    height_px, width_px = region.bgr.shape[:2]
    looked = detector.find(brightened(region.bgr), *canvas_px(width_px, height_px, rules), rules.tracking.keep_score)
    boxes = [(one, one.box.to_fractions(width_px, height_px)) for one in looked]
    return [(one, box) for one, box in boxes if not _is_cut(box, region.box)]


def _is_cut(box: FractionBox, region: FractionBox) -> bool:
    """Whether the box meets an edge of the region that is none of the whole picture's."""
    return (
        (box.x0 < _EDGE and region.x0 > 0)
        or (box.y0 < _EDGE and region.y0 > 0)
        or (box.x1 > 1 - _EDGE and region.x1 < 1)
        or (box.y1 > 1 - _EDGE and region.y1 < 1)
    )


def _score(found: Found) -> float:
    return found.score


def _are_same(one: PixelBox, other: PixelBox) -> bool:
    if _overlap(one, other) >= _SAME_OVERLAP:
        return True
    # boxes of the very small are rough: the one lies in the other, and they are about as high
    smaller = max(1e-9, min(one.width * one.height, other.width * other.height))
    heights = sorted((one.height, other.height))
    return _shared(one, other) / smaller >= _SAME_CONTAINED and heights[0] >= _SAME_HEIGHT * heights[1]


def _overlap(one: PixelBox, other: PixelBox) -> float:
    shared = _shared(one, other)
    return shared / max(1e-9, one.width * one.height + other.width * other.height - shared)


def _shared(one: PixelBox, other: PixelBox) -> float:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(0.0, across) * max(0.0, down)
