"""A process that records cameras much faster than in real time, until it is killed.

python -m tests.fakes.recording_process ROOT CLIP [CLIP…]     # a camera for each clip: c0, c1, …
"""

import sys
import time
from datetime import timedelta
from itertools import count
from pathlib import Path

from tests.fakes.coded import at_their_time, coded_packets, recorded_spec
from watchpost.clock import SystemClock
from watchpost.recordings import Recorder, RingBounds

__all__: list[str] = []

_ROUND_US = 4_000_000


def main(root: Path, clips: list[Path]) -> None:
    """Record each clip again and again, its time going on."""
    recorder = Recorder(root, RingBounds(timedelta(days=36_500), 10**10, 0), SystemClock(), lambda _: None)
    recorder.start()
    cameras = [
        (recorder.for_camera(recorded_spec(f"c{number}")), list(at_their_time(coded_packets(clip))))
        for number, clip in enumerate(clips)
    ]
    for round_ in count():  # until it is killed
        for recording, packets in cameras:
            for coded, captured_us in packets:
                recording.take(coded, captured_us + round_ * _ROUND_US)
            while recording.waits:
                time.sleep(0.01)
        if round_ % 5 == 4:
            for recording, _ in cameras:
                recording.reconnected()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(clip) for clip in sys.argv[2:]])
