"""Brings clips of confirmed events into the centre's object store, whenever the link has nothing else to carry.

with uploading(clip_uploads(settings, uplink)):
    …                                   # clips go up meanwhile
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import obstore
import structlog
from obstore.exceptions import BaseError as StoreError
from obstore.store import HTTPStore, LocalStore, ObjectStore, from_url

from watchpost.bridge.back_off import BackOff
from watchpost.bridge.uplink import Rank, Uplink
from watchpost.contracts.clips import clip_key
from watchpost.contracts.records import SiteId
from watchpost.errors import ConfigError, RetryableError
from watchpost.recordings import ClipMarks
from watchpost.settings import SiteSettings
from watchpost.telemetry import metrics

if TYPE_CHECKING:
    from obstore.store import ClientConfig

__all__ = ["ClipUploads", "clip_uploads", "uploading"]

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 5.0
_ENDS_WITHIN_S = 2.0
# S3 takes no smaller part but the last one
_PART_BYTES = 5 * 1024 * 1024
_RETRIES_WITHIN = timedelta(seconds=30)
# a part of 5 MiB on a link of 50 kbit/s
_ANSWER_WITHIN = timedelta(minutes=15)
_CONNECTED_WITHIN = timedelta(seconds=10)


class ClipUploads:
    """Uploads what has no mark yet, the oldest first, and marks it. An outage costs the clip under way its beginning.

    Every chunk is paid for out of what the link's cap leaves over before it is handed to the store's client; a part
    (5 MiB, or all of a smaller clip) then goes out in one piece.

    Args:
        marks: which clips lie there, and which of them are up.
        store: where they go, as `SITE/EVENT_ID.mp4`: the same clip twice is the same object.
        site: the site's name.
        uplink: what the link may carry.
        back_off: waits after a failure.

    """

    def __init__(self, marks: ClipMarks, store: ObjectStore, site: SiteId, uplink: Uplink, back_off: BackOff) -> None:
        self._marks = marks
        self._store = store
        self._site = site
        self._uplink = uplink
        self._back_off = back_off
        self._is_told = False

    def run(self, over: threading.Event) -> None:
        """Upload until `over` is set."""
        while not over.is_set():
            try:
                self._upload_all(over)
                self._back_off.reset()
                over.wait(_LOOK_EVERY_S)
            except RetryableError as error:
                self._failed(str(error))
                self._back_off.wait(over)
            except Exception:  # noqa: BLE001  (a bug that one clip meets must neither end the bridge nor go unseen)
                metrics.BRIDGE_CLIP_FAILURES.inc()
                _LOG.exception("clip_uploads_failed")
                self._back_off.wait(over)

    def _upload_all(self, over: threading.Event) -> None:
        try:
            self._marks.sweep()
            clips = self._marks.unmarked()
        except OSError as error:
            raise RetryableError(f"the clips' folder cannot be read: {error}") from error
        for number, clip in enumerate(clips):
            metrics.BRIDGE_CLIPS_WAITING.set(len(clips) - number)
            if not self._upload(clip, over):
                return
        metrics.BRIDGE_CLIPS_WAITING.set(0)

    def _upload(self, clip: Path, over: threading.Event) -> bool:
        """False when `over` was set meanwhile. A clip that its bounds took away is passed over."""
        try:
            file = clip.open("rb")
        except FileNotFoundError:
            return True
        try:
            with file:
                size_bytes = os.fstat(file.fileno()).st_size
                self._put(clip.stem, file, size_bytes, over)
            self._marks.mark(clip)
        except (StoreError, OSError, _OverError) as error:
            if over.is_set():
                return False
            # the rest of what the store says is what it is made of
            why = str(error).partition("\n")[0]
            raise RetryableError(f"{clip.name} did not go up: {why}") from error
        self._is_told = False
        metrics.BRIDGE_CLIPS_UPLOADED.inc()
        _LOG.info("clip_uploaded", event_id=clip.stem, size_bytes=size_bytes)
        return True

    def _put(self, event_id: str, file: BinaryIO, size_bytes: int, over: threading.Event) -> None:
        is_plain = isinstance(self._store, HTTPStore | LocalStore)
        obstore.put(
            self._store,
            clip_key(self._site, event_id),
            self._paid(file, over),
            attributes=None if is_plain else {"Content-Type": "video/mp4"},
            use_multipart=size_bytes > _PART_BYTES and not isinstance(self._store, HTTPStore),
            chunk_size=_PART_BYTES,
            max_concurrency=1,
        )

    def _paid(self, file: BinaryIO, over: threading.Event) -> Iterator[bytes]:
        while chunk := file.read(self._uplink.idle_bytes):
            if not self._uplink.take(Rank.CLIPS, len(chunk), over, metered=False):
                # an end would make the store believe that this is all
                raise _OverError
            yield chunk

    def _failed(self, why: str) -> None:
        """A store that stays away is news once."""
        metrics.BRIDGE_CLIP_FAILURES.inc()
        log = _LOG.debug if self._is_told else _LOG.warning
        self._is_told = True
        log("clip_not_uploaded", error=why)


class _OverError(Exception):
    """The bridge ends, or leads no more."""


def clip_uploads(settings: SiteSettings, uplink: Uplink) -> ClipUploads | None:
    """The uploads that a site asks for; None where it asks for none.

    Raises:
        ConfigError: `central.clips.upload` names no store that can be opened.
    """
    url = settings.central.clips.upload if settings.central else None
    if url is None:
        return None
    marks = ClipMarks(settings.recordings.folder(settings.state_dir))
    return ClipUploads(marks, _opened(url), SiteId(settings.site.name), uplink, BackOff(first_s=1, most_s=60))


def _opened(url: str) -> ObjectStore:
    if url.startswith("file://"):
        return LocalStore(Path(url.removeprefix("file://")), mkdir=True)
    # a store without TLS is one whose address says so, here or in AWS_ENDPOINT
    client: ClientConfig = {"timeout": _ANSWER_WITHIN, "connect_timeout": _CONNECTED_WITHIN, "allow_http": True}
    try:
        return from_url(url, client_options=client, retry_config={"max_retries": 3, "retry_timeout": _RETRIES_WITHIN})
    except (StoreError, ValueError) as error:
        raise ConfigError(
            "central.clips.upload", f"{url} cannot be opened ({error})", "write s3://bucket/folder, and give its keys"
        ) from error


@contextmanager
def uploading(uploads: ClipUploads | None) -> Iterator[None]:
    """Upload on a thread of its own for as long as this is entered."""
    if uploads is None:
        yield
        return
    over = threading.Event()
    # a daemon: a request that hangs must not hold up the end of the process
    thread = threading.Thread(target=uploads.run, args=(over,), name="clips", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_ENDS_WITHIN_S)
