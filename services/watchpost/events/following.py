"""Joins the people of a frame with those of the frames before: what falls and zones alike are judged by."""

from dataclasses import dataclass

from watchpost.contracts.records import DetectedObject, FrameAnalyzed
from watchpost.events.identity import ordinals
from watchpost.vision.tracking import Detection, TrackingRules, Tracks, follow

__all__ = ["Followed", "followed", "people_in"]

_PERSON = "person"


@dataclass(frozen=True, slots=True)
class Followed:
    """A person whom a frame shows and the tracker knows.

    Args:
        track_id: whom the tracker takes them for ...
        since_us: ... since when.
        detected: what the frame shows of them.
        ordinal: their place among the frame's people.

    """

    track_id: int
    since_us: int
    detected: DetectedObject
    ordinal: int


def people_in(frame: FrameAnalyzed) -> tuple[DetectedObject, ...]:
    """The people that the detector found, followed or not."""
    return tuple(detected for detected in frame.objects if detected.label == _PERSON)


def followed(
    tracks: Tracks, frame: FrameAnalyzed, at_us: int, rules: TrackingRules
) -> tuple[Tracks, tuple[Followed, ...]]:
    """The tracks after this frame, and whom it shows of them, by track."""
    seen = people_in(frame)
    tracks, owners = follow(tracks, [Detection(detected.box, detected.score) for detected in seen], at_us, rules)
    since_us = {track.id: track.first_seen_us for track in tracks.live}
    shown = [
        Followed(owner, since_us[owner], detected, ordinal)
        for owner, detected, ordinal in zip(owners, seen, ordinals(seen), strict=True)
        if owner is not None
    ]
    return tracks, tuple(sorted(shown, key=lambda person: person.track_id))
