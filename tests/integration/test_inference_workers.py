"""Several inference workers of one group: one is killed under load, and no frame is passed over without a word."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka.admin import AdminClient

from tests.fakes.flowing_frames import FlowingFrames
from tests.fakes.tiny_qwen import write_tiny_qwen
from tests.requirements import require_inference
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import CameraId, FrameAnalyzed, FrameCaptured
from watchpost.settings import load_settings
from watchpost.site.delivery import group_lag_records, read_topic
from watchpost.site.processes import command_of, processes_of
from watchpost.site.supervisor import Supervisor
from watchpost.site.topics import apply_site_topics
from watchpost.stream import client_config, value_of
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(420)]

CAMERAS, WORKERS, PARTITIONS = 24, 3, 24
TINY = {"model": "qwen3-vl-4b", "device": "cpu"}


class Workers:
    """The workers that `watchpost up` would run by this file, and who of them owns which partitions."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.settings = load_settings(config)
        self.client = client_config(self.settings.kafka.address, {}, "test")
        self._admin = AdminClient(dict(self.client))
        self._group = self.settings.inference.group
        apply_site_topics(self.settings, "site")
        workers = [process for process in processes_of(self.settings) if process.service == "inference"]
        # nobody looks after them: who is killed stays away
        self.supervisor = Supervisor([command_of(worker, config) for worker in workers], folder / "run")

    def shares(self) -> dict[str, set[int]]:
        """The partitions of each member of the group."""
        group = self._admin.describe_consumer_groups([self._group])[self._group].result(10)
        return {
            member.member_id: {one.partition for one in member.assignment.topic_partitions} for member in group.members
        }

    def wait_for_members(self, count: int) -> dict[str, set[int]]:
        """Wait until so many share the partitions evenly."""
        even = [PARTITIONS // count] * count
        return wait_for(self.shares, lambda shares: [*map(len, shares.values())] == even, within_s=120)

    def answers(self) -> list[FrameAnalyzed]:
        """Every answer so far."""
        return list(
            read_topic(
                self.client, TopicName.OBSERVATIONS, lambda message: decode(value_of(message) or b"", FrameAnalyzed)
            )
        )

    def cameras_of(self, partitions: set[int]) -> set[CameraId]:
        """The cameras whose frames lie there."""
        frames = read_topic(
            self.client,
            TopicName.FRAMES,
            lambda message: (message.partition(), decode(value_of(message) or b"", FrameCaptured).camera),
        )
        return {camera for partition, camera in frames if partition in partitions}

    def wait_until_answered(self) -> None:
        """Wait until all that was captured is committed."""
        wait_for(
            lambda: group_lag_records(self.client, self._group, TopicName.FRAMES),
            lambda lag: lag == 0,
            within_s=60,
        )


@pytest.fixture(params=["yolox-nano", "qwen3-vl-4b"])
def model_params(
    request: pytest.FixtureRequest, models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The CPU's model everywhere, a tiny Qwen3-VL where what it needs is installed."""
    assert models_dir.is_dir()
    if request.param == "yolox-nano":
        return {}
    require_inference()
    write_tiny_qwen(tmp_path / "bundled" / TINY["model"])
    monkeypatch.setenv("WATCHPOST_BUNDLED_MODELS", str(tmp_path / "bundled"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return {"model_params": TINY}


@pytest.fixture
def workers(
    fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path, model_params: dict[str, Any]
) -> Iterator[Workers]:
    config = tmp_path / "config.yaml"
    content = {
        "kafka": {"bootstrap": fresh_broker().bootstrap},
        "state_dir": str(tmp_path / "state"),
        "frames": {"url": f"file://{tmp_path / 'frames'}"},
        "inference": {"workers": WORKERS},
        "telemetry": {"ports": {"inference": 0}},
        **model_params,
    }
    config.write_text(yaml.safe_dump(content))
    running = Workers(config, tmp_path)
    try:
        running.supervisor.start()
        yield running
    finally:
        running.supervisor.stop()


def analysed_since(answers: list[FrameAnalyzed], since: datetime) -> set[str]:
    return {answer.camera for answer in answers if answer.skipped is None and answer.captured_at > since}


def test_worker_killed_under_load_leaves_no_frame_without_a_word(workers: Workers) -> None:
    workers.wait_for_members(WORKERS)

    with FlowingFrames(workers.settings, cameras=CAMERAS, fps=1) as flow:
        began = datetime.now(UTC)
        before = workers.wait_for_members(WORKERS)
        shares = wait_for(lambda: [workers.cameras_of(share) for share in before.values()], all)
        # each of them looks; on a slow machine not at every camera yet
        wait_for(
            lambda: analysed_since(workers.answers(), began),
            lambda seen: all(seen & cameras for cameras in shares),
            within_s=90,
        )
        workers.supervisor.kill("inference-2")
        after = workers.wait_for_members(WORKERS - 1)
        taken_over = datetime.now(UTC)
        (killed,) = before.keys() - after.keys()
        orphaned = workers.cameras_of(before[killed])
        wait_for(lambda: analysed_since(workers.answers(), taken_over), lambda seen: bool(seen & orphaned), within_s=90)
    workers.wait_until_answered()

    assert orphaned, "the one that was killed had no camera"
    assert workers.supervisor.alive() == {"inference": True, "inference-2": False, "inference-3": True}
    # analysed, or skipped for a reason: none is missing, and a repeat does no harm
    answered = workers.answers()
    assert {answer.frame_id for answer in answered} == flow.captured()
    meanwhile = [answer for answer in answered if answer.camera in orphaned and answer.captured_at < taken_over]
    assert {answer.camera for answer in meanwhile if answer.skipped is not None} == orphaned
