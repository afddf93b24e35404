"""Brings clips of confirmed events into the centre's object store, whenever the link has nothing else to carry.

with uploading(clip_uploads(settings, uplink)):
    …                                   # clips go up meanwhile
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import structlog
from obstore.exceptions import BaseError as StoreError

from watchpost.bridge.back_off import BackOff
from watchpost.bridge.clip_store import ClipStore, opened
from watchpost.bridge.uplink import Rank, Uplink
from watchpost.contracts.clips import clip_key
from watchpost.contracts.records import SiteId
from watchpost.errors import RetryableError
from watchpost.recordings import ClipMarks
from watchpost.settings import SiteSettings
from watchpost.telemetry import metrics

__all__ = ["ClipUploads", "clip_uploads", "uploading"]

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 5.0
_ENDS_WITHIN_S = 2.0


class ClipUploads:
    """Uploads what has no mark yet, the oldest first, and marks it.

    Every chunk is paid for out of what the link's cap leaves over before it is handed to the store's client. An outage
    of up to an hour costs the part under way; a longer one, or the end of this process, the clip's beginning.

    Args:
        marks: which clips lie there, and which of them are up.
        store: where they go, as `SITE/EVENT_ID.mp4`: the same clip twice is the same object.
        site: the site's name.
        uplink: what the link may carry.
        back_off: waits after a failure.

    """

    def __init__(self, marks: ClipMarks, store: ClipStore, site: SiteId, uplink: Uplink, back_off: BackOff) -> None:
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
                self._store.put(clip_key(self._site, clip.stem), self._paid(file, over), size_bytes)
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

    def _paid(self, file: BinaryIO, over: threading.Event) -> Iterator[bytes]:
        while chunk := file.read(self._uplink.idle_bytes):
            if not self._uplink.take(Rank.CLIPS, len(chunk), over):
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
    return ClipUploads(marks, opened(url), SiteId(settings.site.name), uplink, BackOff(first_s=1, most_s=60))


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
