#!/usr/bin/env python3
"""Writes a scene of the simulation to an MP4, as a camera would have recorded it: what the demo camera plays."""

import sys
from pathlib import Path

from watchpost.simulation import Scene, write_video


def _main(scene: str, target: Path) -> None:
    # what is there was written for the same scene: a second `up` need not wait for it
    told = target.with_suffix(".txt")
    if target.exists() and told.exists() and told.read_text() == scene:
        return
    write_video(Scene.from_uri(scene), target)
    told.write_text(scene)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
