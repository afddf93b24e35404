"""What ingest writes, without cameras: frames of many cameras at a steady rate, all of one picture.

with FlowingFrames(settings, cameras=24, fps=2) as flow:
    …
flow.captured()    # the ids of all that were acknowledged
"""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import numpy as np

from tests.fakes.specs import assignment
from watchpost.clock import SystemClock
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId, CaptureReason, FrameCaptured, Motion, SiteId, SourceSize, Task
from watchpost.frames import FrameStore
from watchpost.settings import SiteSettings
from watchpost.stream import RecordProducer, client_config

__all__ = ["FlowingFrames"]

_WIDTH_PX, _HEIGHT_PX = 320, 176


class FlowingFrames:
    """Writes while the block runs, each camera `fps` frames a second; a frame is worth `ttl` as the settings say."""

    def __init__(self, settings: SiteSettings, *, cameras: int, fps: float) -> None:
        self.cameras: Sequence[CameraId] = tuple(CameraId(f"camera-{number}") for number in range(cameras))
        self._pause_s = 1 / fps
        self._ttl = timedelta(seconds=settings.ingest.frame_ttl_s)
        self._site = SiteId(settings.site.name)
        self._producer = RecordProducer(client_config(settings.kafka.address, {}, "test"))
        grey = np.full((_HEIGHT_PX * 3 // 2, _WIDTH_PX), 128, np.uint8)
        self._image = FrameStore(settings.frames, SystemClock()).put("all", "grey", grey)
        self._captured: set[str] = set()
        self._stop = threading.Event()
        self._writing = threading.Thread(target=self._write, name="frames")

    def __enter__(self) -> Self:
        self._writing.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._writing.join()

    def captured(self) -> set[str]:
        """The ids of every frame that Kafka has."""
        return set(self._captured)

    def _write(self) -> None:
        sequence = 0
        while not self._stop.wait(self._pause_s):
            frames = [self._frame(camera, sequence) for camera in self.cameras]
            for frame in frames:
                self._producer.send(TopicName.FRAMES, frame, key=frame.camera)
            self._producer.flush()
            self._captured |= {frame.frame_id for frame in frames}
            sequence += 1

    def _frame(self, camera: CameraId, sequence: int) -> FrameCaptured:
        now = datetime.now(UTC)
        return FrameCaptured(
            frame_id=f"{camera}-{sequence}",
            site=self._site,
            camera=camera,
            captured_at=now,
            sequence=sequence,
            source=SourceSize(_WIDTH_PX, _HEIGHT_PX),
            roi=None,
            image=self._image,
            regions=(),
            motion=Motion(0, ()),
            reason=CaptureReason.INTERVAL,
            assignment=assignment(Task.PERSON_DETECTION),
            stream_bytes=0,
            expires_at=now + self._ttl,
        )
