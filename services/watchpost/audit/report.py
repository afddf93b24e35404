"""What an audit found, site by site, and its verdict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from watchpost.audit.judging import PlaceFinding
from watchpost.audit.ledger import Tally
from watchpost.audit.offsets import Span

__all__ = ["Report", "TopicFinding"]


@dataclass(slots=True)
class TopicFinding:
    """What was found of one topic of one site."""

    site: str
    topic: str
    tally: Tally
    places: Sequence[PlaceFinding]
    repeated_records: int = 0
    # what concerns no partition alone
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def missing_records(self) -> int:
        """How many are missing that nothing explains."""
        return sum(place.missing_records for place in self.places)

    @property
    def announced(self) -> list[tuple[str, Span | None]]:
        """Every gap that was told: its cause, and the offsets that are lost where they are known."""
        return [gap for place in self.places for gap in place.announced]

    def fault_lines(self) -> list[str]:
        """Every fault, with its partition and epoch where it has one."""
        lines = list(self.faults)
        for found in self.places:
            place = f"source partition {found.place.partition}, epoch {found.place.epoch}"
            lines += [f"{place}: {fault}" for fault in found.faults]
        return lines

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        counts = asdict(self.tally)
        del counts["delays"]
        return {
            **counts,
            "repeated_records": self.repeated_records,
            "missing_records": self.missing_records,
            "delay": self.tally.delays.as_plain(),
            "faults": self.fault_lines(),
            "notes": self.notes,
            "partitions": [_plain_place(place) for place in self.places],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that an audit found."""

    topics: Sequence[TopicFinding]
    seconds: float

    @property
    def is_explained(self) -> bool:
        """Whether every record is accounted for."""
        return not any(found.fault_lines() for found in self.topics)

    @property
    def verdict(self) -> str:
        """The last word, in words."""
        records = sum(found.tally.records for found in self.topics)
        read = f"{records:,} records of {len({found.site for found in self.topics})} sites"
        if not self.is_explained:
            wrong = sorted({found.site or "(no site)" for found in self.topics if found.fault_lines()})
            return f"NOT explained: {', '.join(wrong)}; {read} were read"
        gaps = sum(len(found.announced) for found in self.topics)
        told = f"{gaps} gaps, each announced" if gaps else "no gap"
        return f"everything is accounted for: {read}, {told}, none twice"

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        sites: dict[str, dict[str, Any]] = {}
        for found in self.topics:
            sites.setdefault(found.site, {})[found.topic] = found.as_plain()
        return {
            "explained": self.is_explained,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 1),
            "sites": sites,
        }


def _plain_place(found: PlaceFinding) -> dict[str, Any]:
    place = found.place
    return {
        "partition": place.partition,
        "epoch": place.epoch,
        "topic_id": place.topic_id,
        "cluster": place.cluster,
        "first_offset": found.first_offset,
        "end_offset": found.end_offset,
        "records": found.records,
        "judged_from": found.judged_from,
        "repeated_offsets": found.repeated_offsets,
        "missing_records": found.missing_records,
        "missing": [list(span) for span in found.missing],
        "announced": [
            {"cause": cause, "lost": None if lost is None else list(lost)} for cause, lost in found.announced
        ],
        "faults": found.faults,
    }
