"""Clips on a real S3 server: whole and unchanged there, also those whose upload broke off."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import from_url

from tests.fakes.s3_server import S3Server
from tests.waiting import wait_for
from watchpost.bridge.clip_uploads import ClipUploads, clip_uploads, uploading
from watchpost.bridge.uplink import Uplink
from watchpost.contracts.clips import clip_key, clip_uri
from watchpost.contracts.records import SiteId
from watchpost.recordings import ClipMarks
from watchpost.settings import settings_from
from watchpost.simulation.wan import WanLink
from watchpost.telemetry import metrics

SHOP = SiteId("shop")
STORE = "s3://clips/cameras"
PART_BYTES = 5 * 1024 * 1024
CONTENT = os.urandom(2 * PART_BYTES + 12_345)
FREE = Uplink(lambda: None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server("clips") as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def marks(tmp_path: Path) -> ClipMarks:
    """The marks of a site that has one clip of three parts."""
    clips = tmp_path / "recordings" / "clips"
    clips.mkdir(parents=True)
    (clips / "fall-1.mp4").write_bytes(CONTENT)
    return ClipMarks(tmp_path / "recordings")


def uploads_through(folder: Path, uplink: Uplink) -> ClipUploads | None:
    central = {"bootstrap": "127.0.0.1:1", "clips": {"upload": STORE}}
    return clip_uploads(settings_from({"site": SHOP, "state_dir": str(folder), "central": central}), uplink)


def thin() -> Uplink:
    """A link on which a part takes four seconds: an upload over it is caught under way."""
    return Uplink(lambda: 10_000)


def wait_until_up(marks: ClipMarks) -> None:
    wait_for(lambda: [path.stem for path in marks.unmarked()], lambda left: not left, within_s=60)


def wait_until_under_way(server: S3Server) -> None:
    """Until the server has begun to take parts."""
    wait_for(
        lambda: httpx.get(f"{server.url}/clips?uploads", timeout=5).text, lambda said: "<UploadId>" in said, within_s=30
    )


def failures() -> float:
    return float(metrics.BRIDGE_CLIP_FAILURES._value.get())


def assert_whole() -> None:
    """Read back by the uri that its event names, it is what was recorded, and so say the server's own checksums."""
    store, key = from_url(STORE), clip_key(SHOP, "fall-1")
    assert clip_uri(SHOP, "fall-1", STORE) == f"{STORE}/{key}"
    read = obstore.get(store, key)
    assert hashlib.sha256(bytes(read.bytes())).digest() == hashlib.sha256(CONTENT).digest()
    parts = [CONTENT[at : at + PART_BYTES] for at in range(0, len(CONTENT), PART_BYTES)]
    of_parts = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    tag = hashlib.md5(of_parts, usedforsecurity=False).hexdigest()
    assert read.meta["e_tag"] == f'"{tag}-{len(parts)}"'


@pytest.mark.usefixtures("server")
def test_clip_read_back_from_the_server_is_what_was_recorded(tmp_path: Path, marks: ClipMarks) -> None:
    with uploading(uploads_through(tmp_path, FREE)):
        wait_until_up(marks)

    assert_whole()


def test_clip_whose_bridge_ended_under_way_goes_up_whole_with_the_next(
    tmp_path: Path, marks: ClipMarks, server: S3Server
) -> None:
    with uploading(uploads_through(tmp_path, thin())):
        wait_until_under_way(server)
    assert marks.unmarked()
    assert not obstore.list(from_url(STORE)).collect()

    with uploading(uploads_through(tmp_path, FREE)):
        wait_until_up(marks)

    assert_whole()


def test_clip_whose_link_was_cut_under_way_goes_on_with_its_next_part(
    tmp_path: Path, marks: ClipMarks, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = failures()
    with WanLink(server.port) as link:
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{link.port}")
        with uploading(uploads_through(tmp_path, thin())):
            wait_for(lambda: link.meter.up_bytes, lambda sent: sent > 1.2 * PART_BYTES, within_s=60)
            link.cut()
            assert marks.unmarked()
            link.restore()
            wait_until_up(marks)
        sent_bytes = link.meter.up_bytes
        assert_whole()

    # the part under way again, not the one before it
    assert len(CONTENT) <= sent_bytes < len(CONTENT) + 1.5 * PART_BYTES
    assert failures() == before


def test_clip_that_is_up_but_bears_no_mark_does_not_go_up_again(
    tmp_path: Path, marks: ClipMarks, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    obstore.put(from_url(STORE), clip_key(SHOP, "fall-1"), CONTENT)
    with WanLink(server.port) as link:
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{link.port}")
        with uploading(uploads_through(tmp_path, FREE)):
            wait_until_up(marks)
        sent_bytes = link.meter.up_bytes

    assert sent_bytes < 10_000
