"""The allow-list of what goes up, each kind of record on a lane of its own, so that events never wait for pictures."""

from dataclasses import dataclass
from enum import StrEnum

from watchpost.bridge.uplink import Rank
from watchpost.contracts import TopicName
from watchpost.contracts.records import EventChanged, SiteId, ThumbnailTaken
from watchpost.settings import BridgeSettings, ThumbnailSettings

__all__ = ["Lane", "LaneName", "lanes"]

# 24 partitions of 64 pictures are 30 MB to read back at a start; events are a thousand times smaller
_THUMBNAIL_WINDOW_RECORDS = 1536


class LaneName(StrEnum):
    """A lane's name is its producer's in metrics, health and checkpoints."""

    EVENTS = "events"
    THUMBNAILS = "thumbnails"


@dataclass(frozen=True, slots=True)
class Lane:
    """One topic's way up.

    Args:
        name: whose checkpoint, metrics and transactional.id these are.
        topic: has the same name at both ends.
        rank: who goes before whom while the link is short.
        record: what it carries.
        known_by: the fields that make a record the same as another.
        newest_first: the newest go up before those that wait already.
        max_age_s: what is older does not go up any more.
        window_records: how many records back a repeat is recognised, over all partitions.
        chunk_records: how many are taken from the client at once: it bounds what a transaction overshoots its bytes by.
        prefetch_kbytes: what the client may hold in memory while the centre is away.
    """

    name: LaneName
    topic: TopicName
    rank: Rank
    record: type[EventChanged | ThumbnailTaken]
    known_by: tuple[str, ...]
    window_records: int
    chunk_records: int
    prefetch_kbytes: int
    newest_first: bool = False
    max_age_s: float | None = None

    @property
    def goes_first(self) -> bool:
        """While such a lane has a backlog that moves, the others wait."""
        return self.rank is Rank.EVENTS

    def transactional_id(self, site: SiteId) -> str:
        """Unique to the site and the lane: whoever takes it last fences the others."""
        return f"watchpost-bridge-{site}-{self.name}"


def lanes(settings: BridgeSettings, thumbnails: ThumbnailSettings) -> tuple[Lane, ...]:
    """Everything that goes up. What is not here stays at the site."""
    window = settings.dedup_window_records
    return (
        Lane(
            LaneName.EVENTS,
            TopicName.EVENTS,
            rank=Rank.EVENTS,
            record=EventChanged,
            known_by=("event_id", "revision"),
            window_records=window,
            chunk_records=256,
            prefetch_kbytes=4096,
        ),
        Lane(
            LaneName.THUMBNAILS,
            TopicName.THUMBNAILS,
            rank=Rank.THUMBNAILS,
            record=ThumbnailTaken,
            known_by=("thumbnail_id",),
            window_records=min(window, _THUMBNAIL_WINDOW_RECORDS),
            chunk_records=8,
            prefetch_kbytes=4096,
            newest_first=thumbnails.order == "newest",
            max_age_s=thumbnails.max_age_s,
        ),
    )
