"""Pixels between services: put once, read by claim check, gone after their time.

store = FrameStore(settings.frames, SystemClock())
reference = store.put("door", frame_id, i420)      # travels in FrameCaptured.image
bgr = store.load_bgr(reference)                    # in another process
"""

import shutil
import sys
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import google_crc32c
import numpy as np
import numpy.typing as npt
import obstore
from obstore.exceptions import BaseError as StoreError
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from watchpost.clock import Clock
from watchpost.contracts.records import ImageCodec, ImageRef
from watchpost.errors import FrameCorruptError, FrameGoneError, RetryableError
from watchpost.settings import FrameSettings

__all__ = ["FrameStore"]

Image = npt.NDArray[np.uint8]

_JPEG_QUALITY = 90
_SHARE_OF_FILE_SYSTEM = 0.8
_ORPHAN_AGE_FACTOR = 4  # a replica's clock may differ: only what is clearly dead is swept at start


@dataclass(frozen=True, slots=True)
class _Kept:
    path: str
    size_bytes: int
    until: datetime


class FrameStore:
    """Frames in an object store (`file://` on a tmpfs, or `s3://` where workers sit on other nodes).

    Each writer keeps its own frames within `max_bytes` (and 80 % of a file system) and `keep_s`; readers only
    read. Safe for several threads.
    """

    def __init__(self, settings: FrameSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._url = settings.url.rstrip("/")
        self._store = _open_store(self._url)
        self._max_bytes = min(settings.max_bytes, _room_bytes(self._url))
        self._lock = threading.Lock()
        self._roomy = threading.Condition(self._lock)
        self._kept: deque[_Kept] = deque()
        self._kept_bytes = 0

    @property
    def kept_bytes(self) -> int:
        """Bytes of the frames that this writer keeps now."""
        return self._kept_bytes

    def has_room(self, within_s: float) -> bool:
        """Whether half of the bytes are free, waited for up to `within_s`: who may wait leaves room to who may not."""
        self._forget_old()
        with self._lock:
            return self._roomy.wait_for(self._is_half_empty, timeout=within_s)

    def put(self, camera: str, frame_id: str, i420: Image) -> ImageRef:
        """Store a frame, an array of shape (height * 3 / 2, width), and return the claim check on it.

        Raises:
            RetryableError: the store is full or out of reach; nothing refers to the frame yet.
        """
        rows, width_px = i420.shape
        height_px = rows * 2 // 3
        codec = ImageCodec(self._settings.codec)
        content = _encoded(i420, codec)
        path = f"{camera}/{frame_id}.{codec.value}"
        until = self._clock.now() + timedelta(seconds=self._settings.keep_s)
        try:
            obstore.put(self._store, path, content)
        except (StoreError, OSError) as error:
            raise RetryableError(f"frame store {self._url} did not take a frame: {error}") from error
        with self._lock:
            self._kept.append(_Kept(path, content.size, until))
            self._kept_bytes += content.size
        self._forget_old()
        return ImageRef(
            uri=f"{self._url}/{path}",
            codec=codec,
            width=width_px,
            height=height_px,
            bytes=content.size,
            crc32c=google_crc32c.value(content),
            kept_until=until,
        )

    def load_bgr(self, image: ImageRef) -> Image:
        """The frame as an array of shape (height, width, 3), blue first.

        Raises:
            FrameGoneError: it is not there any more.
            FrameCorruptError: what is there is not what was put.
            RetryableError: the store is out of reach.
        """
        prefix = f"{self._url}/"
        if not image.uri.startswith(prefix):
            raise FrameGoneError(f"{image.uri} does not lie in this site's frame store {self._url}")
        try:
            content = bytes(obstore.get(self._store, image.uri.removeprefix(prefix)).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise FrameGoneError(f"{image.uri} is gone (kept until {image.kept_until:%H:%M:%S})") from error
        except (StoreError, OSError) as error:
            raise RetryableError(f"frame store {self._url} cannot be read: {error}") from error
        if len(content) != image.bytes or google_crc32c.value(content) != image.crc32c:
            raise FrameCorruptError(f"{image.uri} has another size or checksum than the record says")
        return _decoded(content, image)

    def sweep_orphans(self) -> int:
        """Remove what a dead writer left behind, and return how many frames that were. Call it once at start."""
        dead = self._clock.now() - timedelta(seconds=self._settings.keep_s * _ORPHAN_AGE_FACTOR)
        orphans = [item["path"] for page in obstore.list(self._store) for item in page if item["last_modified"] < dead]
        if orphans:
            obstore.delete(self._store, orphans)
        return len(orphans)

    def _is_half_empty(self) -> bool:
        return self._kept_bytes <= self._max_bytes // 2

    def _forget_old(self) -> None:
        now = self._clock.now()
        with self._lock:
            old = []
            while self._kept and (self._kept[0].until < now or self._kept_bytes > self._max_bytes):
                frame = self._kept.popleft()
                self._kept_bytes -= frame.size_bytes
                old.append(frame.path)
            if self._is_half_empty():
                self._roomy.notify_all()
        for path in old:
            try:
                obstore.delete(self._store, path)
            except (NotFoundError, FileNotFoundError):
                continue  # somebody cleaned up by hand: that is what was wanted


def _room_bytes(url: str) -> int:
    """What the file system may give to frames: a container's /dev/shm has 64 MB, whatever the settings hope for."""
    if not url.startswith("file://"):
        return sys.maxsize
    return int(shutil.disk_usage(url.removeprefix("file://")).total * _SHARE_OF_FILE_SYSTEM)


def _open_store(url: str) -> ObjectStore:
    if url.startswith("file://"):
        return LocalStore(Path(url.removeprefix("file://")), mkdir=True)
    return from_url(url)


def _encoded(i420: Image, codec: ImageCodec) -> Image:
    """The bytes to be stored, in one dimension: those of the picture itself where they lie in order."""
    match codec:
        case ImageCodec.I420:
            return np.ascontiguousarray(i420).reshape(-1)
        case ImageCodec.JPEG:
            bgr = cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420)
            return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].astype(np.uint8).reshape(-1)


def _decoded(content: bytes, image: ImageRef) -> Image:
    flat = np.frombuffer(content, np.uint8)
    match image.codec:
        case ImageCodec.I420:
            if flat.size != image.width * image.height * 3 // 2:
                raise FrameCorruptError(f"{image.uri}: {flat.size} bytes are no I420 {image.width}x{image.height}")
            return cv2.cvtColor(flat.reshape(-1, image.width), cv2.COLOR_YUV2BGR_I420).astype(np.uint8, copy=False)
        case ImageCodec.JPEG:
            bgr = cv2.imdecode(flat, cv2.IMREAD_COLOR)
            if bgr is None:
                raise FrameCorruptError(f"{image.uri} is no JPEG")
            return bgr.astype(np.uint8, copy=False)
