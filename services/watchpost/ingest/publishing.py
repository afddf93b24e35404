"""Brings a picture to whoever analyses it: first its bytes into the frame store, then the record that names them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from watchpost.clock import from_epoch_us
from watchpost.contracts.camera_parts import UplinkReason
from watchpost.contracts.recording_rules import may_record
from watchpost.contracts.records import CameraSpec, CaptureReason, FrameCaptured, Motion, Region, SiteId
from watchpost.errors import RetryableError
from watchpost.frames import FrameStore
from watchpost.ingest.pictures import CutPicture, CutRegion, View
from watchpost.telemetry import metrics
from watchpost.vision.geometry import FULL_FRAME, FractionBox

__all__ = ["Capture", "FramePublisher"]

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Capture:
    """A picture that shall be published, and what is known of it."""

    picture: CutPicture
    view: View
    captured_us: int
    changed: float
    moved: tuple[FractionBox, ...]
    reason: CaptureReason
    regions: tuple[CutRegion, ...] = ()
    uplink: UplinkReason | None = None


class FramePublisher:
    """Publishes one camera's frames. `session` is this life of the worker: it keeps frame ids apart after a restart.

    Args:
        site: the site's name.
        store: where the pixels go.
        send: takes the record to Kafka.
        ttl: after this an answer is of no use.
    """

    def __init__(
        self, site: SiteId, session: str, store: FrameStore, send: Callable[[FrameCaptured], None], ttl: timedelta
    ) -> None:
        self._site, self._session = site, session
        self._store, self._send, self._ttl = store, send, ttl
        self._sequence = 0
        self._refused = False

    def publish(self, spec: CameraSpec, capture: Capture, stream_bytes: int) -> bool:
        """Store and announce a frame. False: the store did not take it, and the frame is left out.

        `stream_bytes`: read of the stream so far.
        """
        frame_id = f"{spec.camera}-{self._session}-{self._sequence}"
        try:
            image = self._store.put(spec.camera, frame_id, capture.picture.i420)
            regions = tuple(self._stored(spec, frame_id, region) for region in capture.regions)
        except RetryableError as error:
            metrics.FRAMES_DROPPED.labels(spec.camera, "store").inc()
            if not self._refused:
                _LOG.error("frame_not_stored", camera=spec.camera, frame_id=frame_id, error=str(error))
            self._refused = True
            return False
        if self._refused:
            _LOG.info("frames_stored_again", camera=spec.camera, frame_id=frame_id)
            self._refused = False
        captured_at = from_epoch_us(capture.captured_us)
        self._send(
            FrameCaptured(
                frame_id=frame_id,
                site=self._site,
                camera=spec.camera,
                captured_at=captured_at,
                sequence=self._sequence,
                source=capture.view.shown,
                roi=capture.picture.roi,
                image=image,
                regions=regions,
                motion=Motion(capture.changed, capture.moved),
                reason=capture.reason,
                assignment=spec.assignment,
                stream_bytes=stream_bytes,
                expires_at=captured_at + self._ttl,
                uplink_reason=capture.uplink,
                recorded=may_record(spec),
            )
        )
        self._sequence += 1
        metrics.FRAMES_CAPTURED.labels(spec.camera, capture.reason).inc()
        return True

    def _stored(self, spec: CameraSpec, frame_id: str, region: CutRegion) -> Region:
        image = self._store.put(spec.camera, f"{frame_id}.{region.name}", region.picture.i420)
        return Region(region.name, region.picture.roi or FULL_FRAME, image)
