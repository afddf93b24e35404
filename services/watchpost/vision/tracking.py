"""Which box of a frame is whom: the two-stage association of ByteTrack as a pure function.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", 2021. Boxes that are surely
somebody are matched first, doubtful ones only continue who is known already. At five frames a second a walker leaves
his own box, so overlap is taken of boxes widened on all sides (Yang et al., "Hard to Track Objects with Irregular
Motions and Similar Appearances? Make It Easier by Buffering the Matching Space", 2023), and prediction is by smoothed
velocity: a Kalman filter's covariances say little at that rate. Cost: one assignment, O(n^3) for n boxes, a
millisecond for a crowd.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from watchpost.vision.geometry import FractionBox

__all__ = ["Detection", "Track", "TrackingRules", "Tracks", "follow", "seen_again"]

_MICROSECONDS = 1_000_000
_PREDICTION_LIMIT_S = 1.0
"""Velocity is trusted no longer than this: who vanished behind a pillar did not walk on for ever."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A box that a detector reported, and how sure it was."""

    box: FractionBox
    score: float


@dataclass(frozen=True, slots=True)
class Track:
    """One person as followed so far. Velocities are fractions of the frame per second."""

    id: int
    box: FractionBox
    velocity_x: float
    velocity_y: float
    first_seen_us: int
    seen_us: int
    sightings: int

    def predicted(self, at_us: int) -> FractionBox:
        """Where the box should be by now."""
        ahead_s = min((at_us - self.seen_us) / _MICROSECONDS, _PREDICTION_LIMIT_S)
        return _moved(self.box, self.velocity_x * ahead_s, self.velocity_y * ahead_s)


@dataclass(frozen=True, slots=True)
class Tracks:
    """Everybody followed in one camera, the briefly lost included."""

    next_id: int = 1
    live: tuple[Track, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """When a box begins a track, when it continues one, and when a track is given up.

    Args:
        new_score: a box begins a track from this score on, and is matched in the first stage.
        keep_score: a box from this score on continues a track.
        lost_s: a track unseen for longer is given up.
        widening: each side of a box moves out by this share of its size before overlaps are taken.
        least_overlap: widened boxes that overlap less are not the same person.
        doubtful_overlap: a doubtful box must overlap this much, unwidened: a shadow takes no track away.

    """

    new_score: float = 0.45
    keep_score: float = 0.2
    lost_s: float = 3.0
    widening: float = 0.4
    least_overlap: float = 0.15
    doubtful_overlap: float = 0.25


def follow(
    tracks: Tracks, detections: Sequence[Detection], at_us: int, rules: TrackingRules
) -> tuple[Tracks, tuple[int | None, ...]]:
    """The tracks after one more frame, and for each detection the id of its track (None where it is nobody's)."""
    lost_before_us = at_us - round(rules.lost_s * _MICROSECONDS)
    known = [track for track in tracks.live if track.seen_us >= lost_before_us]
    sure = [index for index, detection in enumerate(detections) if detection.score >= rules.new_score]
    doubtful = [
        index for index, detection in enumerate(detections) if rules.keep_score <= detection.score < rules.new_score
    ]
    owners: dict[int, Track] = {}
    for candidates, widening, least in (
        (sure, rules.widening, rules.least_overlap),
        (doubtful, 0.0, rules.doubtful_overlap),
    ):
        free = [track for track in known if track.id not in {owner.id for owner in owners.values()}]
        for track, index in _matched(
            free, [(index, detections[index].box) for index in candidates], at_us, widening, least
        ):
            owners[index] = _continued(track, detections[index].box, at_us)
    next_id = tracks.next_id
    for index in sure:
        if index not in owners:
            owners[index] = Track(next_id, detections[index].box, 0.0, 0.0, at_us, at_us, 1)
            next_id += 1
    seen = {owner.id: owner for owner in owners.values()}
    unseen = [track for track in known if track.id not in seen]
    live = sorted([*unseen, *seen.values()], key=lambda track: track.id)
    owned = tuple(owners[index].id if index in owners else None for index in range(len(detections)))
    return Tracks(next_id, tuple(live)), owned


def seen_again(tracks: Tracks, track_id: int, box: FractionBox, at_us: int) -> Tracks:
    """The tracks, with one of them found in a frame by a second look."""
    return replace(
        tracks,
        live=tuple(_continued(track, box, at_us) if track.id == track_id else track for track in tracks.live),
    )


def _matched(
    tracks: Sequence[Track],
    candidates: Sequence[tuple[int, FractionBox]],
    at_us: int,
    widening: float,
    least_overlap: float,
) -> list[tuple[Track, int]]:
    """The assignment of tracks to candidates (index and box) of the largest overlap in all."""
    if not tracks or not candidates:
        return []
    boxes = [_widened(box, widening) for _, box in candidates]
    # where the track should be, or where it was: who falls does not keep the speed of the fall
    overlap = np.maximum(
        _overlaps([_widened(track.predicted(at_us), widening) for track in tracks], boxes),
        _overlaps([_widened(track.box, widening) for track in tracks], boxes),
    )
    rows, columns = linear_sum_assignment(-overlap)
    return [
        (tracks[row], candidates[column][0])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if overlap[row, column] >= least_overlap
    ]


def _overlaps(left: Sequence[FractionBox], right: Sequence[FractionBox]) -> npt.NDArray[np.float64]:
    return np.array([[one.intersection_over_union(other) for other in right] for one in left])


def _continued(track: Track, box: FractionBox, at_us: int) -> Track:
    elapsed_s = max((at_us - track.seen_us) / _MICROSECONDS, 1e-3)
    (old_x, old_y), (new_x, new_y) = track.box.center, box.center
    return replace(
        track,
        box=box,
        velocity_x=(track.velocity_x + (new_x - old_x) / elapsed_s) / 2,
        velocity_y=(track.velocity_y + (new_y - old_y) / elapsed_s) / 2,
        seen_us=at_us,
        sightings=track.sightings + 1,
    )


def _moved(box: FractionBox, by_x: float, by_y: float) -> FractionBox:
    return FractionBox(box.x0 + by_x, box.y0 + by_y, box.x1 + by_x, box.y1 + by_y)


def _widened(box: FractionBox, share: float) -> FractionBox:
    by_x, by_y = box.width * share, box.height * share
    return FractionBox(box.x0 - by_x, box.y0 - by_y, box.x1 + by_x, box.y1 + by_y)
