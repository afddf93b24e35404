"""The one seam of inference: frames in, what they show, or why nobody looked, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from watchpost.contracts.records import Answer, CameraId, DetectedObject, FrameCaptured, Provenance, SkipReason
from watchpost.vision.geometry import FractionBox

__all__ = ["Analyzer", "LoadedFrame", "LoadedRegion", "Observation"]


@dataclass(frozen=True, slots=True)
class LoadedRegion:
    """A key region with its pixels: height x width x 3, BGR. `box`: fractions of the full frame."""

    name: str
    box: FractionBox
    bgr: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LoadedFrame:
    """A frame with its pixels: height x width x 3, BGR, as `record.image` holds them, and those of its key regions."""

    record: FrameCaptured
    bgr: npt.NDArray[np.uint8]
    regions: tuple[LoadedRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame shows, and what that is to be traced to: what is asked of a frame may be of this frame alone.

    Boxes are fractions of the full frame, of which the picture may show a part (`record.roi`).
    """

    objects: tuple[DetectedObject, ...]
    answers: tuple[Answer, ...]
    person_count: int
    provenance: Provenance


class Analyzer(Protocol):
    """Looks at frames. It may remember a few seconds of each camera, and nothing else."""

    @property
    def provenance(self) -> Provenance:
        """What its answers are to be traced to where there is no observation."""
        ...

    @property
    def degraded(self) -> str | None:
        """Why it does less than it should, such as a fall-back in use; None while all is well."""
        ...

    def analyze(self, frames: Sequence[LoadedFrame]) -> Sequence[Observation | SkipReason]:
        """One observation per frame, in the same order, or the reason why nobody looked at it.

        Frames of one camera come in the order of their time. `SkipReason.PAIRED` stands for the earlier frame of a
        pair. Burst frames (`record.reason`) are looked at and leave no memory: they arrive after newer ones.

        Raises:
            BatchTooLargeError: its memory does not hold so many pictures at once, and nothing was remembered of any:
                the same frames come again, fewer at once.
        """
        ...

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera: it left this worker."""
        ...
