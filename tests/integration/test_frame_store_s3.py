"""Frames on a real S3 server: put by one process's store, read by another's, gone after their time."""

from collections.abc import Iterator

import numpy as np
import obstore
import pytest
from obstore.store import from_url

from tests.fakes.clock import SetClock
from tests.fakes.s3_server import S3Server
from watchpost.errors import FrameCorruptError, FrameGoneError, RetryableError
from watchpost.frames import FrameStore
from watchpost.settings import FrameSettings

I420 = np.random.default_rng(1).integers(16, 235, (270, 320), dtype=np.uint8)
URL = "s3://frames/shop"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server("frames") as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("codec", ["i420", "jpeg"])
def test_frame_that_one_store_put_another_reads(clock: SetClock, codec: str) -> None:
    settings = FrameSettings.model_validate({"url": URL, "codec": codec})
    reference = FrameStore(settings, clock).put("door", "door-1", I420)

    bgr = FrameStore(settings, clock).load_bgr(reference)

    assert reference.uri == f"{URL}/door/door-1.{codec}"
    assert bgr.shape == (180, 320, 3)


@pytest.mark.usefixtures("server")
def test_old_frames_are_deleted_and_said_to_be_gone(clock: SetClock) -> None:
    store = FrameStore(FrameSettings(url=URL, keep_s=30), clock)
    old = store.put("door", "door-1", I420)
    clock.pass_s(31)
    store.put("door", "door-2", I420)

    with pytest.raises(FrameGoneError):
        store.load_bgr(old)


@pytest.mark.usefixtures("server")
def test_frame_that_was_changed_is_told_by_its_checksum(clock: SetClock) -> None:
    store = FrameStore(FrameSettings(url=URL), clock)
    reference = store.put("door", "door-1", I420)
    obstore.put(from_url(URL), "door/door-1.i420", bytes(reference.bytes))

    with pytest.raises(FrameCorruptError):
        store.load_bgr(reference)


def test_store_that_is_away_is_tried_again_and_loses_nothing_it_said_it_has(server: S3Server, clock: SetClock) -> None:
    store = FrameStore(FrameSettings(url=URL), clock)
    server.stop()

    with pytest.raises(RetryableError):
        store.put("door", "door-1", I420)
    assert store.kept_bytes == 0
