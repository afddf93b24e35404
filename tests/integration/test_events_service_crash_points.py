"""The events service dies after every single thing that it makes durable, and whoever comes next loses nothing.

Kafka is a log in memory here, so that each crash point is hit, not a random few; the real one is killed elsewhere.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count

import pytest

from tests.fakes.observed_people import observed
from watchpost.contracts import TopicName, decode, encode
from watchpost.contracts.records import CameraId, EventChanged, FrameAnalyzed, SiteId, ThumbnailTaken
from watchpost.events.cameras import Cameras
from watchpost.events.changelog import Unsaved
from watchpost.events.faust_kafka import Outgoing
from watchpost.events.logic import initial_state, step
from watchpost.events.outputs import Outputs, ThumbnailRequest
from watchpost.events.rules import EventRules
from watchpost.events.saving import Saver

SITE = SiteId("shop")
RULES = EventRules(config_version="1", count_interval_s=3.0)
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
CAMERAS = ("door", "yard")


class CrashError(Exception):
    """The process is gone."""


@dataclass
class LogInMemory:
    """What Kafka keeps of one partition: each append is a step after which the process may die.

    log = LogInMemory(steps_left=7)   # the eighth append raises, and is not made
    """

    steps_left: int | None = None
    changelog: list[tuple[bytes, bytes]] = field(default_factory=list)
    outputs: list[Outgoing] = field(default_factory=list)
    committed: int = 0

    async def save(self, snapshots: Sequence[Unsaved]) -> None:
        for one in snapshots:
            self._step()
            self.changelog.append((one.key, one.value))
            await asyncio.sleep(0)

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        for one in records:
            self._step()
            self.outputs.append(one)
            await asyncio.sleep(0)

    async def commit(self, offsets: Mapping[int, int]) -> None:
        self._step()
        self.committed = offsets[0]

    def snapshot(self, camera: CameraId) -> bytes | None:
        return dict(self.changelog).get(camera.encode())

    def _step(self) -> None:
        if self.steps_left is not None:
            if self.steps_left == 0:
                raise CrashError
            self.steps_left -= 1


@cache
def observations() -> list[FrameAnalyzed]:
    """Two cameras of one partition, their frames in turn: a fall each, which is confirmed and ends."""
    plays = [observed(SITE, camera, count=40, begin=BEGIN, first=10) for camera in CAMERAS]
    return [frame for together in zip(*plays, strict=True) for frame in together]


def cut(request: ThumbnailRequest, camera: CameraId) -> ThumbnailTaken | None:
    """A picture whose bytes depend on the frame alone, as the real one's do."""
    return ThumbnailTaken(
        thumbnail_id=request.thumbnail_id,
        site=SITE,
        camera=camera,
        event_id=request.event_id,
        taken_at=request.taken_at,
        reason=request.reason,
        jpeg=request.frame_id.encode(),
        width=1,
        height=1,
    )


async def live(log: LogInMemory, rules: EventRules = RULES, frames_a_round: int = 7) -> None:
    """One life of the service: from what is committed to the end of the observations, or to its crash."""
    begun_at = log.committed
    cameras = Cameras(SITE, rules, load=log.snapshot, save_every_s=0)
    saver = Saver(cameras, save=log.save, deliver=log.deliver, commit=log.commit, cut=cut, every_s=0)
    for offset, frame in list(enumerate(observations()))[begun_at:]:
        cameras.take(0, offset, frame, 0.0)
        if offset % frames_a_round == 0:
            await saver.round()
    await saver.settle()


@cache
def fold() -> list[Outputs]:
    """The pure fold over the observations."""
    states = {camera: initial_state(SITE, CameraId(camera)) for camera in CAMERAS}
    given = []
    for frame in observations():
        states[frame.camera], outputs = step(states[frame.camera], frame, RULES)
        given.append(outputs)
    return given


@cache
def truth() -> dict[tuple[str, int], bytes]:
    """Every event that must be written."""
    return {(event.event_id, event.revision): encode(event) for given in fold() for event in given.events}


@cache
def commands() -> set[bytes]:
    """Every command that must be: a burst of each camera, and what is asked for the sake of who is followed there."""
    return {encode(command) for given in fold() for command in given.commands}


def written(log: LogInMemory, topic: TopicName) -> list[bytes]:
    return [record.value or b"" for record in log.outputs if record.topic == topic]


def events_of(log: LogInMemory) -> dict[tuple[str, int], set[bytes]]:
    """Every event on the topic with all the bytes that it was written with."""
    found: dict[tuple[str, int], set[bytes]] = {}
    for value in written(log, TopicName.EVENTS):
        event = decode(value, EventChanged)
        found.setdefault((event.event_id, event.revision), set()).add(value)
    return found


def crashed(log: LogInMemory, crash_at: int) -> bool:
    """Live until the crash after `crash_at` steps; False when this life came to its end before."""
    log.steps_left = crash_at
    try:
        asyncio.run(live(log))
    except CrashError:
        return True
    finally:
        log.steps_left = None
    return False


def crashed_logs() -> Iterator[tuple[int, LogInMemory]]:
    """A log for each crash point of a life, as the crash leaves it."""
    for crash_at in count():
        log = LogInMemory()
        if not crashed(log, crash_at):
            return
        yield crash_at, log


def test_undisturbed_life_writes_the_fold_once_and_commits_all() -> None:
    log = LogInMemory()

    asyncio.run(live(log))

    assert events_of(log) == {name: {value} for name, value in truth().items()}
    assert len(written(log, TopicName.EVENTS)) == len(truth())
    assert len(commands()) > 2 * len(CAMERAS)
    assert sorted(written(log, TopicName.COMMANDS)) == sorted(commands())
    assert log.committed == len(observations())


@pytest.mark.parametrize("next_rules", [RULES, replace(RULES, config_version="2")], ids=["same rules", "new config"])
def test_crash_at_any_step_loses_nothing_and_repeats_byte_for_byte(next_rules: EventRules) -> None:
    for crash_at, log in crashed_logs():
        asyncio.run(live(log, next_rules))

        events = events_of(log)
        assert events.keys() == truth().keys(), f"after a crash at step {crash_at}"
        assert all(len(forms) == 1 for forms in events.values()), f"after a crash at step {crash_at}"
        assert set(written(log, TopicName.COMMANDS)) == commands(), f"after a crash at step {crash_at}"
        assert log.committed == len(observations())


def test_two_crashes_in_a_row_lose_nothing() -> None:
    for first, once in crashed_logs():
        if first % 4:
            continue
        for second in range(0, 60, 7):
            log = replace(once, changelog=list(once.changelog), outputs=list(once.outputs))
            crashed(log, second)

            asyncio.run(live(log))

            assert events_of(log) == {name: {value} for name, value in truth().items()}, f"crashes {first}, {second}"


def test_thumbnail_of_a_crash_between_event_and_picture_is_sent_by_the_next_life() -> None:
    whole = LogInMemory()
    asyncio.run(live(whole))
    wanted = {decode(value, ThumbnailTaken).thumbnail_id for value in written(whole, TopicName.THUMBNAILS)}
    for _, log in crashed_logs():
        asyncio.run(live(log))

        pictures = written(log, TopicName.THUMBNAILS)
        assert {decode(value, ThumbnailTaken).thumbnail_id for value in pictures} == wanted
        assert len(set(pictures)) == len(wanted)
