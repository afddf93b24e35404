"""The figures by which the `yolox` analyzer looks, remembers and looks again."""

from dataclasses import dataclass, field

from watchpost.inference.second_look import LookRules
from watchpost.vision.posture import PostureRules
from watchpost.vision.tracking import TrackingRules

__all__ = ["YoloxRules", "canvas_px"]


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
        same_lying: ... or who shares so much of the smaller box with somebody who lies (legs are found beside bodies).
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


def canvas_px(width_px: int, height_px: int, rules: YoloxRules) -> tuple[int, int]:
    """The width and height at which the detector sees a frame of this size: a budget of pixels, not a side.

    So a portrait picture and a very wide one are seen as exactly as one of 4:3.
    """
    most = max(rules.largest_zoom, rules.least_side_px / max(width_px, height_px))
    zoom = min((rules.budget_px / (width_px * height_px)) ** 0.5, most)
    return max(32, round(width_px * zoom / 32) * 32), max(32, round(height_px * zoom / 32) * 32)
