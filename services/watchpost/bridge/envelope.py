"""How a site's record looks at the centre: the same bytes, another key, and headers that say where it comes from."""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, TIMESTAMP_NOT_AVAILABLE, Message

from watchpost.contracts import SourceHeader
from watchpost.contracts.records import CameraId, SiteId, SourcePosition
from watchpost.stream import Header, headers_of

__all__ = ["CentralClock", "Outgoing", "central_key", "enveloped", "sent_header", "source_headers"]

# looked up once: in Python 3.11 an enum's `value` costs as much as the header that it names
_OFFSET, _ORIGINAL_TIMESTAMP = SourceHeader.OFFSET.value, SourceHeader.ORIGINAL_TIMESTAMP.value
# clocks that nobody set wrong differ by this much; a broker refuses what lies an hour ahead
_TOLERANCE_MS = 10_000
# what looks older was written by a clock that nobody had set, in 1970 say: a site keeps its records for two days. The
# centre reckons by this time when it deletes, and would delete it at once
_OLDEST_MS = 7 * 24 * 3600 * 1000
# each stream that /analyze is called with is a camera: all of them for ever would be a leak
_CACHED_KEYS = 1024


class CentralClock:
    """What time it is at the centre.

    The site's clock cannot tell whether a timestamp lies in the centre's future: where it jumped, it is the wrong one
    itself. The checkpoint topic's broker stamps each checkpoint (LogAppendTime) and the acknowledgement brings that
    back; between checkpoints a monotonic clock counts on.
    """

    def __init__(self) -> None:
        self._ahead_ms: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether a checkpoint was acknowledged already."""
        return self._ahead_ms is not None

    def observe(self, message: Message) -> None:
        """Take the time from an acknowledged checkpoint."""
        kind, timestamp_ms = message.timestamp()
        # a topic that somebody made without LogAppendTime tells nothing: the site's clock must do
        now_ms = timestamp_ms if kind == TIMESTAMP_LOG_APPEND_TIME else time.time() * 1000
        self._ahead_ms = now_ms - time.monotonic() * 1000

    def now_ms(self) -> int:
        """Milliseconds since 1970, as the centre counts them; the site's own clock before the first checkpoint."""
        if self._ahead_ms is None:
            return int(time.time() * 1000)
        return int(self._ahead_ms + time.monotonic() * 1000)


class Outgoing(NamedTuple):
    """A record ready for the centre. A tuple: of all that is done for a record, making a dataclass took an eighth."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[Header]
    timestamp_ms: int

    @property
    def size_bytes(self) -> int:
        """What it weighs before compression."""
        return len(self.key) + len(self.value) + sum([len(name) + len(value) for name, value in self.headers])


@lru_cache(_CACHED_KEYS)
def central_key(site: SiteId, camera: CameraId) -> bytes:
    """The key at the centre: the same camera name may occur at every site."""
    return f"{site}/{camera}".encode()


def source_headers(cluster_id: str, position: SourcePosition) -> list[Header]:
    """The headers that name a record's partition at the site, in its epoch."""
    return [
        (SourceHeader.CLUSTER.value, cluster_id.encode()),
        (SourceHeader.TOPIC_ID.value, position.topic_id.encode()),
        (SourceHeader.PARTITION.value, str(position.partition).encode()),
        (SourceHeader.EPOCH.value, str(position.epoch).encode()),
    ]


def sent_header(now_ms: int) -> Header:
    """The header that says when the bridge took a record up."""
    return SourceHeader.SENT.value, str(now_ms).encode()


def enveloped(message: Message, key: bytes, origin: Sequence[Header], now_ms: int) -> Outgoing:
    """`message` as the centre gets it, with the headers that it shares with others; `now_ms` is the centre's."""
    kind, timestamp_ms = message.timestamp()
    headers = [*headers_of(message), (_OFFSET, b"%d" % (message.offset() or 0)), *origin]
    if kind == TIMESTAMP_NOT_AVAILABLE:
        timestamp_ms = now_ms
    elif not now_ms - _OLDEST_MS <= timestamp_ms <= now_ms + _TOLERANCE_MS:
        headers.append((_ORIGINAL_TIMESTAMP, str(timestamp_ms).encode()))
        timestamp_ms = now_ms
    return Outgoing(message.topic() or "", key, message.value() or b"", headers, timestamp_ms)
