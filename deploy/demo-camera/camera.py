#!/usr/bin/env python3
"""Plays the H.264 of an MP4 in a loop over RTSP at :8554/stream: a site can be tried with a camera on a network.

One clock for all who watch: each sees the stream from the next keyframe on, as with a real camera.
"""

import sys
import time
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")

from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  # versions are chosen before the import

_PORT = "8554"
_TICK_MS = 10


class _Recording:
    """The coded pictures of a file, each with its time from the first and whether it is a keyframe."""

    def __init__(self, path: str) -> None:
        reading = Gst.parse_launch(f'filesrc location="{path}" ! qtdemux ! appsink name=sink sync=false')
        sink = reading.get_by_name("sink")
        reading.set_state(Gst.State.PLAYING)
        self.pictures: list[tuple[bytes, int, bool]] = []
        while (sample := sink.emit("pull-sample")) is not None:
            buffer = sample.get_buffer()
            is_keyframe = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
            self.pictures.append((buffer.extract_dup(0, buffer.get_size()), buffer.pts, is_keyframe))
            self.caps = sample.get_caps()
        reading.set_state(Gst.State.NULL)
        if len(self.pictures) < 2:  # noqa: PLR2004  (a single picture has no rate)
            sys.exit(f"{path} holds no video")
        first_ns, last_ns = self.pictures[0][1], self.pictures[-1][1]
        self.pictures = [(coded, pts_ns - first_ns, key) for coded, pts_ns, key in self.pictures]
        # the last picture stands as long as the others do
        self.length_ns = (last_ns - first_ns) * len(self.pictures) // (len(self.pictures) - 1)


class _Playing:
    """The recording as the one shared stream. What nobody takes is dropped, not kept."""

    def __init__(self, recording: _Recording, source: Any) -> None:
        self._recording, self._source = recording, source
        self._began_ns = time.monotonic_ns()
        self._next = 0

    def feed(self) -> bool:
        """Hand out what is due; False when the stream is closed."""
        pictures, length_ns = self._recording.pictures, self._recording.length_ns
        while True:
            round_, index = divmod(self._next, len(pictures))
            coded, at_ns, is_keyframe = pictures[index]
            due_ns = round_ * length_ns + at_ns
            if time.monotonic_ns() - self._began_ns < due_ns:
                return True
            buffer = Gst.Buffer.new_wrapped(coded)
            buffer.pts = buffer.dts = due_ns
            if not is_keyframe:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
            result = self._source.emit("push-buffer", buffer)
            if result == Gst.FlowReturn.FLUSHING and not self._next:
                self._began_ns = time.monotonic_ns()  # a session is configured before it takes buffers
                return True
            if result != Gst.FlowReturn.OK:
                return False
            self._next += 1


def _factory(recording: _Recording) -> Any:
    def attend(_factory: Any, media: Any) -> None:
        source = media.get_element().get_by_name("source")
        source.set_property("caps", recording.caps)
        GLib.timeout_add(_TICK_MS, _Playing(recording, source).feed)

    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        "( appsrc name=source is-live=true format=time ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )
    factory.connect("media-configure", attend)
    return factory


def main(path: str) -> None:
    """Serve the recording until the process is told to end."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_service(_PORT)
    server.get_mount_points().add_factory("/stream", _factory(_Recording(path)))
    if not server.attach(None):
        sys.exit(f"cannot listen on port {_PORT}")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1])
