"""Real footage for tests, as the machine has it: the project itself carries none."""

import os
import subprocess
from pathlib import Path

from tests.requirements import require

__all__ = ["street", "street_as_h264"]

_FOLDER = Path(os.environ.get("WATCHPOST_FOOTAGE", "../shared/data"))


def street() -> Path:
    """The file itself, for who reads it without RTSP."""
    found = _FOLDER / "street.avi"
    require("street.avi", "set WATCHPOST_FOOTAGE to a folder that holds it", found=found.is_file())
    return found


def street_as_h264(folder: Path) -> Path:
    """The street of `street.avi` as H.264 with a keyframe each second: its own codec (MPEG-4 v3) fits no RTSP."""
    source = street()
    require("ffmpeg", "apt-get install -y ffmpeg")
    made = folder / "street.mp4"
    coding = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(source), *coding, str(made)], check=True)
    return made
