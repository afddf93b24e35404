"""Cameras as ingest reads them, in real time, up to the record in Kafka; a process of its own, which prints its costs.

    python -m benchmarks.ingest.ours --kafka HOST:PORT --cameras 8 CLIP [--keyframes-only] [--idle-fps 0.25]

The first seconds, in which a camera is learned, are left out. `--keyframes-only` pins the choice to idle whatever
happens: what idle costs on a clip in which it would not stay idle.
"""

import argparse
import json
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import cv2
import psutil

from tests.fakes.specs import camera_spec
from watchpost.clock import SystemClock
from watchpost.contracts.records import EventChanged, FrameCaptured, SiteId
from watchpost.frames import FrameStore
from watchpost.ingest.camera_worker import CameraWorker, Surroundings
from watchpost.ingest.decode_choice import Choice, DecodeCause, DecodeChooser, DecodeMode
from watchpost.ingest.lasting_events import LastingEvents
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.obscured_events import ObscuredEvents
from watchpost.ingest.outlet import Outlet
from watchpost.ingest.past import PastPictures
from watchpost.recordings import CameraRecording
from watchpost.settings import FrameSettings, IngestSettings
from watchpost.stream import RecordProducer, client_config
from watchpost.telemetry import end_with_threads

__all__ = ["measured"]

_LEARNED_S, _LEARNED_MORE_S = 14.0, 0.6  # for the first, and for each: they learn a few at a time
_FPS, _HEIGHT_PX = 10.0, 720


class _KeyframesOnly:
    """Idle, come what may."""

    choice = Choice(DecodeMode.IDLE, DecodeCause.QUIET, 1.0)


def measured(
    kafka: str, clip: Path, cameras: int, seconds: float, ingest: IngestSettings, *, keyframes_only: bool
) -> dict[str, object]:
    """Run the cameras; CPU seconds per stream second, memory, and what they did."""
    cv2.setNumThreads(1)
    if keyframes_only:
        setattr(DecodeChooser, "choice", _KeyframesOnly.choice)  # noqa: B010  (a property is replaced, on purpose)
    captured: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        around = _surroundings(kafka, folder, ingest, captured)
        before_bytes = _held_bytes()
        specs = [
            camera_spec(f"camera-{n}", source=f"file:{clip}?loop=1", height_px=_HEIGHT_PX, max_frames=_FPS)
            for n in range(cameras)
        ]
        workers = [CameraWorker(spec, around) for spec in specs]
        for worker in workers:
            worker.start()
        time.sleep(_LEARNED_S + cameras * _LEARNED_MORE_S)  # of real time: that is what is measured
        began_s, cpu_s = time.monotonic(), _cpu_s()
        captured.clear()
        most_bytes = 0
        while time.monotonic() - began_s < seconds:
            threading.Event().wait(1)
            most_bytes = max(most_bytes, _held_bytes())
        took_s, cpu_s = time.monotonic() - began_s, _cpu_s() - cpu_s
        modes = Counter(worker.choice.mode.value for worker in workers)
        for worker in workers:
            worker.stop()
    return {
        "cpu_s_per_stream_s": round(cpu_s / took_s / cameras, 4),
        "memory_mb_per_camera": round((most_bytes - before_bytes) / cameras / 1e6, 1),
        "frames_per_s": round(sum(captured.values()) / took_s / cameras, 2),
        "modes": dict(modes),
    }


def _surroundings(kafka: str, folder: str, ingest: IngestSettings, captured: "Counter[str]") -> Surroundings:
    clock = SystemClock()
    client = client_config(kafka, {}, "bench-ingest")
    outlet = Outlet(RecordProducer(client), RecordProducer(client), LastingEvents(Path(folder) / "ingest"))

    def send(frame: FrameCaptured) -> None:
        captured[frame.reason] += 1
        outlet.send(frame)

    def tell(_: EventChanged, __: bytes = b"") -> None:
        return

    store = FrameStore(FrameSettings(url=f"file://{folder}", keep_s=5), clock)
    pasts, places = PastPictures(), LearningPlaces()
    obscured = ObscuredEvents(SiteId("bench"), clock, tell)
    return Surroundings(
        SiteId("bench"),
        ingest,
        clock,
        store,
        send,
        tell,
        obscured,
        pasts,
        places,
        CameraRecording,
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _held_bytes() -> int:
    """Resident memory of this process without what it shares: frames lie in a file system."""
    held = psutil.Process().memory_info()
    return int(held.rss - held.shared)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", type=Path)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--keyframes-only", action="store_true")
    parser.add_argument("--idle-fps", type=float, default=IngestSettings().idle_fps)
    chosen = parser.parse_args()
    result = measured(
        chosen.kafka,
        chosen.clip,
        chosen.cameras,
        chosen.seconds,
        IngestSettings(idle_fps=chosen.idle_fps),
        keyframes_only=chosen.keyframes_only,
    )
    sys.stdout.write(json.dumps(result) + "\n")
    end_with_threads()
