"""Pictures of frames, cut while these still lie in the frame store, as wide as was asked for."""

import cv2
import numpy as np
import numpy.typing as npt
import structlog

from watchpost.contracts.records import CameraId, SiteId, ThumbnailTaken
from watchpost.errors import FrameCorruptError, FrameGoneError, RetryableError
from watchpost.events.outputs import ThumbnailRequest
from watchpost.frames import FrameStore
from watchpost.telemetry import metrics

__all__ = ["Thumbnails", "missed"]

_LOG = structlog.get_logger()
_CAUSES: dict[type[Exception], str] = {
    FrameGoneError: "gone",
    FrameCorruptError: "corrupt",
    RetryableError: "store_away",
}
# Kafka refuses records over 1 MB; ids, names and headers of the record take less than 1 kB
_MAX_JPEG_BYTES = 890_000


class Thumbnails:
    """Cuts pictures: the pixels as they are, nothing drawn into them. Safe for one thread at a time.

    Args:
        frames: where the frames lie.
        site: whose they are.
        width_px: of those of which no width was asked for. One whose JPEG would be too large for a record is cut as
            wide as fits.
        quality: of the JPEGs.

    """

    def __init__(self, frames: FrameStore, site: SiteId, width_px: int, quality: int) -> None:
        self._frames = frames
        self._site = site
        self._width_px = width_px
        self._quality = quality

    def cut(self, request: ThumbnailRequest, camera: CameraId) -> ThumbnailTaken | None:
        """The thumbnail, the same bytes whenever it is asked for again; None (counted, logged) without its frame."""
        try:
            bgr = self._frames.load_bgr(request.image)
        except (FrameGoneError, FrameCorruptError, RetryableError) as error:
            missed(request, _CAUSES[type(error)], str(error))
            return None
        jpeg, (width_px, height_px) = self._fitting(bgr, request.width_px or self._width_px)
        return ThumbnailTaken(
            thumbnail_id=request.thumbnail_id,
            site=self._site,
            camera=camera,
            event_id=request.event_id,
            taken_at=request.taken_at,
            reason=request.reason,
            jpeg=jpeg,
            width=width_px,
            height=height_px,
        )

    def _fitting(self, bgr: npt.NDArray[np.uint8], width_px: int) -> tuple[bytes, tuple[int, int]]:
        """The JPEG and its size in pixels, at most `width_px` wide, and narrower until it fits into a record."""
        height_px, full_px = bgr.shape[:2]
        shown_px = min(width_px, full_px)
        while True:
            size_px = (shown_px, max(1, round(height_px * shown_px / full_px)))
            small = bgr if shown_px == full_px else cv2.resize(bgr, size_px, interpolation=cv2.INTER_AREA)
            _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
            if jpeg.size <= _MAX_JPEG_BYTES:
                return jpeg.tobytes(), size_px
            # bytes go with the area; a tenth more is taken off, because a smaller picture has more in each pixel
            shown_px = int(shown_px * (_MAX_JPEG_BYTES / jpeg.size) ** 0.5 * 0.9)


def missed(request: ThumbnailRequest, cause: str, detail: str) -> None:
    """Count and tell that a picture could not be had. The event that it belongs to is out already."""
    metrics.THUMBNAILS_MISSED.labels(cause).inc()
    _LOG.warning("no thumbnail", cause=cause, frame_id=request.frame_id, event_id=request.event_id, detail=detail)
