"""An audit's path: checkpoints, then every record up to now, then the checkpoints again; and what that proves."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from watchpost.audit.central import Central, Held
from watchpost.audit.findings import foreign, found, tell_repeats
from watchpost.audit.glimpse import Glimpses, known_schemas
from watchpost.audit.ledger import Ledger
from watchpost.audit.reading import read_stretches
from watchpost.audit.report import Report, TopicFinding
from watchpost.audit.sightings import Sightings
from watchpost.contracts import Schemas, TopicName
from watchpost.contracts.records import SiteId
from watchpost.errors import ConfigError, ContractError, RetryableError, WatchpostError

__all__ = ["audit"]


def audit(
    client: Mapping[str, Any], sites: Sequence[str] = (), topics: Sequence[TopicName] = (), since_ms: int | None = None
) -> Report:
    """Read what the centre holds now, and account for every record.

    Memory is bounded by the number of sites, cameras and partitions: 50,000 records or 50 million make no difference.

    Args:
        client: the settings that lead to the centre.
        sites: whose records; empty for all.
        topics: events, thumbnails; empty for both.
        since_ms: leave out what happened before, in milliseconds since 1970.

    Raises:
        ConfigError: a site that the centre does not know.
        WatchpostError: the centre does not answer, or refuses.
    """
    started_s = time.monotonic()
    with closing(Central(client)) as central, Sightings() as sightings:
        try:
            findings = _audit(central, sightings, sites, topics or (TopicName.EVENTS, TopicName.THUMBNAILS), since_ms)
        except RetryableError as error:
            if central.complaint is None:
                raise
            raise WatchpostError(f"{error}; the connection says: {central.complaint}") from error
    return Report(findings, time.monotonic() - started_s)


def _audit(
    central: Central,
    sightings: Sightings,
    sites: Sequence[str],
    topics: Sequence[TopicName],
    since_ms: int | None,
) -> list[TopicFinding]:
    known = central.sites()
    unknown = sorted(set(sites) - known)
    if unknown:
        raise ConfigError("--site", f"the centre knows no {', '.join(unknown)}", f"it has {', '.join(sorted(known))}")
    wanted = {SiteId(site) for site in sites} or known
    # before the ends are looked up: what these count must be there; and again after reading: nothing more may be
    before = central.checkpoints(wanted)
    ledger = Ledger(sightings, frozenset(sites))
    schemas = known_schemas(central.schemas())
    held = {topic: _enter(central, ledger, topic, schemas, since_ms) for topic in topics}
    if TopicName.EVENTS not in topics:
        _listen(central, ledger, schemas)
    after = central.checkpoints(wanted)
    findings = [
        found(site, topic, ledger, held[topic].horizon_ms, (before, after))
        for site in sorted(wanted)
        for topic in topics
    ]
    findings += [foreign(owner, ledger) for owner in sorted(ledger.tallies) if owner[0] not in wanted]
    tell_repeats(findings, ledger, sightings)
    return findings


def _enter(central: Central, ledger: Ledger, topic: TopicName, schemas: Schemas, since_ms: int | None) -> Held:
    held = central.held(topic, since_ms)
    glimpses = Glimpses(topic, schemas)
    for message in read_stretches(central.client, held.stretches):
        ledger.count(message, glimpses, held.horizon_ms)
    return held


def _listen(central: Central, ledger: Ledger, schemas: Schemas) -> None:
    """The gaps of thumbnails are told among the events."""
    glimpses = Glimpses(TopicName.EVENTS, schemas)
    for message in read_stretches(central.client, central.held(TopicName.EVENTS, None).stretches):
        with suppress(ContractError):  # these were not asked for: an audit of events tells of them
            ledger.hear(message, glimpses)
