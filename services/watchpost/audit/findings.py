"""Puts together what was found of each site's topic: its partitions, what was counted, what came twice."""

from collections.abc import Iterable, Mapping

from watchpost.audit.judging import Lineage, judged
from watchpost.audit.ledger import EXAMPLES, Account, Ledger
from watchpost.audit.origins import Place
from watchpost.audit.report import TopicFinding
from watchpost.audit.sightings import Sightings
from watchpost.contracts import TopicName
from watchpost.contracts.records import BridgeCheckpoint, SiteId, SourcePosition

__all__ = ["Checkpoints", "foreign", "found", "tell_repeats"]

Checkpoints = Mapping[tuple[SiteId, str], BridgeCheckpoint]


def found(
    site: SiteId,
    topic: TopicName,
    ledger: Ledger,
    horizon_ms: int | None,
    checkpoints: tuple[Checkpoints, Checkpoints],
) -> TopicFinding:
    """What the ledger holds of `topic` of `site`; the checkpoints are those before and after everything was read."""
    before, after = (_positions(each, site, topic) for each in checkpoints)
    accounts = {place: each for place, each in ledger.accounts.items() if (place.site, place.topic) == (site, topic)}
    if horizon_ms is None:
        accounts |= _counted_but_not_there(accounts, before)
    places = []
    for partition in sorted({place.partition for place in accounts}):
        lineage = Lineage(
            accounts={place: each for place, each in accounts.items() if place.partition == partition},
            announcements=[
                each
                for each in ledger.announcements
                if (each.after.site, each.after.topic, each.after.partition) == (site, topic, partition)
            ],
            dropped=ledger.dropped,
            checkpoint_before=before.get(partition, (None, None))[1],
            checkpoint_after=after.get(partition, (None, None))[1],
            horizon_ms=horizon_ms,
        )
        places += judged(lineage)
    finding = TopicFinding(site, topic, ledger.tallies[site, topic], places)
    _tell_tally(finding)
    return finding


def foreign(owner: tuple[str, str], ledger: Ledger) -> TopicFinding:
    """What the ledger holds of somebody, by site and topic, of whom the centre has no checkpoint."""
    finding = TopicFinding(*owner, ledger.tallies[owner], [])
    finding.faults.append(f"{finding.tally.records} records of a site that has no checkpoint")
    return finding


def tell_repeats(findings: Iterable[TopicFinding], ledger: Ledger, sightings: Sightings) -> None:
    """Add to `findings` what is there twice."""
    by_owner = {(found.site, found.topic): found for found in findings}
    for twice in sightings.twice():
        finding = by_owner[ledger.owners[twice.owner]]
        finding.repeated_records += len(twice.again)
        if len(finding.tally.examples) < EXAMPLES:
            places = ", ".join(f"partition {place[0]} offset {place[1]}" for place in (twice.first, *twice.again))
            finding.tally.examples.append(f"one record stands at the centre in {places}")
    for finding in by_owner.values():
        if finding.repeated_records:
            finding.faults.append(f"{finding.repeated_records} records are there twice")


def _tell_tally(finding: TopicFinding) -> None:
    tally = finding.tally
    if tally.foreign:
        finding.faults.append(f"{tally.foreign} records that no bridge wrote")
    if tally.unreadable:
        finding.faults.append(f"{tally.unreadable} records cannot be read")
    if tally.out_of_order and finding.topic == TopicName.EVENTS:
        finding.faults.append(f"{tally.out_of_order} events stand behind a later one of their camera")
    elif tally.out_of_order:
        finding.notes.append(f"{tally.out_of_order} came after a newer one of their camera, as pictures may")
    if tally.dropped:
        finding.notes.append(f"{tally.dropped} repeats were left out by the bridge, and said so")
    if tally.delays.negative:
        finding.notes.append(
            f"{tally.delays.negative} records were sent before they happened, by up to "
            f"{-tally.delays.most_negative_ms} ms: the site's clock and the centre's differ"
        )


def _counted_but_not_there(
    accounts: Mapping[Place, Account], positions: Mapping[int, tuple[Place, SourcePosition]]
) -> dict[Place, Account]:
    """Accounts without records for what a checkpoint counts, where the centre never deleted anything."""
    return {place: Account() for place, counted in positions.values() if counted.next_offset and place not in accounts}


def _positions(checkpoints: Checkpoints, site: SiteId, topic: TopicName) -> dict[int, tuple[Place, SourcePosition]]:
    return {
        at.partition: (Place(site, topic, at.partition, at.epoch, at.topic_id, each.source_cluster_id), at)
        for (name, _), each in checkpoints.items()
        if name == site
        for at in each.positions
        if at.topic == topic
    }
