"""kill -9 of who records costs at most the fragment that was open: all before it plays, in a browser too."""

import http.server
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.fakes.coded import coded_clip
from tests.requirements import require
from tests.waiting import wait_for
from watchpost.contracts.records import CameraId
from watchpost.recordings.boxes import shape_of
from watchpost.recordings.folder import Segment, segments_of
from watchpost.recordings.folder_disk import FolderDisk

ROOT = Path(__file__).parents[2]
CAMERAS = (CameraId("c0"), CameraId("c1"))
KILLS = 6
PICTURES_IN_FRAGMENT = 25


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.mp4"))


def killed_after(root: Path, clips: list[Path], more_bytes: int) -> None:
    """Record until the folder holds this much more, then die."""
    enough = bytes_in(root) + more_bytes
    command = [sys.executable, "-m", "tests.fakes.recording_process", str(root), *map(str, clips)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for(lambda: bytes_in(root), lambda seen: seen >= enough, within_s=60)
    finally:
        process.kill()
        process.wait()


def segments_in(root: Path) -> list[Segment]:
    return [segment for camera in CAMERAS for segment in segments_of(root, camera)]


def decoded(path: Path) -> int:
    """How many pictures ffmpeg decodes, whatever it complains of."""
    command = [
        "ffprobe",
        "-v",
        "quiet",
        "-count_frames",
        "-select_streams",
        "v",
        "-show_entries",
        "stream=nb_read_frames",
    ]
    done = subprocess.run([*command, "-of", "csv=p=0", str(path)], capture_output=True, text=True, check=False)
    return int(done.stdout.strip() or 0)


def whole_fragments(segment: Segment) -> int:
    with segment.path.open("rb") as file:
        return len(shape_of(file.fileno()).fragments)


def test_what_a_killed_process_recorded_plays_to_the_last_fragment(tmp_path: Path) -> None:
    clips = [coded_clip(tmp_path, kbps=4000), coded_clip(tmp_path, "hevc", kbps=4000)]
    chance = random.Random(5)  # noqa: S311  (no secret depends on it)
    root = tmp_path / "ring"
    for _ in range(KILLS):
        killed_after(root, clips, chance.randrange(1, 12_000_000))
    torn = segments_in(root)
    before = {segment: (whole_fragments(segment), decoded(segment.path)) for segment in torn}

    FolderDisk(root).mend()

    assert segments_in(root) == torn
    assert len(torn) >= KILLS
    for segment, (fragments, pictures) in before.items():
        assert fragments > 0
        assert pictures >= fragments * PICTURES_IN_FRAGMENT
        assert whole_fragments(segment) == fragments
        assert decoded(segment.path) == fragments * PICTURES_IN_FRAGMENT


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


PLAYED = """async url => {
    const video = document.createElement('video');
    video.muted = true; video.playbackRate = 16; video.src = url;
    document.body.append(video);
    await new Promise((done, failed) => {
        video.onended = done;
        video.onerror = () => failed(new Error(video.error.message));
        video.play();
    });
    return [video.videoWidth, video.videoHeight, video.currentTime];
}"""


@pytest.mark.parametrize("is_mended", [True, False])
def test_what_a_killed_process_recorded_plays_in_a_browser(tmp_path: Path, is_mended: bool) -> None:  # noqa: FBT001
    require("chromium", "apt-get install -y chromium")
    root = tmp_path / "ring"
    killed_after(root, [coded_clip(tmp_path, kbps=4000)], 3_000_000)
    segment = segments_in(root)[0]
    fragments = whole_fragments(segment)
    if is_mended:
        FolderDisk(root).mend()
    else:
        with segment.path.open("ab") as file:
            file.write(segment.path.read_bytes()[-20_000:])  # what no fragment is

    with served(segment.path.parent) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{url}/")
        width, height, seconds = page.evaluate(PLAYED, f"{url}/{segment.path.name}")
        browser.close()

    assert (width, height) == (320, 180)
    assert seconds == pytest.approx(fragments, abs=0.1)
