"""The view shows what the topics told: newest first, in bounded memory, to slow readers too."""

import asyncio
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.observations import analyzed
from tests.fakes.site_records import MIDNIGHT, event, thumbnail
from tests.fakes.specs import camera_spec
from watchpost.api.kept import KeptEvents, KeptThumbnails
from watchpost.api.presence import CameraState
from watchpost.api.site_view import SiteView, SpecArrived
from watchpost.api.subscriptions import Seen, SiteRecord, Subscription
from watchpost.contracts.records import CameraId, CameraSpec, EventType

DOOR = CameraId("door")


class StandingClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = MIDNIGHT

    def now(self) -> datetime:
        return self.at


def seen(*records: SiteRecord) -> list[Seen]:
    return [Seen(record, 100) for record in records]


def arrived(spec: CameraSpec, at: datetime = MIDNIGHT) -> list[SpecArrived]:
    return [SpecArrived(spec.camera, spec, at)]


def test_cameras_are_those_of_the_last_specs_that_have_not_expired() -> None:
    clock = StandingClock()
    view = SiteView(clock)
    short = camera_spec("call", expires_at=MIDNIGHT + timedelta(seconds=5))
    view.take([*arrived(camera_spec("door", max_frames=1)), *arrived(camera_spec("till")), *arrived(short)])
    view.take([*arrived(camera_spec("door", max_frames=2)), SpecArrived(CameraId("till"), None, MIDNIGHT)])

    before = dict(view.cameras())
    clock.at += timedelta(seconds=5)

    assert before == {"call": short, "door": camera_spec("door", max_frames=2)}
    assert list(view.cameras()) == ["door"]
    assert view.expired() == [short]


@given(
    revisions=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4)), max_size=80),
    limit=st.integers(1, 30),
)
def test_kept_events_are_the_newest_in_their_highest_revision(revisions: list[tuple[int, int]], limit: int) -> None:
    kept = KeptEvents(most=1000)
    for number, revision in revisions:
        kept.take(event(event_id=str(number), revision=revision, at=MIDNIGHT + timedelta(seconds=number)))

    highest = {number: max(r for n, r in revisions if n == number) for number, _ in revisions}
    newest = kept.newest(None, None, limit, None)
    assert [(int(one.event_id), one.revision) for one in newest] == sorted(highest.items(), reverse=True)[:limit]


def test_kept_events_are_bounded_and_the_oldest_go() -> None:
    kept = KeptEvents(most=100)

    for number in range(1000):
        kept.take(event(event_id=str(number), at=MIDNIGHT + timedelta(seconds=number)))

    assert len(kept._events) <= 100
    assert kept.get("999") is not None
    assert kept.get("0") is None


def test_events_are_chosen_by_camera_type_and_time() -> None:
    view = SiteView(StandingClock())
    fall, count, other = event(), event(event_type="person_count", at=MIDNIGHT + timedelta(seconds=9)), event("till")
    view.take(seen(fall, count, other))

    assert view.recent_events(DOOR, None, 10) == [count, fall]
    assert view.recent_events(None, None, 10, EventType.FALL_DETECTED) == [fall, other]
    assert view.recent_events(DOOR, MIDNIGHT + timedelta(seconds=1), 10) == [count]
    assert view.event(other.event_id) == other


@given(sizes_bytes=st.lists(st.integers(0, 5000), max_size=60))
def test_kept_thumbnails_stay_within_their_bytes_and_the_newest_stays(sizes_bytes: list[int]) -> None:
    kept = KeptThumbnails(most_bytes=20_000)

    for number, size_bytes in enumerate(sizes_bytes):
        newest = thumbnail(thumbnail_id=str(number), at=MIDNIGHT + timedelta(seconds=number), jpeg=b"x" * size_bytes)
        kept.take(newest)
        kept.take(newest)
        assert sum(len(one.jpeg) for one in kept._thumbnails.values()) <= 20_000
        assert kept.newest_of(DOOR) == newest == kept.get(str(number))


def test_newest_thumbnail_of_a_camera_goes_with_its_bytes() -> None:
    kept = KeptThumbnails(most_bytes=10_000)
    kept.take(thumbnail("gone", jpeg=b"x" * 5000))

    for _ in range(5):
        kept.take(thumbnail("door", jpeg=b"x" * 2000))

    assert kept.newest_of(CameraId("gone")) is None


async def _slow_reader() -> Subscription:
    view = SiteView(StandingClock())
    async with view.subscribe(DOOR) as records:
        for number in range(1003):
            view.take(seen(event(event_id=str(number)), event("till")))
        return records


def test_slow_reader_loses_the_oldest_and_can_tell() -> None:
    records = asyncio.run(_slow_reader())

    first = records.get_nowait().record
    assert records.lost_records == 3
    assert first == event(event_id="3")
    assert records.qsize() == 999


async def _two_readers() -> tuple[list[str], list[str], int]:
    view = SiteView(StandingClock())
    async with view.subscribe(DOOR) as of_door, view.subscribe(None) as of_all:
        view.take(seen(event("door"), event("till"), thumbnail("door")))
        cameras = [[str(queue.get_nowait().record.camera) for _ in range(queue.qsize())] for queue in (of_door, of_all)]
    view.take(seen(event("door")))
    return cameras[0], cameras[1], of_door.qsize() + of_all.qsize()


def test_readers_get_what_they_asked_for_and_nothing_after_they_left() -> None:
    assert asyncio.run(_two_readers()) == (["door", "door"], ["door", "till", "door"], 0)


async def _waited(view: SiteView, *, spec_comes: bool) -> bool:
    waiting = asyncio.create_task(view.until(lambda: DOOR in view.cameras(), within_s=5 if spec_comes else 0.05))
    await asyncio.sleep(0)
    view.take(arrived(camera_spec("door" if spec_comes else "till")))
    return await waiting


def test_waiting_for_a_spec_ends_when_it_comes_or_when_the_time_is_over() -> None:
    assert asyncio.run(_waited(SiteView(StandingClock()), spec_comes=True))
    assert not asyncio.run(_waited(SiteView(StandingClock()), spec_comes=False))


def test_presence_is_what_the_last_health_event_said() -> None:
    view = SiteView(StandingClock())
    online = event(event_type=EventType.CAMERA_ONLINE, at=MIDNIGHT + timedelta(seconds=1))
    offline = event(event_type=EventType.CAMERA_OFFLINE, at=MIDNIGHT + timedelta(seconds=9), detail="refused: no")
    # partitions are read one after the other: events may come before the spec that they are about
    view.take(seen(offline, online))
    view.take(arrived(camera_spec()))

    presence = view.presence(DOOR)

    assert (presence.state, presence.reason, presence.since) == (CameraState.OFFLINE, "refused: no", offline.at)


def test_picture_says_that_a_camera_is_online_of_which_nothing_else_is_known() -> None:
    view = SiteView(StandingClock())
    frame = analyzed(1, 0, [])
    view.take(arrived(camera_spec()))
    before = view.presence(DOOR).state

    view.take(seen(frame))

    assert (before, view.presence(DOOR).state) == (CameraState.UNKNOWN, CameraState.ONLINE)


def test_picture_of_another_source_is_no_newest_picture() -> None:
    view = SiteView(StandingClock())
    view.take(arrived(camera_spec()))
    view.take(seen(analyzed(1, 0, [])))

    view.take(arrived(camera_spec(max_frames=1)))
    same_source = view.latest_frame(DOOR)
    view.take(arrived(camera_spec(source="sim:room")))

    assert same_source == analyzed(1, 0, [])
    assert view.latest_frame(DOOR) is None


def test_picture_counts_as_long_as_the_substream_stays_it_was_taken_from() -> None:
    view = SiteView(StandingClock())
    view.take(arrived(camera_spec(substream="sim:room")))
    view.take(seen(analyzed(1, 0, [])))

    view.take(arrived(camera_spec(source="sim:yard", substream="sim:room")))
    same_substream = view.latest_frame(DOOR)
    view.take(arrived(camera_spec(source="sim:yard", substream="sim:hall")))

    assert same_substream == analyzed(1, 0, [])
    assert view.latest_frame(DOOR) is None


def test_presence_of_another_source_does_not_count() -> None:
    view = SiteView(StandingClock())
    view.take(arrived(camera_spec()))
    view.take(seen(event(event_type=EventType.CAMERA_OFFLINE)))
    later = MIDNIGHT + timedelta(minutes=1)

    view.take(arrived(camera_spec(max_frames=1), later))
    same_source = view.presence(DOOR).state
    view.take(arrived(camera_spec(source="sim:room"), later))
    other_source = view.presence(DOOR).state
    view.take([SpecArrived(DOOR, None, later), *arrived(camera_spec(), later)])

    assert (same_source, other_source) == (CameraState.OFFLINE, CameraState.UNKNOWN)
    assert view.presence(DOOR).state is CameraState.UNKNOWN
