"""Says what a stretch of a camera's records comes to, as pure arithmetic that needs no camera to be tried.

window = Window(first_analysed_frame)
for seen in what_follows:
    window.take(seen.record, seen.value_bytes)
window.person_count, window.confirmed(types_of(tasks)), window.saved_percent
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from watchpost.api.subscriptions import SiteRecord
from watchpost.contracts.records import (
    CaptureReason,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    Task,
    ThumbnailTaken,
)

__all__ = [
    "ABNORMAL",
    "Window",
    "confirmed_in",
    "is_analysed",
    "middle_count",
    "read_bytes",
    "saved_percent",
    "types_of",
]

ABNORMAL = frozenset({EventType.FALL_DETECTED, EventType.INTRUSION, EventType.LOITERING, EventType.CROWD})
"""What the task `abnormal_behavior` means."""


def types_of(tasks: Iterable[str]) -> frozenset[str]:
    """The types of events that these tasks mean: what should not be, and those of tasks in words by their names."""
    asked = set(tasks)
    own = asked - set(Task)
    return frozenset(own | ABNORMAL if Task.ABNORMAL_BEHAVIOR in asked else own)


class Window:
    """What was seen of one camera from the frame `first` on, which must have been analysed.

    A record belongs to the window when what it tells of happened in `first` or later: an event that an earlier frame
    confirmed, or that is written again because a service started anew, arrives late and is none of this window's.
    """

    def __init__(self, first: FrameAnalyzed) -> None:
        self.first = first
        self.newest_thumbnail: ThumbnailTaken | None = None
        self._frames: list[FrameAnalyzed] = [first]
        self._events: list[EventChanged] = []
        self._sent_bytes = 0

    def take(self, record: SiteRecord, value_bytes: int) -> None:
        """Take in a record of the camera, in the order of its arrival; `value_bytes`: its size on the topic."""
        match record:
            case FrameAnalyzed() if record.reason is not CaptureReason.BURST:
                self._frames.append(record)
            case EventChanged():
                self._sent_bytes += value_bytes
                self._events.append(record)
            case ThumbnailTaken():
                self._sent_bytes += value_bytes
                newest = self.newest_thumbnail
                taken_since = self.first.captured_at if newest is None else newest.taken_at
                if record.taken_at >= taken_since:
                    self.newest_thumbnail = record

    @property
    def person_count(self) -> int:
        """How many people there were: the middle of what the analysed frames counted."""
        return middle_count([frame.person_count for frame in self._frames if is_analysed(frame)])

    def confirmed(self, types: Collection[str]) -> tuple[EventChanged, ...]:
        """The events of these types that were confirmed, each once, by the time at which they were opened."""
        told = [event for event in self._events if event.type in types]
        return tuple(event for event in confirmed_in(told) if event.at >= self.first.captured_at)

    @property
    def saved_percent(self) -> int:
        """How much less than the stream itself went up."""
        return saved_percent(self._sent_bytes, read_bytes(self._frames))


def is_analysed(frame: FrameAnalyzed) -> bool:
    """Whether it says what was seen now: not of a skipped frame, nor of a burst, whose frames arrive out of turn."""
    return frame.skipped is None and frame.reason is not CaptureReason.BURST


def middle_count(counts: Sequence[int]) -> int:
    """The median of the counts, a half rounded up; 0 without any.

    The median, because a detector errs in single frames and both ways: one frame with two boxes on one person would
    decide a maximum, and people who are hidden for a moment a mean. A half goes up: people are missed more often than
    made up.
    """
    if not counts:
        return 0
    ordered, middle = sorted(counts), len(counts) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle] + 1) // 2


def confirmed_in(events: Iterable[EventChanged]) -> tuple[EventChanged, ...]:
    """The first confirmed revision of each event, by opening time; without those that were withdrawn after all."""
    confirmed: dict[str, EventChanged] = {}
    withdrawn: set[str] = set()
    for event in sorted(events, key=lambda event: event.revision):
        match event.phase:
            case EventPhase.CONFIRMED:
                confirmed.setdefault(event.event_id, event)
            case EventPhase.WITHDRAWN:
                withdrawn.add(event.event_id)
            case _:
                continue
    told = [event for event in confirmed.values() if event.event_id not in withdrawn]
    return tuple(sorted(told, key=lambda event: (event.opened_at, event.event_id)))


def read_bytes(frames: Iterable[FrameAnalyzed]) -> int:
    """What was read of the stream between the oldest and the newest of these frames.

    The count that frames carry begins again with the process that reads the stream: where it falls, what was read in
    between is not known and not claimed.
    """
    counts = [frame.stream_bytes for frame in sorted(frames, key=lambda frame: frame.captured_at)]
    return sum(max(0, later - earlier) for earlier, later in pairwise(counts))


def saved_percent(sent_bytes: int, stream_bytes: int) -> int:
    """What `sent_bytes` save against `stream_bytes`, in whole per cent, rounded down, never below 0.

    Of a stream of which nothing was read nothing was saved: 0.
    """
    if stream_bytes <= 0:
        return 0
    return max(0, 100 * (stream_bytes - sent_bytes) // stream_bytes)
