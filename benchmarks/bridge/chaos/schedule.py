"""Which faults come, in which order: the same for the same seed."""

import random
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Fault", "FaultKind", "schedule"]


class FaultKind(StrEnum):
    """What breaks."""

    KILL_INSIDE = "bridge killed inside a transaction"
    KILL = "bridge killed"
    CUT = "link cut"
    HALF_OPEN = "link half-open"
    RESET = "connections reset"
    RESET_WITHIN = "connections reset within a request"
    SITE_BROKER = "site broker killed"
    CENTRAL_BROKER = "central broker killed"


# of a hundred; each kind comes at least once where there are as many faults as kinds
_SHARES = {
    FaultKind.KILL_INSIDE: 27,
    FaultKind.KILL: 18,
    FaultKind.CUT: 14,
    FaultKind.HALF_OPEN: 8,
    FaultKind.RESET: 9,
    FaultKind.RESET_WITHIN: 12,
    FaultKind.SITE_BROKER: 6,
    FaultKind.CENTRAL_BROKER: 6,
}
# one outage in six is longer than a transaction may take
_LONG_OUTAGES = 1 / 6
_LONG_S, _SHORT_S = (11.0, 16.0), (0.1, 4.0)
# the others come while the bridge still recovers from what came before
_WHILE_RECORDS_FLOW = 0.6


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Args:
        kind: what breaks.
        waits_for_flow: not before records arrive again after the fault before.
        pause_s: how long after that.
        lasts_s: of an outage.
        up_bytes: a reset within a request comes after so many.
    """

    kind: FaultKind
    waits_for_flow: bool
    pause_s: float
    lasts_s: float
    up_bytes: int


def schedule(count: int, seed: int) -> list[Fault]:
    """`count` faults, in an order and with lengths that follow from `seed`."""
    chance = random.Random(seed)  # noqa: S311  (a schedule that can be had again)
    kinds = _kinds(count)
    chance.shuffle(kinds)
    return [_fault(kind, chance) for kind in kinds]


def _kinds(count: int) -> list[FaultKind]:
    """In their shares, those with the largest remainder rounded up."""
    least = 1 if count >= len(_SHARES) else 0
    exact = {kind: count * share / sum(_SHARES.values()) for kind, share in _SHARES.items()}
    counts = {kind: max(least, int(wanted)) for kind, wanted in exact.items()}
    by_need = sorted(exact, key=lambda kind: counts[kind] - exact[kind])
    while sum(counts.values()) != count:
        missing = count - sum(counts.values())
        kind = by_need.pop(0) if missing > 0 else max(counts, key=lambda each: counts[each])
        counts[kind] += 1 if missing > 0 else -1
    return [kind for kind, number in counts.items() for _ in range(number)]


def _fault(kind: FaultKind, chance: random.Random) -> Fault:
    is_long = chance.random() < _LONG_OUTAGES
    return Fault(
        kind,
        # only who writes is inside a transaction
        waits_for_flow=chance.random() < _WHILE_RECORDS_FLOW or kind is FaultKind.KILL_INSIDE,
        pause_s=round(chance.uniform(0.0, 2.0), 2),
        lasts_s=round(chance.uniform(*(_LONG_S if is_long else _SHORT_S)), 2),
        up_bytes=chance.choice((1, 100, 300, 1_000, 3_000, 10_000)),
    )
