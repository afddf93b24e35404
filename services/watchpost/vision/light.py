"""Tells a switch of the light, or of the camera to infrared, from what moves: it changes most of a picture at once.

Dark blocks that stay dark say nothing: where the light goes out there is nothing left of them to change. A switch
settles: lamps flicker on one after the other, and exposure follows for a second or two. While it does, less is enough;
but no longer than `_LONGEST_US`: a camera that is panned changes all the time, and whoever it sees moves.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["STEADY", "LightState", "light_changes"]

Blocks = npt.NDArray[np.float32]

_LIT_LEVELS = 40.0
_CHANGED_LEVELS = 6.0  # six times the noise of a block's mean at the worst
_MOST = 0.6
_STILL = 0.25
_CALM_AFTER_US = 500_000
_LONGEST_US = 4_000_000


@dataclass(frozen=True, slots=True)
class LightState:
    """A switch that has begun and not settled: since when, and when it last changed the picture."""

    since_us: int | None = None
    changed_us: int = 0


STEADY = LightState()


def light_changes(state: LightState, now: Blocks, before: Blocks, at_us: int) -> tuple[LightState, bool]:
    """The state after one more picture, and whether what differs from the one before is the light.

    Args:
        state: of the picture before.
        now: means of blocks, in grey levels; NaN where hidden.
        before: the same of the picture before.
        at_us: when this one was taken.

    """
    share = _changed_share(now, before)
    if state.since_us is None:
        return (LightState(at_us, at_us), True) if share >= _MOST else (STEADY, False)
    if share < _STILL:
        return (state if at_us - state.changed_us < _CALM_AFTER_US else STEADY), False
    return LightState(state.since_us, at_us), at_us - state.since_us <= _LONGEST_US


def _changed_share(now: Blocks, before: Blocks) -> float:
    """The share of blocks that changed, of those that are lit in either picture."""
    lit = np.fmax(now, before) >= _LIT_LEVELS
    count = int(np.count_nonzero(lit))
    changed = lit & (np.abs(now - before) >= _CHANGED_LEVELS)
    return float(np.count_nonzero(changed)) / count if count else 0.0
