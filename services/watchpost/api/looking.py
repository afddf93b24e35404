"""Waits for what a call wants to see: a first analysed frame, the window that it opens, and a picture of the scene."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from watchpost.api.subscriptions import Seen
from watchpost.api.window import Window, is_analysed
from watchpost.contracts.records import EventChanged, EventType, FrameAnalyzed, SkipReason, ThumbnailTaken
from watchpost.errors import SourceError, SourceFailure

__all__ = ["begins", "failure_from", "fill", "first_frame", "recent_enough", "wait_for_thumbnail"]


async def first_frame(
    records: asyncio.Queue[Seen], tasks: Iterable[str], since: datetime, within_s: float
) -> FrameAnalyzed:
    """The first analysed frame of which all these tasks were asked.

    Args:
        records: those of one camera.
        tasks: a camera that others watch too is told of further tasks while its frames come.
        since: no frame that was captured before.
        within_s: how long to wait.

    Raises:
        SourceError: the camera failed meanwhile, or no such frame came in time.
    """
    wanted, skipped = set(tasks), None
    try:
        async with asyncio.timeout(within_s):
            while True:
                match (await records.get()).record:
                    case FrameAnalyzed() as frame if begins(frame, wanted, since):
                        return frame
                    case FrameAnalyzed(skipped=SkipReason() as reason):
                        skipped = reason
                    case EventChanged(type=EventType.CAMERA_OFFLINE) as event:
                        raise failure_from(event.detail or "")
                    case _:
                        continue
    except TimeoutError:
        said = "no frame of it was analysed" if skipped is None else f"its frames were not analysed ({skipped})"
        raise SourceError(SourceFailure.TIMEOUT, f"{said} within {within_s:g} s") from None


def begins(frame: FrameAnalyzed, tasks: set[str], since: datetime) -> bool:
    """Whether a call's window may begin with this frame."""
    return is_analysed(frame) and tasks <= set(frame.assignment.tasks) and frame.captured_at >= since


async def fill(window: Window, records: asyncio.Queue[Seen], until_s: float, blind_after_s: float) -> None:
    """Take in what comes until the event loop's time is `until_s`.

    Raises:
        SourceError: the camera went offline, or nothing of it was analysed in the last `blind_after_s`: who was not
            looked at was not seen to be well.
    """
    now_s = asyncio.get_running_loop().time
    seen_s = now_s()
    try:
        async with asyncio.timeout_at(until_s):
            while True:
                seen = await records.get()
                match seen.record:
                    case EventChanged(type=EventType.CAMERA_OFFLINE) as event:
                        raise failure_from(event.detail or "")
                    case FrameAnalyzed() as frame if is_analysed(frame):
                        seen_s = now_s()
                window.take(seen.record, seen.value_bytes)
    except TimeoutError:
        if until_s - seen_s > blind_after_s:
            said = f"no frame of it was analysed in the last {until_s - seen_s:.0f} s of the window"
            raise SourceError(SourceFailure.TIMEOUT, said) from None


async def wait_for_thumbnail(window: Window, records: asyncio.Queue[Seen], within_s: float) -> ThumbnailTaken | None:
    """The window's newest thumbnail, or the first that comes within `within_s` of now; None if none does."""
    try:
        async with asyncio.timeout(within_s):
            while window.newest_thumbnail is None:
                match (await records.get()).record:
                    case ThumbnailTaken() as thumbnail:
                        window.take(thumbnail, 0)  # it went up after the window: it shows the scene and weighs nothing
                    case _:
                        continue
    except TimeoutError:
        return None
    return window.newest_thumbnail


def recent_enough(thumbnail: ThumbnailTaken | None, first: FrameAnalyzed) -> ThumbnailTaken | None:
    """The thumbnail, if it is no older than the camera's interval has it be, one that was missed forgiven."""
    oldest = first.captured_at - timedelta(seconds=2 * first.assignment.thumbnail_interval_s)
    return thumbnail if thumbnail is not None and thumbnail.taken_at >= oldest else None


def failure_from(detail: str) -> SourceError:
    """What ingest said of a camera that is offline: it begins with the reason."""
    reason, _, said = detail.partition(": ")
    known = next((failure for failure in SourceFailure if failure == reason), None)
    return SourceError(known or SourceFailure.TIMEOUT, said if known else (detail or "it is offline"))
