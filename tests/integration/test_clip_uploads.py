"""Clips go up whole or not at all, once, the oldest first, and whatever was in the way."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.object_store import S3UnderTest
from tests.waiting import wait_for
from watchpost.bridge.clip_uploads import clip_uploads, uploading
from watchpost.bridge.uplink import Uplink
from watchpost.errors import ConfigError
from watchpost.recordings import ClipMarks
from watchpost.settings import SiteSettings, settings_from
from watchpost.telemetry import metrics

_MIB = 1024 * 1024
_FREE = Uplink(lambda: None)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3UnderTest]:
    with S3UnderTest() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        yield store


def _settings(folder: Path, url: str) -> SiteSettings:
    central = {"bootstrap": "127.0.0.1:1", "clips": {"upload": url}}
    return settings_from({"site": "shop", "state_dir": str(folder / "state"), "central": central})


def _clip(folder: Path, event_id: str, content: bytes, taken_s: int = 1_000) -> Path:
    path = folder / "state" / "recordings" / "clips" / f"{event_id}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (taken_s, taken_s))
    return path


def _marks(folder: Path) -> ClipMarks:
    return ClipMarks(folder / "state" / "recordings")


def _until_all_are_up(folder: Path) -> None:
    wait_for(lambda: [path.stem for path in _marks(folder).unmarked()], lambda left: not left, within_s=30)


def _failures() -> float:
    return float(metrics.BRIDGE_CLIP_FAILURES._value.get())


def _until_one_more_failed(before: float) -> None:
    wait_for(_failures, lambda count: count > before, within_s=30)


def test_clips_lie_in_the_store_by_site_and_event_as_they_are_here(tmp_path: Path) -> None:
    _clip(tmp_path, "fall-1", b"one" * 1000)
    _clip(tmp_path, "fall-2", b"two" * 50_000)

    with uploading(clip_uploads(_settings(tmp_path, f"file://{tmp_path}/centre"), _FREE)):
        _until_all_are_up(tmp_path)

    found = {path.name: path.read_bytes() for path in (tmp_path / "centre" / "shop").iterdir()}
    assert found == {"fall-1.mp4": b"one" * 1000, "fall-2.mp4": b"two" * 50_000}


def test_clip_of_many_parts_is_the_same_at_the_centre(tmp_path: Path, s3: S3UnderTest) -> None:
    content = os.urandom(12 * _MIB)
    _clip(tmp_path, "fall-1", content)

    with uploading(clip_uploads(_settings(tmp_path, "s3://clips/cameras"), _FREE)):
        _until_all_are_up(tmp_path)

    assert s3.objects == {"clips/cameras/shop/fall-1.mp4": content}
    assert s3.parts_taken == 3


def test_clip_whose_upload_broke_off_goes_up_after_the_outage_and_the_ones_behind_it_too(
    tmp_path: Path, s3: S3UnderTest
) -> None:
    large, small = os.urandom(12 * _MIB), b"small" * 100
    _clip(tmp_path, "older", large, taken_s=1_000)
    _clip(tmp_path, "newer", small, taken_s=2_000)
    s3.fails_after_parts, before = 1, _failures()

    with uploading(clip_uploads(_settings(tmp_path, "s3://clips"), _FREE)):
        _until_one_more_failed(before)
        during = (dict(s3.objects), [path.stem for path in _marks(tmp_path).unmarked()])
        s3.fails_after_parts = None
        _until_all_are_up(tmp_path)

    assert during == ({}, ["older", "newer"])
    assert s3.objects == {"clips/shop/older.mp4": large, "clips/shop/newer.mp4": small}


def test_what_is_up_does_not_go_up_again_after_a_restart(tmp_path: Path, s3: S3UnderTest) -> None:
    _clip(tmp_path, "fall-1", b"once")
    settings = _settings(tmp_path, "s3://clips")
    with uploading(clip_uploads(settings, _FREE)):
        _until_all_are_up(tmp_path)
    s3.objects.clear()
    _clip(tmp_path, "fall-2", b"then")

    with uploading(clip_uploads(settings, _FREE)):
        _until_all_are_up(tmp_path)

    assert set(s3.objects) == {"clips/shop/fall-2.mp4"}


def test_bucket_that_is_not_there_is_a_failure_and_nothing_is_marked(tmp_path: Path, s3: S3UnderTest) -> None:
    clip, before = _clip(tmp_path, "fall-1", b"kept"), _failures()

    with uploading(clip_uploads(_settings(tmp_path, "s3://elsewhere"), _FREE)):
        _until_one_more_failed(before)

    assert not s3.objects
    assert _marks(tmp_path).unmarked() == [clip]


def test_bridge_that_ends_inside_an_upload_leaves_no_half_of_it_and_no_mark(tmp_path: Path) -> None:
    clip = _clip(tmp_path, "fall-1", os.urandom(6 * _MIB))
    thin, before = Uplink(lambda: 8 * 1024), _failures()

    with uploading(clip_uploads(_settings(tmp_path, f"file://{tmp_path}/centre"), thin)):
        wait_for(lambda: list((tmp_path / "centre").rglob("fall-1*")), bool, within_s=20)

    assert not (tmp_path / "centre" / "shop" / "fall-1.mp4").exists()
    assert _marks(tmp_path).unmarked() == [clip]
    assert _failures() == before, "an end is no failure"


def test_mark_of_a_clip_that_its_bounds_took_away_goes_too(tmp_path: Path) -> None:
    clip = _clip(tmp_path, "fall-1", b"gone soon")
    marks = _marks(tmp_path)
    marks.mark(clip)
    clip.unlink()

    marks.sweep()

    assert _clip(tmp_path, "fall-1", b"another") == marks.unmarked()[0]


def test_store_that_nobody_can_open_is_an_error_of_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"central.clips.upload: .* cannot be opened"):
        clip_uploads(_settings(tmp_path, "az://"), _FREE)


def test_site_that_asks_for_no_uploads_has_none(tmp_path: Path) -> None:
    assert clip_uploads(settings_from({"central": {"bootstrap": "c:9092"}, "state_dir": str(tmp_path)}), _FREE) is None
