"""A service that ends while a camera's thread is in C++ ends in order."""

import subprocess
import sys

import pytest

# each call into OpenCV gives the interpreter up and comes back to it: one of them does so when it is gone
STUCK = """
import threading, time
import cv2, numpy as np
from watchpost.telemetry import end_with_threads
picture = np.zeros((1080, 1920), np.uint8)
def look():
    while True:
        cv2.resize(picture, (1280, 720), interpolation=cv2.INTER_AREA)
for _ in range({threads}):
    threading.Thread(target=look, daemon=True).start()
time.sleep(0.2)
print("written")
end_with_threads()
print("after")
"""


@pytest.mark.parametrize(("threads", "said"), [(4, ["written"]), (0, ["written", "after"])])
def test_process_whose_threads_are_in_opencv_ends_without_an_abort(threads: int, said: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(threads=threads)], check=False, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout.split(), done.stderr) == (0, said, "")
