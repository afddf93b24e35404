"""How many people a camera sees, said when it changes and not when it flickers."""

from dataclasses import dataclass, replace

__all__ = ["CountState", "count_step"]

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class CountState:
    """The count last said, and a differing one that has still to prove itself."""

    said: int | None = None
    said_us: int = 0
    differing_since_us: int | None = None
    differing: tuple[int, ...] = ()


def count_step(
    state: CountState, count: int, at_us: int, settle_s: float, interval_s: float
) -> tuple[CountState, int | None]:
    """The state after a frame, and the count to be said now (None: nothing to say).

    A change is said when every count for `settle_s` differed from the one last said: then the median of those counts.
    The first count is said at once, and the one last said again after `interval_s`.
    """
    if state.said is None:
        return CountState(count, at_us), count
    if count != state.said:
        since_us = at_us if state.differing_since_us is None else state.differing_since_us
        differing = (*state.differing, count)
        if at_us - since_us >= settle_s * _MICROSECONDS:
            settled = sorted(differing)[len(differing) // 2]
            return CountState(settled, at_us), settled
        state = replace(state, differing_since_us=since_us, differing=differing)
    elif state.differing_since_us is not None:
        state = replace(state, differing_since_us=None, differing=())
    if at_us - state.said_us >= interval_s * _MICROSECONDS:
        return replace(state, said_us=at_us), state.said
    return state, None
