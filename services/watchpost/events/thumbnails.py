"""Small pictures, cut from frames while these still lie in the frame store."""

import cv2
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


class Thumbnails:
    """Cuts thumbnails: the pixels as they are, nothing drawn into them. Safe for one thread at a time."""

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
        height_px, width_px = bgr.shape[:2]
        shown_px = min(self._width_px, width_px)
        size_px = (shown_px, max(1, round(height_px * shown_px / width_px)))
        small = cv2.resize(bgr, size_px, interpolation=cv2.INTER_AREA)
        _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        return ThumbnailTaken(
            thumbnail_id=request.thumbnail_id,
            site=self._site,
            camera=camera,
            event_id=request.event_id,
            taken_at=request.taken_at,
            reason=request.reason,
            jpeg=jpeg.tobytes(),
            width=size_px[0],
            height=size_px[1],
        )


def missed(request: ThumbnailRequest, cause: str, detail: str) -> None:
    """Count and tell that a picture could not be had. The event that it belongs to is out already."""
    metrics.THUMBNAILS_MISSED.labels(cause).inc()
    _LOG.warning("no thumbnail", cause=cause, frame_id=request.frame_id, event_id=request.event_id, detail=detail)
