"""What others do with a camera's stream, each as a process of its own: full decoding, whatever happens in the picture.

    python -m benchmarks.ingest.peers opencv_loop CLIP     # the peers in Python are run so

- `ffmpeg_null`: decoding alone, the least that a full decoder costs;
- `opencv_loop`: VideoCapture, grey, blurred, difference to the last picture: what most scripts on the web do;
- `ffmpeg_pipe`: ffmpeg decodes and scales to 1280x720 at 5 pictures a second into a pipe of raw video, and Python looks
  for motion in a small grey picture: how Frigate does it.
"""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from benchmarks.ingest.clips import SECONDS
from benchmarks.ingest.costs import cpu_s_of

__all__ = ["PEERS", "peer_cpu_s_per_stream_s"]

PEERS = ("ffmpeg_null", "opencv_loop", "ffmpeg_pipe")
_PIPE_SIZE = (1280, 720)
_SMALL = (178, 100)
_LEVELS = 30
_LEAST_AREA_PX = 30


def peer_cpu_s_per_stream_s(peer: str, clip: Path) -> float:
    """CPU seconds, of the process and its children, for each second of the clip."""
    if peer == "ffmpeg_null":
        command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(clip), "-f", "null", "-"]
    else:
        command = [sys.executable, "-m", "benchmarks.ingest.peers", peer, str(clip)]
    return cpu_s_of(command) / SECONDS


def _opencv_loop(clip: str) -> None:
    cv2.setNumThreads(1)
    video, last = cv2.VideoCapture(clip), None
    while True:
        there, picture = video.read()
        if not there:
            return
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (21, 21), 0)
        if last is not None:
            changed = cv2.threshold(cv2.absdiff(last, grey), _LEVELS, 255, cv2.THRESH_BINARY)[1]
            cv2.countNonZero(changed)
        last = grey


def _ffmpeg_pipe(clip: str) -> None:
    cv2.setNumThreads(1)
    width, height = _PIPE_SIZE
    scaled = f"fps=5,scale={width}:{height}"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-threads",
        "1",
        "-i",
        clip,
        "-vf",
        scaled,
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
        "-",
    ]
    average: np.ndarray[tuple[int, int], np.dtype[np.float32]] | None = None
    with subprocess.Popen(command, stdout=subprocess.PIPE) as decoder:
        pictures = decoder.stdout or sys.exit("ffmpeg has no output")
        while raw := pictures.read(width * height * 3 // 2):
            grey = np.frombuffer(raw, np.uint8)[: width * height].reshape(height, width)
            small = cv2.GaussianBlur(cv2.resize(grey, _SMALL), (3, 3), 0).astype(np.float32)
            if average is None:
                average = small
            changed = (np.abs(small - average) > _LEVELS).astype(np.uint8)
            contours, _ = cv2.findContours(cv2.dilate(changed, None), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)  # type: ignore[call-overload]
            sum(cv2.contourArea(contour) > _LEAST_AREA_PX for contour in contours)
            average = average + (small - average) * np.float32(0.1)


if __name__ == "__main__":
    {"opencv_loop": _opencv_loop, "ffmpeg_pipe": _ffmpeg_pipe}[sys.argv[1]](sys.argv[2])
