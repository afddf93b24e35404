"""The camera process behind `tests.fakes.camera`: GStreamer's RTSP server, told by lines on stdin how to misbehave.

It runs in Debian's own Python, which alone has the GStreamer bindings. It says `port N` once it listens, and ends
when its stdin does, so that it never outlives the test.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")

from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  # versions are chosen before the import

_TICK_MS = 5
_CAPS = "video/x-h264,stream-format=byte-stream,alignment=au"
_START_CODE = b"\x00\x00\x01"
_NAL_TYPE_MASK = 0x1F
_SLICE_TYPES = (1, 5)
_SLICE_BEGINNING_BYTES = 3


@dataclass(frozen=True)
class _AccessUnit:
    coded: bytes
    is_keyframe: bool


def _read_access_units(path: str) -> list[_AccessUnit]:
    pipeline = Gst.parse_launch(
        f'filesrc location="{path}" ! parsebin ! h264parse config-interval=-1 ! {_CAPS} ! appsink name=sink sync=false'
    )
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    units: list[_AccessUnit] = []
    while (sample := sink.emit("pull-sample")) is not None:
        buffer = sample.get_buffer()
        coded = buffer.extract_dup(0, buffer.get_size())
        is_keyframe = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        units.append(_AccessUnit(coded, is_keyframe))
    pipeline.set_state(Gst.State.NULL)
    if not units:
        sys.exit(f"{path} holds no H.264")
    return units


def _with_noise_inside(coded: bytes) -> bytes:
    """An access unit whose picture data is noise; what tells readers where a picture begins stays."""
    at = 0
    while (at := coded.find(_START_CODE, at)) >= 0:
        at += len(_START_CODE)
        if coded[at] & _NAL_TYPE_MASK in _SLICE_TYPES:
            kept = coded[: at + _SLICE_BEGINNING_BYTES]
            return kept + os.urandom(len(coded) - len(kept)).replace(b"\x00", b"\x55")
    return coded


class _Camera:
    """What all viewers see: the file, and the mood that the camera is told to be in."""

    def __init__(self, units: list[_AccessUnit], frames_per_s: float, *, once: bool) -> None:
        self.units, self.once, self.frames_per_s = units, once, frames_per_s
        self.mood = "play"

    def attend(self, media: Any) -> None:
        """Begin to feed a new viewer from the first keyframe."""
        session = _Session(self, media.get_element().get_by_name("source"))
        GLib.timeout_add(_TICK_MS, session.feed)


class _Session:
    """One viewer's stream. It stands on the clock: what is not sent while the camera stalls is never sent."""

    def __init__(self, camera: _Camera, source: Any) -> None:
        self._camera, self._source = camera, source
        self._began_s = time.monotonic()
        self._next = 0
        self._keyframe = camera.units[0].coded

    def feed(self) -> bool:
        """Send what is due; false ends the session."""
        camera = self._camera
        while self._began_s + self._next / camera.frames_per_s <= time.monotonic():
            if camera.once and self._next == len(camera.units):
                self._source.emit("end-of-stream")
                return False
            if camera.mood != "stall":
                result = self._source.emit("push-buffer", self._buffer())
                if result == Gst.FlowReturn.FLUSHING and not self._next:
                    self._began_s = time.monotonic()  # a session is configured before it takes buffers
                    return True
                if result != Gst.FlowReturn.OK:
                    return False
            self._next += 1
        return True

    def _buffer(self) -> Any:
        buffer = Gst.Buffer.new_wrapped(self._coded())
        # not do-timestamp: it stamps the first buffer before the session has a base time, with the machine's uptime
        buffer.pts = int(self._next / self._camera.frames_per_s * Gst.SECOND)
        return buffer

    def _coded(self) -> bytes:
        unit = self._camera.units[self._next % len(self._camera.units)]
        if self._camera.mood == "freeze":
            return self._keyframe
        if unit.is_keyframe:
            self._keyframe = unit.coded
        return _with_noise_inside(unit.coded) if self._camera.mood == "garbage" else unit.coded


_TONE = "audiotestsrc is-live=true ! voaacenc ! aacparse ! rtpmp4gpay name=pay1 pt=97"


def _factory(camera: _Camera, *, sound: bool) -> Any:
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( appsrc name=source is-live=true format=time caps={_CAPS} ! rtph264pay name=pay0 pt=96 config-interval=-1 "
        f"{_TONE if sound else ''} )"
    )
    factory.connect("media-configure", lambda _factory, media: camera.attend(media))
    return factory


def _lock(server: Any, factory: Any, user: str, password: str) -> None:
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    rights = "viewer, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    factory.add_role_from_structure(Gst.Structure.from_string(rights)[0])


def _obey(server: Any, camera: _Camera, loop: Any) -> bool:
    line = sys.stdin.readline()
    if not line:
        loop.quit()
        return False
    order = line.strip()
    if order == "drop":
        server.client_filter(lambda _server, _client: GstRtspServer.RTSPFilterResult.REMOVE)
    else:
        camera.mood = order
    sys.stdout.write(f"done {order}\n")
    sys.stdout.flush()
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("path")
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--port", default="0")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--sound", action="store_true")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    Gst.init(None)
    units = _read_access_units(arguments.path)
    camera = _Camera(units, arguments.fps, once=arguments.once)
    server, factory, loop = GstRtspServer.RTSPServer(), _factory(camera, sound=arguments.sound), GLib.MainLoop()
    server.set_address("127.0.0.1")
    server.set_service(arguments.port)
    if arguments.user:
        _lock(server, factory, arguments.user, arguments.password)
    server.get_mount_points().add_factory("/stream", factory)
    if not server.attach(None):
        sys.exit(f"cannot listen on port {arguments.port}")
    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, lambda *_: _obey(server, camera, loop))
    sys.stdout.write(f"port {server.get_bound_port()}\n")
    sys.stdout.flush()
    loop.run()


if __name__ == "__main__":
    main()
