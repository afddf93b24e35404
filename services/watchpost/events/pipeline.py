"""The events service's path: observations in; events, commands and thumbnails out."""

import asyncio
from functools import partial

from faust.types import EventT

from watchpost.clock import SystemClock
from watchpost.contracts.records import SiteId
from watchpost.events.cameras import Cameras
from watchpost.events.changelog import SnapshotTable
from watchpost.events.faust_app import (
    begin_of,
    build_app,
    commit_by_partition,
    first_offset_of,
    observations,
    sure_producer,
)
from watchpost.events.lifecycle import fold_every, run_until_stopped
from watchpost.events.observations import ObservationReader
from watchpost.events.prerequisites import kafka_watch, wait_for_topics
from watchpost.events.reading import GaplessReading
from watchpost.events.rules import rules_from
from watchpost.events.saving import Saver
from watchpost.events.thumbnails import Thumbnails
from watchpost.frames import FrameStore
from watchpost.settings import SiteSettings
from watchpost.telemetry import Running, running

__all__ = ["run"]

_TABLE = "cameras"
_SAVE_EVERY_S = 0.5


def run(settings: SiteSettings) -> None:
    """Observations in; events, commands and thumbnails out. What was not acknowledged is not committed.

    Raises:
        WatchpostError: the process must end and be started again; it goes on from what is committed.
    """
    with running("events", settings, "kafka", "cameras") as service:
        partitions = wait_for_topics(settings, _TABLE, service)
        if partitions is not None:
            asyncio.run(_serve(settings, partitions, service))


async def _serve(settings: SiteSettings, partitions: int, service: Running) -> None:
    """Source to commit: read or bury, fold, then save, send and commit in rounds."""
    site, events = SiteId(settings.site.name), settings.events
    app = build_app(settings)
    table = SnapshotTable(app, _TABLE, partitions)
    app.tables.add(table)
    cameras = Cameras(
        site,
        rules_from(settings),
        load=lambda camera: table.get(camera.encode()),
        save_every_s=_SAVE_EVERY_S,
    )
    producer = sure_producer(app)
    reading = GaplessReading(partial(begin_of, app), partial(first_offset_of, app))
    reader = ObservationReader(producer, site)
    pictures = Thumbnails(
        FrameStore(settings.frames, SystemClock()), site, events.thumbnail_width_px, events.thumbnail_quality
    )
    saver = Saver(
        cameras,
        save=table.save,
        deliver=producer.deliver,
        commit=partial(commit_by_partition, app),
        cut=pictures.cut,
        every_s=_SAVE_EVERY_S,
    )

    async def fold(event: EventT[bytes]) -> None:
        partition, offset = event.message.partition, event.message.offset
        if not await reading.admits(partition, offset):
            return
        frame = await reader.read(event)
        if not reading.still_holds(partition, offset):
            return
        if frame is None:
            cameras.passed(partition, offset)
        elif cameras.take(partition, offset, frame, asyncio.get_running_loop().time()):
            saver.hurry()

    async def hand_over(*_: object, **__: object) -> None:
        await saver.settle()
        cameras.forget()
        reading.forget()

    failure = fold_every(app, observations(app), fold)
    app.on_partitions_revoked.connect(hand_over, weak=False)
    watch = kafka_watch(settings, service)
    await run_until_stopped(app, service, failure, work=saver.run, settle=saver.settle, look=partial(watch.poll, 0))
