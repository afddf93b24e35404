"""What a worker remembers of one camera: who was followed, how tall each stood, and the empty scene."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from watchpost.contracts.records import DetectedObject, Posture
from watchpost.vision.foreground import Foreground
from watchpost.vision.geometry import FractionBox
from watchpost.vision.tracking import Tracks

__all__ = ["CameraMemory", "PersonMemory"]

_LOW = 0.30
_SHRUNK = 0.72
_RECENT_US = 2_000_000
_QUICK_US = 1_000_000
_TRUST_RATE = 0.5
_STOOD = 3
_LEAST_OUT = 0.2
_STILL_OUT = 0.7


@dataclass(slots=True)
class PersonMemory:
    """One followed person. Heights and tops are fractions of the frame's height."""

    heights: deque[float] = field(default_factory=lambda: deque(maxlen=15))
    tops: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=64))
    trust: float | None = None
    """A running mean of the scores: what passes for a person now and then (a tripod, a chair) stays low."""
    sure_sightings: int = 0
    posture: Posture = Posture.UNKNOWN
    stood_out: float | None = None
    """The share of the box that was foreground when the person was last seen."""
    quarters: int | None = None
    """How the picture was turned when a second look last found the person; None while they are found as they are."""

    def is_low(self, box: FractionBox, at_us: int, *, slim: bool) -> bool:
        """Whether the head is far below where it was, or the body much shorter than it usually is.

        A slim box that is merely shorter is somebody further away: nobody crouches slim. A slim one whose head sinks
        slowly comes nearer under a high camera: of those who stand, only a quick drop counts.
        """
        if not self.heights:
            return False
        usual = median(self.heights)
        recent_us = _QUICK_US if slim and self.posture is Posture.UPRIGHT else _RECENT_US
        highest = min((top for seen_us, top in self.tops if at_us - seen_us <= recent_us), default=box.y0)
        return box.y0 - highest >= _LOW * usual or (not slim and box.height <= _SHRUNK * usual)

    def take(self, seen: DetectedObject, at_us: int, stood_out: float | None, *, sure: bool) -> None:
        """Remember one sighting. `sure`: the score alone would begin a track."""
        self.sure_sightings += sure
        box, posture = seen.box, seen.posture
        self.posture, self.stood_out = posture, stood_out
        self.trust = seen.score if self.trust is None else self.trust + _TRUST_RATE * (seen.score - self.trust)
        self.tops.append((at_us, box.y0))
        if posture is Posture.UPRIGHT:
            self.heights.append(box.height)

    def still_lies(self, stands_out: float | None) -> bool:
        """Whether somebody who lay when last seen is still there: as much of the place stands out as did then."""
        if self.posture is not Posture.LYING or stands_out is None or self.stood_out is None:
            return False
        return self.stood_out >= _LEAST_OUT and stands_out >= _STILL_OUT * self.stood_out

    def counts(self, least_trust: float) -> bool:
        """Whether this is somebody. Who was seen standing and lies now is, however unsure the detector has become."""
        stood = self.posture is Posture.LYING and len(self.heights) >= _STOOD
        return stood or (self.trust or 0.0) >= least_trust

    def usual_height(self, otherwise: float) -> float:
        """The height at which the person usually stands."""
        return median(self.heights) if self.heights else otherwise


@dataclass(slots=True)
class CameraMemory:
    """One camera. `seen_us` is the captured_at of the newest frame taken in."""

    seen_us: int = -1
    tracks: Tracks = field(default_factory=Tracks)
    people: dict[int, PersonMemory] = field(default_factory=dict)
    foreground: Foreground = field(default_factory=Foreground)
