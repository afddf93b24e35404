"""The one seam of inference: frames in, what they show out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from watchpost.contracts.records import Answer, CameraId, DetectedObject, FrameCaptured, Provenance

__all__ = ["Analyzer", "LoadedFrame", "Observation"]


@dataclass(frozen=True, slots=True)
class LoadedFrame:
    """A frame with its pixels: height x width x 3, BGR, as `record.image` holds them."""

    record: FrameCaptured
    bgr: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame shows."""

    objects: tuple[DetectedObject, ...]
    answers: tuple[Answer, ...]
    person_count: int


class Analyzer(Protocol):
    """Looks at frames. It may remember a few seconds of each camera, and nothing else."""

    @property
    def provenance(self) -> Provenance:
        """What its observations are to be traced to."""
        ...

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
        """One observation per frame, in the same order. Frames of one camera come in the order of their time.

        Burst frames (`record.reason`) are looked at and leave no memory: they arrive after newer ones.
        """
        ...

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera: it left this worker."""
        ...
