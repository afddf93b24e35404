"""A camera on the network for tests: a real RTSP server that plays a file and fails on request."""

import subprocess
from contextlib import suppress
from pathlib import Path
from select import select
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import quote

import av

from tests.requirements import require

__all__ = ["RtspCamera", "require_rtsp_server"]

_PYTHON: Final = "/usr/bin/python3"
_SCRIPT: Final = Path(__file__).with_name("rtsp_server.py")
_ANSWER_S: Final = 20.0
_PROBE: Final = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
needed = ("parsebin", "qtdemux", "h264parse", "rtph264pay", "appsrc", "voaacenc")
assert all(Gst.ElementFactory.find(name) for name in needed)
"""
_REMEDY: Final = (
    "apt-get install -y python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad"
)


def require_rtsp_server() -> None:
    """Go on when GStreamer's RTSP server is on this machine; otherwise skip the test (fail it in CI)."""
    found = False
    if Path(_PYTHON).exists():
        found = subprocess.run([_PYTHON, "-c", _PROBE], check=False, capture_output=True).returncode == 0
    require("GStreamer's RTSP server", _REMEDY, found=found)


class RtspCamera:
    """Plays an H.264 file (MP4, MKV or raw) over RTSP on a free loopback port, in a loop or once; a tone where asked.

    Example:
        with RtspCamera(tmp_path / "street.mp4", user="admin", password="secret") as camera:
            read(camera.url)          # rtsp://admin:secret@127.0.0.1:PORT/stream
            camera.stall()            # the connection stays, no more packets come
            camera.play()
            camera.stop()             # the process is gone, connections are refused
            camera.restart()          # it is back at the same address

    """

    def __init__(
        self,
        path: Path,
        *,
        user: str | None = None,
        password: str | None = None,
        once: bool = False,
        sound: bool = False,
    ) -> None:
        self._path, self._user, self._password, self._once, self._sound = path, user, password, once, sound
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address with the password in it, as a user would write it."""
        if self._user is None:
            return self.open_url
        return (
            f"rtsp://{quote(self._user, safe='')}:{quote(self._password or '', safe='')}@127.0.0.1:{self._port}/stream"
        )

    @property
    def open_url(self) -> str:
        """The address without a password."""
        return f"rtsp://127.0.0.1:{self._port}/stream"

    def play(self) -> None:
        """Send what the file holds again."""
        self._order("play")

    def stall(self) -> None:
        """Keep the connection and send nothing."""
        self._order("stall")

    def freeze(self) -> None:
        """Send the same keyframe over and over, with timestamps that go on."""
        self._order("freeze")

    def send_garbage(self) -> None:
        """Send packets whose contents are noise."""
        self._order("garbage")

    def drop_connections(self) -> None:
        """Close every viewer's connection; new ones are welcome."""
        self._order("drop")

    def stop(self) -> None:
        """End the process, as when the power is cut."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None

    def restart(self) -> None:
        """Start the process, at the address that it had before if there was one."""
        self.stop()
        command = [_PYTHON, str(_SCRIPT), str(self._path), "--fps", str(_frames_per_s(self._path))]
        command += ["--port", str(self._port), *(["--once"] if self._once else [])]
        command += ["--sound"] if self._sound else []
        if self._user is not None:
            command += ["--user", self._user, "--password", self._password or ""]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._port = int(self._answer("port"))

    def _order(self, order: Literal["play", "stall", "freeze", "garbage", "drop"]) -> None:
        assert self._process is not None, "the camera is stopped"
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        self._answer("done")

    def _answer(self, kind: str) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        if not select([self._process.stdout], [], [], _ANSWER_S)[0]:
            self.stop()
            raise TimeoutError(f"the camera process said nothing for {_ANSWER_S:g} s (waited for {kind!r})")
        said, _, value = self._process.stdout.readline().strip().partition(" ")
        if said != kind:
            self.stop()
            raise RuntimeError(f"the camera process said {said!r} instead of {kind!r}; its stderr is above")
        return value


def _frames_per_s(path: Path) -> float:
    with suppress(av.FFmpegError, ZeroDivisionError), av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        return float(rate) if rate else _USUAL_FRAMES_PER_S
    return _USUAL_FRAMES_PER_S


_USUAL_FRAMES_PER_S: Final = 25.0
