"""Reads from a server's answer how probable each of a question's words was."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from watchpost.inference.questions import AnswerKind
from watchpost.inference.scorer import LabelScores

__all__ = ["label_scores", "no_evidence", "top_of"]

# e^-30 is nothing, and stays a number that a temperature can divide; vLLM writes -9999 for minus infinity
_LEAST = -30.0


def top_of(body: Any) -> dict[str, float] | None:
    """The most probable next tokens with their natural logarithms. None where the body holds no such thing."""
    try:
        first = body["choices"][0]["logprobs"]["content"][0]
        listed = [first, *first["top_logprobs"]]
        top = {one["token"]: float(one["logprob"]) for one in listed}
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    is_whole = first["top_logprobs"] and all(isinstance(token, str) and not math.isnan(top[token]) for token in top)
    return {token: min(0.0, max(_LEAST, value)) for token, value in top.items()} if is_whole else None


def label_scores(top: Mapping[str, float], kind: AnswerKind) -> LabelScores:
    """Each word's share, over all ways to write it that a model takes for the same: ` Yes`, `yes`.

    A word that is not among the tokens given is at most as probable as the least of them, and all such words together
    as what is left over: that bound is taken, so that the mass is never made too small by not being told.
    """
    found = [_logarithm_of_sum([value for token, value in top.items() if _same(token, word)]) for word in kind.words]
    missing = sum(one is None for one in found)
    left_over = 1 - math.fsum(math.exp(value) for value in top.values())
    floor = _LEAST
    if missing and left_over > 0:
        floor = max(_LEAST, min(*top.values(), math.log(left_over / missing)))
    return LabelScores(tuple(floor if one is None else one for one in found))


def no_evidence(kind: AnswerKind) -> LabelScores:
    """What is said of a picture that the server would not look at: no mass on any answer."""
    return LabelScores((_LEAST,) * len(kind.words))


def _same(token: str, word: str) -> bool:
    return token == word or token.strip().casefold() == word.casefold()


def _logarithm_of_sum(values: Sequence[float]) -> float | None:
    if not values:
        return None
    return min(0.0, math.log(math.fsum(math.exp(value) for value in values)))
