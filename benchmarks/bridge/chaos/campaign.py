"""Lets the faults come one after another, and then proves what became of every record."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bridge.chaos.flow import Arrived, count_all
from benchmarks.bridge.chaos.schedule import Fault, FaultKind, schedule
from benchmarks.bridge.chaos.world import World, world
from watchpost.audit.auditing import audit
from watchpost.audit.report import Report
from watchpost.contracts import TopicName

__all__ = ["Outcome", "run_chaos"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    `lost`: records that the site's Kafka acknowledged and the centre does not have; `repeated`: those that it has more
    than once; events and thumbnails alike.
    """

    seed: int
    faults: int
    by_kind: dict[str, int]
    inside_a_transaction: int
    bridge_exits: int
    events: int
    thumbnails: int
    lost: int
    repeated: int
    audit: dict[str, Any]
    seconds: float

    @property
    def is_whole(self) -> bool:
        """Whether every record is there once, in order, and the audit knows of nothing to explain."""
        return self.lost == 0 and self.repeated == 0 and bool(self.audit["explained"]) and self.audit["gaps"] == 0


def run_chaos(folder: Path, faults: int, seed: int, say: Callable[[str], None]) -> Outcome:
    """Inflict `faults` on a site of its own, and count.

    Args:
        folder: for the brokers' data and the bridges' logs.
        faults: how many.
        seed: which, and in which order.
        say: is told of each as it comes.
    """
    began_s = time.monotonic()
    planned = schedule(faults, seed)
    with world(folder) as made:
        made.wait_until_records_flow()
        for number, fault in enumerate(planned, 1):
            say(f"{time.monotonic() - began_s:7.1f} s  {number}/{faults}  {fault.kind}{_details(fault)}")
            made.befall(fault)
        made.wait_until_records_flow()
        made.writer.end()
        say(f"{time.monotonic() - began_s:7.1f} s  waiting for the last records")
        made.wait_until_all_arrived()
        # afresh: what was seen once may be gone
        arrived = count_all(made.site)
        report = audit({"bootstrap.servers": made.central.direct_bootstrap}, [made.site.name])
        return _outcome(
            made, arrived, report, seed, Counter(fault.kind for fault in planned), time.monotonic() - began_s
        )


def _details(fault: Fault) -> str:
    match fault.kind:
        case FaultKind.CUT | FaultKind.HALF_OPEN:
            return f" for {fault.lasts_s:g} s"
        case FaultKind.RESET_WITHIN:
            return f", after {fault.up_bytes} bytes"
        case _:
            return ""


def _outcome(
    made: World, arrived: Arrived, report: Report, seed: int, by_kind: Counter[FaultKind], seconds: float
) -> Outcome:
    acknowledged = made.writer.acknowledged
    return Outcome(
        seed=seed,
        faults=by_kind.total(),
        by_kind={kind.value: by_kind[kind] for kind in FaultKind},
        inside_a_transaction=made.inside_a_transaction,
        bridge_exits=made.ended_by_themselves,
        events=len(acknowledged[TopicName.EVENTS]),
        thumbnails=len(acknowledged[TopicName.THUMBNAILS]),
        lost=arrived.lacks(acknowledged),
        repeated=arrived.repeated(),
        audit={
            "explained": report.is_explained,
            "records": sum(found.tally.records for found in report.topics),
            "missing": sum(found.missing_records for found in report.topics),
            "repeated": sum(found.repeated_records for found in report.topics),
            "out_of_order": sum(found.tally.out_of_order for found in report.topics),
            "dropped_repeats": sum(found.tally.dropped for found in report.topics),
            "gaps": arrived.told_gaps,
            "faults": [line for found in report.topics for line in found.fault_lines()],
        },
        seconds=round(seconds, 1),
    )
