"""Whether a quiet camera misses who comes: onsets after half a minute of quiet, on real and on rendered scenes.

    python -m benchmarks.ingest.onsets [scenes]      # 8 of each kind unless given; needs ffmpeg and footage

A clip is a scene without anybody, under sensor noise, and from a known moment on the same scene with people: rendered
ones by their own truth, the street from a window of its picture through which people walk. Each is encoded as cameras
do. The last line is one JSON object: by coding, how many onsets were seen within a second of stream time, how late the
latest was, how much of the quiet was spent idle, and wakes while nothing happened, by hour.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tests.fakes.footage import street
from tests.fakes.replayed_camera import Replay, replayed
from watchpost.ingest.decode_choice import DecodeCause, DecodeMode
from watchpost.simulation import Scene

__all__ = ["main"]

Picture = npt.NDArray[np.uint8]

_SIZE, _FPS = (960, 540), 25
_MOVES_S, _GRAIN_LEVELS = 3.0, 2.5
_CODINGS = {
    "capped": ("-tune", "zerolatency", "-crf", "26"),
    "capped_with_b_pictures": ("-bf", "2", "-crf", "26"),
    "constant": (
        "-tune",
        "zerolatency",
        "-b:v",
        "1500k",
        "-maxrate",
        "1500k",
        "-bufsize",
        "750k",
        "-x264-params",
        "nal-hrd=cbr",
    ),
}
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0")


@dataclass(frozen=True, slots=True)
class _Clip:
    name: str
    empty: Picture
    moving: list[Picture]
    quiet_s: float

    def pictures(self) -> Iterator[Picture]:
        random = np.random.default_rng(1)
        grain = [np.asarray(random.normal(0, _GRAIN_LEVELS, (*self.empty.shape[:2], 1)), np.float32) for _ in range(13)]
        for n in range(round(self.quiet_s * _FPS)):
            yield _noisy(self.empty, grain[n % 13], n)
        for n, picture in enumerate(self.moving):
            yield _noisy(picture, grain[n % 13], n)


def main(scenes: int) -> None:
    """Make the clips one by one, replay each in every coding, print."""
    found: dict[str, list[tuple[_Clip, Replay]]] = {coding: [] for coding in _CODINGS}
    with tempfile.TemporaryDirectory() as folder:
        for clip in (*_rendered(scenes), *_filmed(scenes)):
            for coding, arguments in _CODINGS.items():
                path = _encoded(clip, Path(folder) / f"{clip.name}_{coding}.mp4", arguments)
                found[coding].append((clip, replayed(path)))
                path.unlink()
            sys.stderr.write(f"{clip.name}: {[_seen_after_s(*of[-1]) for of in found.values()]}\n")
    sys.stdout.write(json.dumps({coding: _report(of) for coding, of in found.items()}) + "\n")


def _rendered(scenes: int) -> Iterator[_Clip]:
    for number in range(scenes):
        place = ("street", "room", "shop")[number % 3]
        uri = f"sim:{place}?seed={number}&fps={_FPS}&size={_SIZE[0]}x{_SIZE[1]}&seconds=60"
        empty, peopled = Scene.from_uri(uri + "&people=0").frame(0).bgr, Scene.from_uri(uri + "&people=2")
        begin_s = next(t / 5 for t in range(300) if peopled.truth(t / 5).people)
        first = peopled.index_at(begin_s)
        moving = [peopled.frame(first + n).bgr for n in range(round(_MOVES_S * _FPS))]
        yield _Clip(f"{place}-{number}", empty, moving, 30 + (number * 0.37) % 2)


def _filmed(scenes: int) -> Iterator[_Clip]:
    """The street without people is its median; a window of the real picture is opened in it, a sixth of its width."""
    video, frames = cv2.VideoCapture(str(street())), []
    while (read := video.read())[0]:
        frames.append(cv2.resize(read[1], _SIZE).astype(np.uint8))
    empty = np.median(np.stack(frames[::12]), axis=0).astype(np.uint8)
    for number in range(scenes):
        first = number * (len(frames) - 40) // scenes
        window = _busiest(empty, frames[first : first + 8])
        moving = []
        for n in range(round(_MOVES_S * _FPS)):
            picture = empty.copy()
            picture[:, window] = frames[first + n * 10 // _FPS][:, window]
            moving.append(picture)
        yield _Clip(f"filmed-{number}", empty, moving, 30 + (number * 0.53) % 2)


def _busiest(empty: Picture, frames: list[Picture]) -> slice:
    width = _SIZE[0] // 6
    differs = np.stack([cv2.absdiff(frame, empty).max(axis=2) > 40 for frame in frames]).mean(axis=(0, 1))
    left = int(np.argmax(np.convolve(differs, np.ones(width), "valid")))
    return slice(left, left + width)


def _noisy(picture: Picture, grain: npt.NDArray[np.float32], n: int) -> Picture:
    noisy: Picture = np.clip(picture + np.roll(grain, n * 37 % 500, axis=1), 0, 255).astype(np.uint8)
    return noisy


def _encoded(clip: _Clip, path: Path, coding: tuple[str, ...]) -> Path:
    raw = ("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{_SIZE[0]}x{_SIZE[1]}", "-r", str(_FPS), "-i", "-")
    command = ["ffmpeg", "-v", "error", "-y", *raw, *_X264, *coding, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, input=b"".join(picture.tobytes() for picture in clip.pictures()), check=True)
    return path


def _seen_after_s(clip: _Clip, replay: Replay) -> float | None:
    """How long after the onset the camera was active because of it; 0 where it was already."""
    causes = (DecodeCause.PACKETS, DecodeCause.PIXELS)
    later = [at_s - clip.quiet_s for at_s, choice in replay.turns if at_s >= clip.quiet_s and choice.cause in causes]
    return round(later[0], 2) if later else None


def _report(found: list[tuple[_Clip, Replay]]) -> dict[str, object]:
    late = [_seen_after_s(clip, replay) for clip, replay in found]
    quiet_s = sum(clip.quiet_s for clip, _ in found)
    false = sum(at_s < clip.quiet_s for clip, replay in found for at_s, _ in replay.wakes())
    idle_s = sum(_idle_s(replay, clip.quiet_s) for clip, replay in found)
    return {
        "onsets": len(found),
        "seen_within_1_s": sum(one is not None and one <= 1 for one in late),
        "latest_s": max((one for one in late if one is not None), default=None),
        "idle_share_of_quiet": round(idle_s / quiet_s, 2),
        "false_wakes_per_hour": round(false / quiet_s * 3600, 1),
    }


def _idle_s(replay: Replay, until_s: float) -> float:
    ends = [at_s for at_s, _ in replay.turns[1:]] + [replay.lasts_s]
    return sum(
        min(end_s, until_s) - at_s
        for (at_s, choice), end_s in zip(replay.turns, ends, strict=True)
        if choice.mode is DecodeMode.IDLE and at_s < until_s
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
