"""The peer on the same clips: PyPI's neura-fall-detection as it is, fetched for the run and never installed."""

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from benchmarks.accuracy_footage import Clip, scored

__all__ = ["peer_falls"]

_PEER = "neura-fall-detection==0.1.0"
_PEER_FPS = 8.0
"""The rate that its classifier was trained for."""
_RUNNER = Path(__file__).with_name("peer_runner.py")


def peer_falls(clips: list[Clip]) -> dict[str, Any]:
    """The peer's falls found and false. It runs in a process of its own, on this environment's numpy and OpenCV."""
    with tempfile.TemporaryDirectory(prefix="watchpost-peer-") as folder:
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, _PEER]
        subprocess.run(fetch, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            wheel.extractall(folder)
        command = [sys.executable, str(_RUNNER), folder, str(_PEER_FPS), *(str(clip.path) for clip in clips)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    report = json.loads(done.stdout.splitlines()[-1])
    score = scored(clips, lambda path: report["times_s"][str(path)])
    return {"peer": _PEER, **score.as_plain(), "cpu_ms_per_frame": report["cpu_ms_per_frame"]}
