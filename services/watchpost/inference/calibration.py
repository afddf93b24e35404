"""The table of which scaling holds for which prompt, model, task and camera; of any other it says: none.

table = read_calibration(calibration_path(settings.state_dir))
table.scaling(sheet.digest, scorer.identity, "dog_loose", camera)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchpost.contracts.records import CameraId
from watchpost.inference.scaling import IDENTITY, Scaling
from watchpost.inference.scorer import ScorerIdentity

__all__ = ["Calibration", "CalibrationEntry", "CalibrationKey", "key_of"]

# of one model these differ in the fourth digit: what is fitted on one card holds on another
_SCORE_ALIKE = frozenset({"fp16", "bf16", "fp32"})


@dataclass(frozen=True, slots=True)
class CalibrationKey:
    """What a scaling holds for. A camera of None is any camera. `key_of` makes it of a model's identity."""

    prompt_digest: str
    model_digest: str
    task: str
    camera: CameraId | None


@dataclass(frozen=True, slots=True)
class CalibrationEntry:
    """A scaling, and of how many labelled pictures it was fitted."""

    scaling: Scaling
    samples: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scalings by what they hold for. Empty, it changes nothing."""

    entries: Mapping[CalibrationKey, CalibrationEntry] = field(default_factory=dict)

    def scaling(self, prompt_digest: str, identity: ScorerIdentity, task: str, camera: CameraId) -> Scaling:
        """The camera's, else that of any camera, else one that changes nothing."""
        for whose in (camera, None):
            entry = self.entries.get(key_of(prompt_digest, identity, task, whose))
            if entry is not None:
                return entry.scaling
        return IDENTITY

    def is_outdated(self, prompt_digest: str, identity: ScorerIdentity, task: str) -> bool:
        """Whether there is something for the task, but of other words or another model alone: it is not used."""
        its = [key for key in self.entries if key.task == task]
        wanted = key_of(prompt_digest, identity, task, None)
        return bool(its) and all(
            (key.prompt_digest, key.model_digest) != (wanted.prompt_digest, wanted.model_digest) for key in its
        )

    def with_entries(self, entries: Mapping[CalibrationKey, CalibrationEntry]) -> "Calibration":
        """This table and `entries`, which replace those for the same."""
        return Calibration({**self.entries, **entries})


def key_of(prompt_digest: str, identity: ScorerIdentity, task: str, camera: CameraId | None) -> CalibrationKey:
    """The key. Fewer bits make other scores, so such a precision is part of the model's digest."""
    suffix = "" if identity.precision in _SCORE_ALIKE else f"@{identity.precision}"
    return CalibrationKey(prompt_digest, f"{identity.digest}{suffix}", task, camera)
