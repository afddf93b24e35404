"""The recordings that are measured: a street as two kinds of camera send it, and what sees nothing but noise."""

import subprocess
from pathlib import Path

from tests.fakes.footage import street

__all__ = ["CLIPS", "SECONDS", "make_clips"]

SECONDS = 60
_SIZE = "scale=1440:1080:flags=bilinear,pad=1920:1080:240:0,fps=25,format=yuv420p"
_NOISE = "noise=alls=6:allf=t"
_X264 = (
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-tune",
    "zerolatency",
    "-g",
    "50",
    "-keyint_min",
    "50",
    "-sc_threshold",
    "0",
)
_CONSTANT = ("-b:v", "4M", "-maxrate", "4M", "-bufsize", "2M", "-x264-params", "nal-hrd=cbr")
_CAPPED = ("-crf", "26", "-maxrate", "6M", "-bufsize", "6M")

CLIPS = ("street_constant", "street_capped", "quiet_capped", "quiet_constant")


def make_clips(folder: Path) -> dict[str, Path]:
    """Each clip: 60 s of 1080p25 in H.264 with a keyframe every 2 s. Takes minutes."""
    made = {name: folder / f"{name}.mp4" for name in CLIPS}
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in made.items():
        if path.exists():
            continue
        still = name.startswith("quiet")
        source = ("-loop", "1", "-i", str(_still(folder))) if still else ("-stream_loop", "-1", "-i", str(street()))
        filters = f"{_SIZE},{_NOISE}" if still else _SIZE
        rate = _CONSTANT if name.endswith("constant") else _CAPPED
        _ffmpeg(*source, "-t", str(SECONDS), "-vf", filters, *_X264, *rate, str(path.with_suffix(".part.mp4")))
        path.with_suffix(".part.mp4").rename(path)
    return made


def _still(folder: Path) -> Path:
    """One picture of the street: a noise filter over it makes a sensor that sees nothing happen."""
    picture = folder / "still.png"
    if not picture.exists():
        _ffmpeg("-i", str(street()), "-frames:v", "1", str(picture))
    return picture


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)
