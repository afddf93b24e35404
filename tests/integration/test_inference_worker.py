"""The inference worker on a real broker: it reads while it looks, and dies at any step without losing a frame."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from confluent_kafka import Consumer, TopicPartition

from tests.fakes.brokers import unique
from tests.fakes.slow_worker import SlowWorker
from tests.waiting import wait_for
from watchpost.analyze import captured_frame
from watchpost.clock import SystemClock
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import CameraId, FrameAnalyzed, FrameCaptured
from watchpost.frames import FrameStore
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.delivery import read_topic
from watchpost.site.topics import apply_site_topics
from watchpost.stream import DeadLetters, RecordConsumer, RecordProducer, client_config, value_of
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.vision.recording import RecordedFrame

pytestmark = pytest.mark.kafka

CAMERAS = tuple(f"camera-{number}" for number in range(6))
BATCH = 4
PICTURE = np.full((48 * 3 // 2, 64), 128, np.uint8)


class Site:
    """The topics and the frame store of a site on which tests play the cameras."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.config = folder / "site.yaml"
        self.group = unique("inference")
        self.config.write_text(
            yaml.safe_dump(
                {
                    "site": "shop",
                    "state_dir": str(folder / "state"),
                    "kafka": {"bootstrap": bootstrap},
                    "frames": {"url": f"file://{folder / 'frames'}", "keep_s": 600},
                    "telemetry": {"ports": {"inference": 0}},
                    # whatever happens, no frame is too old to be looked at
                    "inference": {"batch": BATCH, "group": self.group, "stale_after_s": 600},
                }
            )
        )
        self.settings: SiteSettings = load_settings(self.config)
        apply_site_topics(self.settings, "site")
        self.client = client_config(bootstrap, {}, "test")
        self.frames: list[FrameCaptured] = []
        self._store = FrameStore(self.settings.frames, SystemClock())
        self._producer = RecordProducer(self.client)

    def capture(self, count: int, cameras: tuple[str, ...] = CAMERAS) -> list[str]:
        """So many frames of each camera; their names, acknowledged when this returns."""
        now = SystemClock().now()
        captured = []
        for _ in range(count):
            for camera in cameras:
                number = len(self.frames)
                shot = captured_frame(
                    RecordedFrame(number, number / 5, np.zeros((48, 64, 3), np.uint8)), CameraId(camera)
                )
                name = f"{camera}-{number:04}"
                frame = replace(
                    shot,
                    frame_id=name,
                    captured_at=now + timedelta(microseconds=number),
                    expires_at=now + timedelta(minutes=10),
                    image=self._store.put(camera, name, PICTURE),
                )
                self._producer.send(TopicName.FRAMES, frame, key=camera)
                self.frames.append(frame)
                captured.append(name)
        self._producer.flush()
        return captured

    def observations(self) -> list[FrameAnalyzed]:
        """All that was answered, in each camera's order."""
        topic = TopicName.OBSERVATIONS.value
        return list(read_topic(self.client, topic, lambda message: decode(value_of(message) or b"", FrameAnalyzed)))

    def answered(self) -> set[str]:
        return {seen.frame_id for seen in self.observations()}

    def committed(self) -> set[str]:
        """The frames before the offsets that the group has committed."""
        consumer = Consumer({**self.client, "group.id": self.group})
        try:
            parts = [TopicPartition(TopicName.FRAMES.value, number) for number in range(24)]
            upto = {part.partition: part.offset for part in consumer.committed(parts, timeout=10)}
        finally:
            consumer.close()
        read = read_topic(
            self.client,
            TopicName.FRAMES.value,
            lambda message: (message.partition(), message.offset(), decode(value_of(message) or b"", FrameCaptured)),
        )
        return {frame.frame_id for partition, offset, frame in read if (offset or 0) < upto[partition or 0]}


@pytest.fixture
def site(fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path) -> Site:
    return Site(fresh_broker().bootstrap, tmp_path)


@pytest.fixture
def worker(site: Site, tmp_path: Path) -> Iterator[SlowWorker]:
    made = SlowWorker(site.config, tmp_path / "worker")
    yield made
    made.kill()


def test_frames_are_read_and_loaded_while_the_worker_looks_at_others(site: Site, worker: SlowWorker) -> None:
    worker.hold()
    worker.start()
    site.capture(1, CAMERAS[:1])
    first = wait_for(lambda: worker.steps("look"), within_s=60)

    # one by one, each taken before the next is captured
    for count in range(1, 1 + BATCH):
        site.capture(1, CAMERAS[1:2])
        wait_for(lambda: len(worker.steps("loaded")), (1 + count).__eq__)
    assert worker.steps("look") == first
    assert worker.steps("seen") == []

    worker.let_go()
    wait_for(lambda: len(site.answered()), (1 + BATCH).__eq__)
    assert worker.steps("look") == [*first, [frame.frame_id for frame in site.frames[1:]]]


def test_worker_killed_at_any_step_leaves_no_frame_without_an_answer(site: Site, worker: SlowWorker) -> None:
    for step in ("look", "sent", "flushed", "committed"):
        site.capture(4)
        worker.start(dies_at=step)
        worker.wait_until_dead()
        # nothing is committed of which the answer was not acknowledged
        assert site.committed() <= site.answered()

    worker.start()
    site.capture(2)
    wait_for(site.answered, lambda answered: len(answered) == len(site.frames), within_s=60)

    wait_for(site.committed, lambda committed: len(committed) == len(site.frames), within_s=20)
    assert all(seen.skipped is None for seen in site.observations())
    for camera in CAMERAS:
        own = [seen.frame_id for seen in site.observations() if seen.camera == camera]
        firsts = list(dict.fromkeys(own))
        assert firsts == [frame.frame_id for frame in site.frames if frame.camera == camera]


def test_partitions_are_given_up_while_the_worker_looks_and_their_frames_left_to_the_next(
    site: Site, worker: SlowWorker
) -> None:
    worker.hold()
    worker.start()
    site.capture(2)
    wait_for(lambda: worker.steps("look"), within_s=60)
    assigned: list[frozenset[int]] = []

    with RecordConsumer(
        site.client,
        group=site.group,
        topics={TopicName.FRAMES.value: FrameCaptured},
        dead_letters=DeadLetters(RecordProducer(site.client), "test"),
        on_assigned=lambda _topic, partitions: assigned.append(partitions),
    ) as other:
        theirs: set[str] = set()

        def look() -> set[str]:
            theirs.update(one.record.frame_id for one in other.take(100, 50) if one.record is not None)
            return theirs

        # nobody sees anything before the other has its share of the cameras
        wait_for(look, within_s=30)
        assert assigned
        assert worker.steps("seen") == []
        worker.let_go()
        captured = {frame.frame_id for frame in site.frames}
        wait_for(lambda: site.answered() | look(), lambda dealt_with: dealt_with == captured, within_s=30)
        assert site.answered().isdisjoint(theirs)
