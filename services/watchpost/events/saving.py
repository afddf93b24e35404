"""Group commit: what was folded becomes durable, then visible, then committed, in that order and for many at once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from watchpost.contracts import TopicName, decode, encode
from watchpost.contracts.records import CameraId, EventChanged, ThumbnailTaken
from watchpost.events.cameras import Camera, Cameras
from watchpost.events.changelog import Unsaved
from watchpost.events.faust_kafka import Outgoing
from watchpost.events.outputs import ThumbnailRequest
from watchpost.events.owed import Owed
from watchpost.events.thumbnails import missed
from watchpost.telemetry import metrics

__all__ = ["Saver"]

_LOG = structlog.get_logger()
_THUMBNAIL_LIMIT_S = 5.0


class Saver:
    """Saves, sends and commits, round after round. An exception from it must end the process: nothing was committed.

    A round: snapshots (with what they owe) into the changelog, awaited; events and commands, awaited; commit. A crash
    between any two leaves the debt in the changelog, and who comes next pays it. Thumbnails follow beside the rounds,
    so that no event waits for a picture; until they are sent their frames stay uncommitted.

    Args:
        cameras: what is in memory.
        save: writes snapshots; they are acknowledged when it returns.
        deliver: writes outputs; they are acknowledged when it returns.
        commit: commits offsets by partition.
        cut: makes a picture, or None; called in a thread of its own.
        every_s: the longest pause between rounds.

    """

    def __init__(
        self,
        cameras: Cameras,
        *,
        save: Callable[[Sequence[Unsaved]], Awaitable[object]],
        deliver: Callable[[Sequence[Outgoing]], Awaitable[object]],
        commit: Callable[[Mapping[int, int]], Awaitable[object]],
        cut: Callable[[ThumbnailRequest, CameraId], ThumbnailTaken | None],
        every_s: float,
    ) -> None:
        self._cameras = cameras
        self._save = save
        self._deliver = deliver
        self._commit = commit
        self._cut = cut
        self._every_s = every_s
        self._owing = asyncio.Event()
        self._one_round = asyncio.Lock()
        self._pictures: set[asyncio.Task[None]] = set()
        # one thread: pictures must not take the cores from inference
        self._cutter = ThreadPoolExecutor(1, thread_name_prefix="thumbnails")

    def hurry(self) -> None:
        """Say that something is owed: the next round begins at once."""
        self._owing.set()

    async def run(self) -> None:
        """Save for ever.

        Raises:
            RetryableError: Kafka did not acknowledge something; end, and begin again from what is committed.
        """
        while True:
            with contextlib.suppress(TimeoutError):  # nothing is owed: the round saves what is old
                await asyncio.wait_for(self._owing.wait(), self._every_s)
            self._owing.clear()
            await self.round()

    async def settle(self) -> None:
        """Save, send and commit everything, pictures too: a partition is about to leave, or the service ends."""
        await self.round(everything=True)
        if self._pictures:
            await asyncio.wait(self._pictures)
        await self.round(everything=True)

    async def round(self, *, everything: bool = False) -> None:
        """Save, send and commit what is due.

        Raises:
            RetryableError: Kafka did not acknowledge something.
        """
        async with self._one_round:
            due = self._cameras.due(asyncio.get_running_loop().time(), everything=everything)
            # taken in one step, without a pause: what is sent below is what the snapshots say
            snapshots = [Unsaved(camera.partition, camera.name.encode(), camera.snapshot()) for camera in due]
            unsent = [(camera, owed) for camera in due for owed in camera.take_unsent()]
            await self._save(snapshots)
            await self._send(unsent)
            for task in [task for task in self._pictures if task.done()]:
                self._pictures.discard(task)
                task.result()
            settled = self._cameras.settled()
            if settled:
                await self._commit(settled)
                self._cameras.committed(settled)

    async def _send(self, unsent: list[tuple[Camera, Owed]]) -> None:
        await self._deliver(
            [
                Outgoing(record.topic, camera.name.encode(), record.value)
                for camera, owed in unsent
                for record in owed.records
            ]
        )
        for camera, owed in unsent:
            _tell(owed)
            if owed.thumbnails:
                camera.records_paid(owed.frame_id)
                self._pictures.add(asyncio.create_task(self._send_pictures(camera, owed)))
            else:
                camera.paid(owed.frame_id)

    async def _send_pictures(self, camera: Camera, owed: Owed) -> None:
        for request in owed.thumbnails:
            await self._send_picture(camera, request)
        camera.paid(owed.frame_id)

    async def _send_picture(self, camera: Camera, request: ThumbnailRequest) -> None:
        cutting = asyncio.get_running_loop().run_in_executor(self._cutter, self._cut, request, camera.name)
        try:
            taken = await asyncio.wait_for(cutting, _THUMBNAIL_LIMIT_S)
        except TimeoutError:
            missed(request, "too_slow", f"not cut within {_THUMBNAIL_LIMIT_S} s")
            return
        if taken is not None:
            await self._deliver([Outgoing(TopicName.THUMBNAILS.value, camera.name.encode(), encode(taken))])
            metrics.THUMBNAILS_TAKEN.labels(taken.reason.value).inc()


def _tell(owed: Owed) -> None:
    for record in owed.records:
        if record.topic == TopicName.EVENTS:
            event = decode(record.value, EventChanged)
            metrics.EVENTS_EMITTED.labels(event.type, event.phase.value).inc()
            _LOG.info(
                "event",
                event_id=event.event_id,
                revision=event.revision,
                type=event.type,
                phase=event.phase.value,
                camera=event.camera,
                frame_id=owed.frame_id,
            )
