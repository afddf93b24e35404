"""Tells the centre, as an event, where a partition's records do not follow one another."""

import json
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from uuid import UUID, uuid5

from watchpost.bridge.envelope import Outgoing, central_key, source_headers
from watchpost.bridge.resumption import Break, BreakCause
from watchpost.contracts import SourceHeader, TopicName, encode
from watchpost.contracts.health import health_event
from watchpost.contracts.identity import SITE_ITSELF
from watchpost.contracts.records import EventChanged, EventType, Provenance, SiteId, SourcePosition
from watchpost.stream import Header

__all__ = ["delivery_gap", "gap_record"]

_NAMESPACE = UUID("0b8f2f66-6a0c-5d0e-8a5c-1f6f6f6a11d2")


def delivery_gap(site: SiteId, config_version: str, gap: Break, at: datetime) -> EventChanged:
    """The event that tells of `gap`. Its id follows from the offsets alone: told twice, it is one event."""
    before, after = gap.before, gap.after
    parts = (site, before.topic, before.topic_id, after.topic_id, gap.cause, before.partition)
    name = "/".join(str(part) for part in (*parts, before.epoch, before.next_offset, after.epoch, after.next_offset))
    return health_event(
        str(uuid5(_NAMESPACE, name)),
        site,
        SITE_ITSELF,
        EventType.DELIVERY_GAP,
        opened_at=at,
        at=at,
        detail=json.dumps(_detail(gap)),
        provenance=Provenance(
            model="bridge",
            precision="exact",
            model_digest="",
            prompt_digest="",
            config_version=config_version,
            software_version=version("watchpost"),
        ),
    )


def gap_record(
    site: SiteId, config_version: str, cluster_id: str, gap: Break, now_ms: int, at: Callable[[], datetime]
) -> Outgoing:
    """`gap` ready for the centre; `now_ms` is the centre's time, `at` the site's."""
    headers: list[Header] = source_headers(cluster_id, gap.after)
    if gap.names_offsets:
        headers += [
            (SourceHeader.GAP_FROM.value, str(gap.before.next_offset).encode()),
            (SourceHeader.GAP_TO.value, str(gap.after.next_offset).encode()),
        ]
    event = delivery_gap(site, config_version, gap, at())
    return Outgoing(TopicName.EVENTS, central_key(site, SITE_ITSELF), encode(event), headers, now_ms)


def _detail(gap: Break) -> dict[str, object]:
    before, after = gap.before, gap.after
    said: dict[str, object] = {
        "cause": gap.cause.value,
        "topic": before.topic,
        "partition": before.partition,
        "epoch": before.epoch,
        "next_offset": before.next_offset,
        "lost_records": gap.lost_records,
        "then_epoch": after.epoch,
        "then_offset": after.next_offset,
        "explanation": _explanation(gap),
    }
    if gap.cause is BreakCause.REMADE:
        said |= {"topic_id": before.topic_id, "then_topic_id": after.topic_id}
    if not gap.names_offsets:
        # what had gone ahead in the epoch that ends, and what of it the next one does not send again
        said |= {"sent_ahead": _spans(before), "then_sent_ahead": _spans(after)}
    return said


def _spans(position: SourcePosition) -> list[tuple[int, int]]:
    return [(span.from_offset, span.to_offset) for span in position.sent_ahead]


def _explanation(gap: Break) -> str:
    place = f"{gap.before.topic}, partition {gap.before.partition}"
    reached = gap.before.next_offset
    match gap.cause:
        case BreakCause.RETENTION:
            return f"{place}: offsets {reached} to {gap.after.next_offset - 1} were deleted before they could be sent"
        case BreakCause.EXPIRED:
            return f"{place}: offsets {reached} to {gap.after.next_offset - 1} became too old before they could be sent"
        case BreakCause.REMADE:
            return f"{place}: the topic was made anew; what it held from offset {reached} on was never seen here"
        case BreakCause.CUT:
            return (
                f"{place}: the log lost its end; the centre has offsets up to {reached - 1}, the site's log goes on "
                f"with other records from {gap.after.next_offset} on"
            )
