"""What a camera costs, ours and others', in one run; the last line is one JSON object.

python -m benchmarks.ingest [--quick]      # about 20 minutes; needs ffmpeg and the footage
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.ingest.clips import CLIPS, make_clips
from benchmarks.ingest.peers import PEERS, peer_cpu_s_per_stream_s
from watchpost.contracts import TopicName
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.stream.topics import TopicPlan, apply_topics

__all__ = ["main"]

_MANY = (8, 64)


def main(*, quick: bool, keep: Path | None) -> None:
    """Make the clips, measure one after another, print."""
    seconds, many = (10, (8,)) if quick else (45, _MANY)
    with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder) / "kafka") as broker:
        kafka = broker.bootstrap
        apply_topics({"bootstrap.servers": kafka}, [TopicPlan(TopicName.FRAMES.value, 24)])
        clips = make_clips(keep or Path(folder))
        costs: dict[str, dict[str, float]] = {}
        ours: dict[str, Any] = {}
        for name in CLIPS:
            costs[name] = {peer: round(peer_cpu_s_per_stream_s(peer, clips[name]), 4) for peer in PEERS}
            for mode, *flags in _modes(name):
                ours[f"{name} {mode}"] = found = _ours(kafka, clips[name], 1, seconds, *flags)
                costs[name][mode] = found["cpu_s_per_stream_s"]
            _say(name, costs[name])
        cameras = {str(count): _ours(kafka, clips["quiet_capped"], count, seconds) for count in many}
    quiet, street = costs["quiet_capped"], costs["street_constant"]
    report = {
        "cpu_s_per_stream_s": costs,
        "idle_cheaper_than_full_decoding": round(quiet["ffmpeg_null"] / quiet["watchpost_idle"], 1),
        "at_idle_fps_0.25": round(quiet["ffmpeg_null"] / quiet["watchpost_idle_0.25_fps"], 1),
        "active_of_ffmpeg_null": round(street["watchpost_active"] / street["ffmpeg_null"], 2),
        "memory_mb_per_camera": max(found["memory_mb_per_camera"] for found in ours.values()),
        "cameras": cameras,
        "ours": ours,
    }
    sys.stdout.write(json.dumps(report) + "\n")


def _modes(clip: str) -> list[tuple[str, ...]]:
    match clip:
        case "quiet_capped":
            return [("watchpost_idle",), ("watchpost_idle_0.25_fps", "--idle-fps", "0.25")]
        case "quiet_constant":
            return [("watchpost_sizes_say_nothing",)]
        case _:
            return [("watchpost_idle", "--keyframes-only"), ("watchpost_active",)]


def _ours(kafka: str, clip: Path, cameras: int, seconds: float, *flags: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.ingest.ours", "--kafka", kafka, "--cameras", str(cameras)]
    command += ["--seconds", str(seconds), *flags, str(clip)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    _say(f"{clip.stem} x {cameras}", found)
    return found


def _say(what: str, found: object) -> None:
    sys.stderr.write(f"{what}: {json.dumps(found)}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes: whether it runs, not what it says"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the clips, which another run finds there again")
    chosen = parser.parse_args()
    main(quick=chosen.quick, keep=chosen.keep)
