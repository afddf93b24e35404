"""A model that weighs answers by a rule of the test's instead of a network, the same at every run.

scorer = FakeScorer(lambda picture, question: 0 if picture.mean() > 127 else 1)    # yes where it is bright
scorer.score([Look(picture, sheet)])
"""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from watchpost.inference.questions import AskedQuestion
from watchpost.inference.scorer import LabelScores, Look, ScorerIdentity

__all__ = ["FakeScorer", "always"]

_IDENTITY = ScorerIdentity("fake", "bf16", "sha256:fake")
Pixels = npt.NDArray[np.uint8]
Sees = Callable[[Pixels, AskedQuestion], int]


def always(place: int) -> Sees:
    """The answer at this place of the question's labels, whatever the picture."""
    return lambda _picture, _question: place


class FakeScorer:
    """A Scorer. `looks` holds all that it was asked.

    Args:
        sees: which label it takes for right, by its place.
        sureness: how much more the right label weighs, as a logarithm.
        noise: standard deviation of what is added to each label; seeded by the picture and the question.
        mass: what lies on the labels together.
        identity: who it says it is.

    """

    def __init__(
        self,
        sees: Sees,
        *,
        sureness: float = 4.0,
        noise: float = 0.0,
        mass: float = 0.9,
        identity: ScorerIdentity = _IDENTITY,
    ) -> None:
        self.identity = identity
        self.looks: list[Look] = []
        self._sees, self._sureness, self._noise, self._mass = sees, sureness, noise, mass

    def score(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
        """The scores, by the rule."""
        self.looks += looks
        return [tuple(self._scores(look.bgr, question) for question in look.sheet.questions) for look in looks]

    def _scores(self, picture: Pixels, question: AskedQuestion) -> LabelScores:
        seed = zlib.crc32(question.text.encode(), zlib.crc32(np.ascontiguousarray(picture).tobytes()))
        weights = np.random.default_rng(seed).normal(0, self._noise, len(question.kind.labels))
        weights[self._sees(picture, question)] += self._sureness
        shares = np.exp(weights) / np.exp(weights).sum()
        return LabelScores(tuple(np.log(self._mass * shares).tolist()))
