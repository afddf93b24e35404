"""The centre's object store, as far as clips need it: is it there, is a clip, and take one, outages notwithstanding."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import structlog
from obstore.exceptions import BaseError as StoreError
from obstore.store import HTTPStore, LocalStore, ObjectStore, from_url

from watchpost.errors import ConfigError
from watchpost.telemetry import metrics

if TYPE_CHECKING:
    from obstore.store import ClientConfig

__all__ = ["ClipStore", "opened"]

_LOG = structlog.get_logger()
# S3 takes no smaller part but the last one
_PART_BYTES = 5 * 1024 * 1024
# a question soon gives up and tells what is wrong; an upload under way waits out an outage and goes on, but not for
# ever: a store that answers 500 to this clip's parts may have forgotten them
_ASKS_WITHIN, _ASKS = timedelta(seconds=30), 3
_RESUMES_WITHIN, _RESUMES = timedelta(hours=1), 10_000
# a part of 5 MiB on a link of 50 kbit/s
_ANSWER_WITHIN = timedelta(minutes=15)
_CONNECTED_WITHIN = timedelta(seconds=10)
_STALLED_S = 120.0


@dataclass(frozen=True, slots=True)
class ClipStore:
    """One store by two clients: `asked` soon gives up, `store` does not."""

    asked: ObjectStore
    store: ObjectStore

    def put(self, key: str, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Bring `chunks` there as `key`, unless they are there: a bridge may have ended before it could say so.

        A part (5 MiB, or all of a smaller clip) goes out in one piece, and again by itself where the link broke off.

        Raises:
            StoreError, OSError: the store does not answer, or refuses. What `chunks` raises, as OSError or itself.
        """
        is_plain = isinstance(self.store, HTTPStore | LocalStore)
        if not is_plain and self._has(key, size_bytes):
            return
        stalls = _StallWatch(key)
        try:
            obstore.put(
                self.store,
                key,
                stalls.watched(chunks),
                attributes=None if is_plain else {"Content-Type": "video/mp4"},
                use_multipart=size_bytes > _PART_BYTES and not isinstance(self.store, HTTPStore),
                chunk_size=_PART_BYTES,
                max_concurrency=1,
            )
        finally:
            stalls.over()

    def _has(self, key: str, size_bytes: int) -> bool:
        try:
            return int(obstore.head(self.asked, key)["size"]) == size_bytes
        except FileNotFoundError:
            return False


class _StallWatch:
    """Says that an upload stands still: the store's client tries again and again, and says nothing."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._moved_s = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="clip-stalls", daemon=True).start()

    def watched(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """`chunks`, each of which is a move."""
        for chunk in chunks:
            self._moved_s = time.monotonic()
            yield chunk

    def over(self) -> None:
        """The upload ended."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_STALLED_S):
            if time.monotonic() - self._moved_s >= _STALLED_S:
                metrics.BRIDGE_CLIP_FAILURES.inc()
                _LOG.warning("clip_upload_stalls", clip=self._key, silent_s=round(time.monotonic() - self._moved_s))


def opened(url: str) -> ClipStore:
    """The store that `url` names.

    Raises:
        ConfigError: it names none that can be opened.
    """
    if url.startswith("file://"):
        local = LocalStore(Path(url.removeprefix("file://")), mkdir=True)
        return ClipStore(local, local)
    try:
        return ClipStore(_client(url, _ASKS_WITHIN, _ASKS), _client(url, _RESUMES_WITHIN, _RESUMES))
    except (StoreError, ValueError) as error:
        raise ConfigError(
            "central.clips.upload", f"{url} cannot be opened ({error})", "write s3://bucket/folder, and give its keys"
        ) from error


def _client(url: str, within: timedelta, retries: int) -> ObjectStore:
    # a store without TLS is one whose address says so, here or in AWS_ENDPOINT
    client: ClientConfig = {"timeout": _ANSWER_WITHIN, "connect_timeout": _CONNECTED_WITHIN, "allow_http": True}
    return from_url(url, client_options=client, retry_config={"max_retries": retries, "retry_timeout": within})
