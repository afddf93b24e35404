"""Counts what is at the centre, record by record, in memory that does not grow with their number."""

from collections import defaultdict
from dataclasses import dataclass, field

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message

from watchpost.audit.delays import Delays
from watchpost.audit.glimpse import Glimpses
from watchpost.audit.offsets import OffsetSet, Span
from watchpost.audit.origins import Announcement, Place, announcement_in, dropped_in, number_in, place_in
from watchpost.audit.sightings import Sightings
from watchpost.contracts import SourceHeader
from watchpost.errors import ContractError
from watchpost.stream import headers_of, key_of, value_of

__all__ = ["EXAMPLES", "Account", "Ledger", "Tally"]

# of each kind of fault that is told with its place: enough to look into it
EXAMPLES = 5


@dataclass(slots=True)
class Account:
    """What is held of one place."""

    held: OffsetSet = field(default_factory=OffsetSet)
    repeated: int = 0
    # behind the last offset of a time of which the centre deleted records: below it a hole proves nothing
    judged_from: int = 0


@dataclass(slots=True)
class Tally:
    """What is counted of one site's topic as a whole."""

    records: int = 0
    dropped: int = 0
    out_of_order: int = 0
    foreign: int = 0
    unreadable: int = 0
    delays: Delays = field(default_factory=Delays)
    # faults with where they are at the centre
    examples: list[str] = field(default_factory=list)

    def example(self, message: Message, said: str) -> None:
        """Keep where `message` stands, if there is room."""
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"central partition {message.partition()}, offset {message.offset()}: {said}")


class Ledger:
    """The accounts of all sites, or of `sites` alone.

    Args:
        sightings: is told of every record's identity.
        sites: whose records count; empty for all.
    """

    def __init__(self, sightings: Sightings, sites: frozenset[str] = frozenset()) -> None:
        self.accounts: defaultdict[Place, Account] = defaultdict(Account)
        self.tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
        self.announcements: list[Announcement] = []
        # by place without its epoch: the header does not say which epoch another partition was in
        self.dropped: defaultdict[Place, list[Span]] = defaultdict(list)
        self.owners: list[tuple[str, str]] = []
        self._owner_numbers: dict[tuple[str, str], int] = {}
        self._sightings = sightings
        self._sites = sites
        self._last: dict[tuple[str, bytes], tuple[Place, int]] = {}

    def hear(self, message: Message, glimpses: Glimpses) -> None:
        """Take what the bridge itself says in `message`, an event; anything else is passed by."""
        site, headers = self._site_of(message), dict(headers_of(message))
        if site is not None and SourceHeader.OFFSET not in headers and SourceHeader.CLUSTER in headers:
            event = glimpses.whole_event(value_of(message) or b"")
            self.announcements.append(announcement_in(event, headers, site, message.timestamp()[1]))

    def count(self, message: Message, glimpses: Glimpses, horizon_ms: int | None) -> None:
        """Enter `message`.

        Args:
            message: of the events or thumbnails topic.
            glimpses: reads its value.
            horizon_ms: of what happened before, the centre may have deleted records; None: it deleted none.
        """
        site, topic = self._site_of(message), message.topic() or ""
        if site is None:
            return
        tally, headers = self.tallies[site, topic], dict(headers_of(message))
        tally.records += 1
        try:
            if SourceHeader.OFFSET in headers:
                self._enter(message, place_in(headers, site, topic), headers, horizon_ms)
            else:
                place_in(headers, site, topic)
                self.hear(message, glimpses)
        except ContractError as error:
            tally.foreign += 1
            tally.example(message, f"not the bridge's: {error}")
            return
        self._look_into(message, (site, topic), headers, glimpses)

    def _enter(self, message: Message, place: Place, headers: dict[str, bytes], horizon_ms: int | None) -> None:
        offset = number_in(headers, SourceHeader.OFFSET)
        dropped = dropped_in(headers)
        account, tally = self.accounts[place], self.tallies[place.site, place.topic]
        if not account.held.add(offset):
            account.repeated += 1
            tally.example(message, f"source partition {place.partition}, offset {offset} is there twice")
        if horizon_ms is not None and message.timestamp()[1] < horizon_ms:
            account.judged_from = max(account.judged_from, offset + 1)
        for partition, span in dropped:
            tally.dropped += span.end - span.first
            self._drop(place._replace(partition=partition, epoch=0), span)
        self._order(message, place, offset, tally)

    def _drop(self, place: Place, span: Span) -> None:
        spans = self.dropped[place]
        if spans and spans[-1].end == span.first:
            spans[-1] = Span(spans[-1].first, span.end)
        else:
            spans.append(span)

    def _order(self, message: Message, place: Place, offset: int, tally: Tally) -> None:
        """A camera's records lie in one partition at both ends, so they come in the order of their offsets."""
        key = (place.topic, key_of(message) or b"")
        before = self._last.get(key)
        if before is not None and before[0].partition == place.partition:
            is_behind = (place.epoch, offset) < (before[0].epoch, before[1])
            tally.out_of_order += is_behind
            if is_behind:
                return
        self._last[key] = (place, offset)

    def _look_into(
        self, message: Message, owner: tuple[str, str], headers: dict[str, bytes], glimpses: Glimpses
    ) -> None:
        tally = self.tallies[owner]
        try:
            glimpse = glimpses.of(value_of(message) or b"")
        except ContractError as error:
            tally.unreadable += 1
            tally.example(message, f"cannot be read: {error}")
            return
        number = self._owner_numbers.setdefault(owner, len(self.owners))
        if number == len(self.owners):
            self.owners.append(owner)
        self._sightings.add(number, glimpse.identity, message.partition() or 0, message.offset() or 0)
        arrived_ms = _arrived_ms(message, headers)
        if arrived_ms is not None:
            tally.delays.add(arrived_ms - glimpse.at_ms)

    def _site_of(self, message: Message) -> str | None:
        """Whose record it is by its key, empty where the key names no site; None where nobody asked for it."""
        site, slash, _ = (key_of(message) or b"").decode(errors="replace").partition("/")
        site = site if slash else ""
        return None if self._sites and site not in self._sites else site


def _arrived_ms(message: Message, headers: dict[str, bytes]) -> int | None:
    kind, timestamp_ms = message.timestamp()
    if kind == TIMESTAMP_LOG_APPEND_TIME:
        return timestamp_ms
    sent = headers.get(SourceHeader.SENT, b"")
    return int(sent) if sent.isdigit() and SourceHeader.OFFSET in headers else None
