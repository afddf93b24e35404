"""Acts ingest, inference and events for the api's tests: it reads camera specs and writes what would come of them.

with ActingSite(broker.bootstrap, {"rtsp://10.0.0.5/live": Scene(people=3, fall_after_s=0.4)}) as site:
    …                       # a call adds a camera with that source
site.openings["rtsp://10.0.0.5/live"] == 1
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.fakes.brokers import unique
from tests.fakes.site_records import event
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import (
    CameraId,
    CameraSpec,
    CaptureReason,
    EventType,
    FrameAnalyzed,
    ImageCodec,
    ImageRef,
    Provenance,
    SiteId,
    Task,
    ThumbnailReason,
    ThumbnailTaken,
)
from watchpost.errors import SourceFailure
from watchpost.stream import RecordProducer, client_config, key_of, value_of

__all__ = ["ActingSite", "Scene", "scene_jpeg"]

_SITE = SiteId("shop")
_PROVENANCE = Provenance("acting", "fp32", "sha256:0", "", "test", "0")
_TICK_S = 0.005


@dataclass(frozen=True, slots=True)
class Scene:
    """What a camera of some source shows.

    Args:
        people: how many stand in it.
        fall_after_s: somebody falls so long after its opening, confirmed at once.
        agrees_after_s: every task in words is answered by yes so long after its opening, confirmed at once.
        fails: it cannot be opened, for this reason.
        fps: frames analysed a second.
        opens_after_s: how long opening takes.
        bytes_per_s: of the stream.
        dies_after_s: it goes offline so long after its opening.
        silent_after_s: no more frames come after this, and nobody says why.
        has_thumbnails: the events service cuts them.
    """

    people: int = 1
    fall_after_s: float | None = None
    agrees_after_s: float | None = None
    fails: SourceFailure | None = None
    fps: float = 10
    opens_after_s: float = 0.1
    bytes_per_s: int = 500_000
    dies_after_s: float | None = None
    silent_after_s: float | None = None
    has_thumbnails: bool = True


@dataclass(slots=True)
class _Playing:
    spec: CameraSpec
    scene: Scene
    opened_s: float
    frames: int = 0
    thumbnail_s: float | None = None
    has_fallen: bool = False
    agreed: set[str] = field(default_factory=set)
    has_failed: bool = False
    session: str = field(default_factory=lambda: unique("session"))


class ActingSite:
    """The services behind Kafka, acted in one thread. Sources that `scenes` does not name show an empty scene."""

    def __init__(self, bootstrap: str, scenes: Mapping[str, Scene] | None = None) -> None:
        self.scenes: dict[str, Scene] = dict(scenes or {})
        self.openings: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()
        self.history: list[tuple[CameraId, CameraSpec | None]] = []
        self._client = client_config(bootstrap, {}, "acting-site")
        self._producer = RecordProducer(self._client, {"linger.ms": 1})
        self._playing: dict[CameraId, _Playing] = {}
        self._began_at = datetime.now(UTC)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._act, name="acting-site")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def watched(self) -> dict[CameraId, CameraSpec]:
        """The cameras that are read at this moment."""
        now = datetime.now(UTC)
        return {camera: playing.spec for camera, playing in dict(self._playing).items() if not _is_over(playing, now)}

    def written(self, camera: str) -> list[CameraSpec | None]:
        """Every spec of a camera that was written meanwhile, None for a removal."""
        return [spec for name, spec in list(self.history) if name == camera]

    def wait_until_free(self) -> None:
        """Return when no camera is read: far sooner than a lease of 15 s ends, who frees a camera frees it now."""
        wait_for(lambda: self.watched, lambda left: not left, within_s=3)

    def new_source(self, scene: Scene) -> str:
        """The address of a camera that nobody has called before, showing `scene`."""
        source = f"rtsp://10.0.0.5/{unique('live')}"
        self.scenes[source] = scene
        return source

    def write(self, spec: CameraSpec) -> None:
        """Write a spec as the config loader would."""
        self._producer.send(TopicName.CAMERAS, spec, key=spec.camera)
        self._producer.flush()

    def remove(self, camera: str) -> None:
        """Remove a camera."""
        self._producer.send_bytes(TopicName.CAMERAS, None, key=camera.encode())
        self._producer.flush()

    def _act(self) -> None:
        consumer = Consumer({**self._client, "group.id": unique("acting"), "enable.auto.commit": False})
        topic = TopicName.CAMERAS.value
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        try:
            while not self._stop.is_set():
                message = consumer.poll(_TICK_S)
                if message is not None and message.error() is None:
                    self._read(CameraId((key_of(message) or b"").decode()), value_of(message))
                for playing in list(self._playing.values()):
                    self._play(playing, time.monotonic())
        finally:
            consumer.close()

    def _read(self, camera: CameraId, value: bytes | None) -> None:
        spec = None if value is None else decode(value, CameraSpec)
        self.history.append((camera, spec))
        before = self._playing.get(camera)
        if spec is None:
            self._playing.pop(camera, None)
        elif before is not None and before.spec.source == spec.source:
            before.spec = spec
        elif spec.expires_at is None or spec.expires_at > datetime.now(UTC):
            self.openings[spec.source] += 1
            scene = self.scenes.get(spec.source, Scene())
            self._playing[camera] = _Playing(spec, scene, time.monotonic() + scene.opens_after_s)

    def _play(self, playing: _Playing, now_s: float) -> None:
        if _is_over(playing, datetime.now(UTC)):
            self._playing.pop(playing.spec.camera, None)
            return
        scene, since_s = playing.scene, now_s - playing.opened_s
        if since_s < 0 or playing.has_failed:
            return
        dies = scene.dies_after_s is not None and since_s > scene.dies_after_s
        failure = SourceFailure.REFUSED if dies else scene.fails
        if failure is not None:
            playing.has_failed = True
            self._tell(playing, EventType.CAMERA_OFFLINE, f"{failure}: as the scene has it")
        elif playing.frames <= since_s * scene.fps and since_s <= (scene.silent_after_s or since_s):
            self._look(playing, now_s, since_s)

    def _look(self, playing: _Playing, now_s: float, since_s: float) -> None:
        spec, scene = playing.spec, playing.scene
        at = datetime.now(UTC)
        self._producer.send(TopicName.OBSERVATIONS, _observation(playing, at, since_s), key=spec.camera)
        playing.frames += 1
        self.frames[spec.source] += 1
        falls = scene.fall_after_s is not None and since_s >= scene.fall_after_s and not playing.has_fallen
        if falls and Task.ABNORMAL_BEHAVIOR in spec.assignment.tasks:
            playing.has_fallen = True
            self._tell(playing, EventType.FALL_DETECTED, None)
        if scene.agrees_after_s is not None and since_s >= scene.agrees_after_s:
            for question in spec.assignment.questions:
                if question.name not in playing.agreed:
                    playing.agreed.add(question.name)
                    self._tell(playing, question.name, question.question)
        due = playing.thumbnail_s is None or now_s - playing.thumbnail_s >= spec.assignment.thumbnail_interval_s
        if scene.has_thumbnails and (due or spec.assignment.uplink_mode in {UplinkMode.SAMPLED, UplinkMode.FULL}):
            reason = ThumbnailReason.INTERVAL if due else ThumbnailReason.SAMPLED
            playing.thumbnail_s = now_s if due else playing.thumbnail_s
            jpeg = scene_jpeg(scene.people)
            name = f"{playing.session}-{playing.frames}"
            thumbnail = ThumbnailTaken(name, _SITE, spec.camera, None, at, reason, jpeg, 320, 240)
            self._producer.send(TopicName.THUMBNAILS, thumbnail, key=spec.camera)

    def _tell(self, playing: _Playing, kind: str, detail: str | None) -> None:
        told = event(
            playing.spec.camera,
            event_id=f"{playing.session}-{kind}",
            event_type=kind,
            at=datetime.now(UTC),
            confidence=0.874,
            detail=detail,
        )
        self._producer.send(TopicName.EVENTS, told, key=playing.spec.camera)


def scene_jpeg(people: int) -> bytes:
    """A picture with a white bar for each person."""
    picture = np.full((240, 320, 3), 60, np.uint8)
    for number in range(people):
        picture[60:200, 20 + 40 * number : 40 + 40 * number] = 255
    return cv2.imencode(".jpg", picture)[1].tobytes()


def _is_over(playing: _Playing, now: datetime) -> bool:
    return playing.spec.expires_at is not None and playing.spec.expires_at <= now


def _observation(playing: _Playing, at: datetime, since_s: float) -> FrameAnalyzed:
    kept_until = at + timedelta(seconds=30)
    return FrameAnalyzed(
        frame_id=f"{playing.spec.camera}-{playing.session}-{playing.frames}",
        site=_SITE,
        camera=playing.spec.camera,
        captured_at=at,
        analyzed_at=at,
        image=ImageRef("file:///nowhere", ImageCodec.I420, 640, 480, 460_800, 0, kept_until),
        reason=CaptureReason.INTERVAL,
        assignment=playing.spec.assignment,
        stream_bytes=round(since_s * playing.scene.bytes_per_s),
        objects=(),
        answers=(),
        person_count=playing.scene.people,
        skipped=None,
        provenance=_PROVENANCE,
    )
