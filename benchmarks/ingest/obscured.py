"""How often an obscured camera is missed, and how often one is told that is not: on places nothing was tuned on.

    python -m benchmarks.ingest.obscured [seeds]      # 20 unless given; needs the footage

Each run is a place with people in it, seen for 75 s through a window of a larger picture, and then for 60 s as
something has it: a cover or a turn, which is to be told, or weather, light and traffic, which are not. The places are
the real street and rendered ones of seeds and sizes that no test has. Noise, strength and place of all that vary with
the seed. The last line is one JSON object: by what came, the share of runs in which `camera_obscured` was told.
"""

import json
import sys
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from tests.fakes.footage import street
from tests.fakes.lighting import by_day, by_infrared, in_the_dark
from watchpost.ingest.obscured import ObscuredWatch, SceneLook
from watchpost.simulation import Scene
from watchpost.vision.scene_edges import edges_of

__all__ = ["main"]

Pixels = npt.NDArray[np.uint8]
Luma = npt.NDArray[np.float32]
Chance = np.random.Generator
# a picture of the place in colour, by how many seconds it has gone on, and what varies: as the camera takes it
View = Callable[[Pixels, int, Chance], Luma]

_WIDE, _HIGH, _DEGREES = 480, 270, 90
_KNOWN_S, _THEN_S = 75, 60
_WALKED_S = 40


def main(seeds: int) -> None:
    """Run all, print."""
    told: dict[str, list[bool]] = {}
    for seed in range(seeds):
        for place in ("filmed", "street", "room", "shop"):
            pictures = _pictures(place, seed)
            for name, view in {**TOLD, **NOT_TOLD}.items():
                told.setdefault(name, []).append(_is_told(pictures, view, seed))
        sys.stderr.write(f"seed {seed}: {_shares(told)}\n")
    shares = _shares(told)
    missed = {name: round(1 - shares[name], 3) for name in TOLD}
    sys.stdout.write(
        json.dumps({"runs_each": seeds * 4, "missed": missed, "false": {name: shares[name] for name in NOT_TOLD}})
        + "\n"
    )


def _shares(told: dict[str, list[bool]]) -> dict[str, float]:
    return {name: round(sum(of) / len(of), 3) for name, of in told.items()}


def _pictures(place: str, seed: int) -> list[Pixels]:
    """A wide picture a second: twice as wide and high as what the camera sees of it."""
    if place == "filmed":
        frames = _filmed()
        first = seed * 37 % len(frames)
        return [frames[(first + n) % len(frames)] for n in range(_WALKED_S)]
    scene = Scene.from_uri(f"sim:{place}?seed={100 + seed}&people=3&seconds={_WALKED_S}&fps=1&size=960x540")
    return [frame.bgr for frame in scene.frames()]


@lru_cache(1)
def _filmed() -> list[Pixels]:
    video, frames = cv2.VideoCapture(str(street())), []
    while (read := video.read())[0]:
        frames.append(cv2.resize(read[1], (2 * _WIDE, 2 * _HIGH)).astype(np.uint8))
    return frames[::10]


def _is_told(pictures: list[Pixels], view: View, seed: int) -> bool:
    watch, chance = ObscuredWatch(), np.random.default_rng(seed)
    grain = [np.asarray(chance.normal(0, 2 + seed % 5, (_HIGH, _WIDE)), np.float32) for _ in range(7)]
    for at_s in range(_KNOWN_S + _THEN_S):
        wide, since_s = pictures[at_s % len(pictures)], at_s - _KNOWN_S
        taken = by_day(_window(wide)) if since_s < 0 else view(wide, since_s, np.random.default_rng(seed * 1000))
        luma = np.clip(taken + np.roll(grain[at_s % 7], at_s * 37, axis=1), 0, 255).astype(np.uint8)
        if watch.look(SceneLook(edges_of(luma), float(luma.mean())), at_s * 1_000_000) is not None:
            return True
    return False


def _window(wide: Pixels, degrees: float = 0, zoom: float = 1.0) -> Pixels:
    """What a camera sees whose picture is 90 degrees wide; turned, or through a longer lens."""
    width, height = round(_WIDE / zoom), round(_HIGH / zoom)
    left, top = round(_WIDE * degrees / _DEGREES) + (_WIDE - width) // 2, _HIGH // 2 + (_HIGH - height) // 2
    return cv2.resize(wide[top : top + height, left : left + width], (_WIDE, _HIGH)).astype(np.uint8)


def _blurred(luma: Luma, px: float) -> Luma:
    return cv2.GaussianBlur(luma, (0, 0), px).astype(np.float32)


def _texture(chance: Chance, grain_px: float, levels: float) -> Luma:
    texture = _blurred(chance.normal(0, 1, (_HIGH, _WIDE)).astype(np.float32), grain_px)
    return np.asarray(texture / texture.std() * np.float32(levels), np.float32)


def _hand(_: Pixels, __: int, chance: Chance) -> Luma:
    return chance.uniform(30, 120) + _texture(chance, 60, chance.uniform(2, 15))


def _cloth(_: Pixels, since_s: int, chance: Chance) -> Luma:
    folds = _texture(chance, 18, chance.uniform(10, 30)) + _texture(chance, 2, chance.uniform(3, 12))
    return np.asarray(chance.uniform(50, 180) + np.roll(folds, since_s % 3, axis=1), np.float32)


def _spray(wide: Pixels, _: int, chance: Chance) -> Luma:
    seen = _blurred(by_day(_window(wide)), 25) * np.float32(chance.uniform(0.1, 0.4))
    return seen + np.float32(chance.uniform(20, 130)) + _texture(chance, 8, chance.uniform(3, 12))


def _fog(wide: Pixels, _: int, chance: Chance) -> Luma:
    left = np.float32(chance.uniform(0.2, 0.5))
    return _blurred(by_day(_window(wide)), chance.uniform(1, 3)) * left + 150 * (1 - left)


def _rain(wide: Pixels, since_s: int, _: Chance) -> Luma:
    luma, drops = _blurred(by_day(_window(wide)), 1), np.random.default_rng(since_s)
    for x, y in zip(drops.integers(0, _WIDE, 250), drops.integers(0, _HIGH, 250), strict=True):
        cv2.line(luma, (int(x), int(y)), (int(x) - 3, int(y) + 14), 190, 1)
    return luma


def _drops_on_the_lens(wide: Pixels, _: int, chance: Chance) -> Luma:
    luma = by_day(_window(wide))
    soft, drops = _blurred(luma, 8), np.zeros((_HIGH, _WIDE), np.uint8)
    for x, y in zip(chance.integers(0, _WIDE, 25), chance.integers(0, _HIGH, 25), strict=True):
        cv2.circle(drops, (int(x), int(y)), int(chance.integers(6, 18)), 1, -1)
    return np.where(drops == 1, soft, luma).astype(np.float32)


def _headlights(wide: Pixels, since_s: int, chance: Chance) -> Luma:
    luma = in_the_dark(_window(wide), 0.15) if chance.random() < 0.5 else by_day(_window(wide)) * np.float32(0.5)
    down, across = np.mgrid[0:_HIGH, 0:_WIDE].astype(np.float32)
    at = (since_s * 23 + chance.uniform(0, _WIDE)) % _WIDE
    glare = 230 * np.exp(-((across - at) ** 2 + (down - 160) ** 2) / np.float32(2 * chance.uniform(20, 60) ** 2))
    return np.asarray(np.minimum(235, luma + glare), np.float32)


def _lorry(wide: Pixels, _: int, chance: Chance) -> Luma:
    luma, left = by_day(_window(wide)), int(chance.integers(0, _WIDE // 2))
    luma[40:230, left : left + round(_WIDE * chance.uniform(0.25, 0.42))] = chance.uniform(40, 200)
    return luma


def _crowd(wide: Pixels, since_s: int, chance: Chance) -> Luma:
    luma = by_day(_window(wide))
    for left in chance.integers(0, _WIDE, 9):
        at = (int(left) + 9 * since_s) % _WIDE
        luma[60:260, at : at + 26] = chance.uniform(30, 200)
    return luma


def _shaken(wide: Pixels, since_s: int, _: Chance) -> Luma:
    return np.roll(by_day(_window(wide)), (since_s * 7 % 5 - 2, since_s * 5 % 7 - 3), (0, 1))


def _dawn_or_dusk(wide: Pixels, since_s: int, chance: Chance) -> Luma:
    return in_the_dark(_window(wide), float(np.exp(-since_s / chance.uniform(15, 60))))


TOLD: dict[str, View] = {
    "black": lambda _, __, ___: np.full((_HIGH, _WIDE), 16, np.float32),
    "hand": _hand,
    "cloth": _cloth,
    "spray": _spray,
    "turned by 15 degrees": lambda wide, _, __: by_day(_window(wide, 15)),
    "turned by 30 degrees": lambda wide, _, __: by_day(_window(wide, 30)),
    "turned by 60 degrees": lambda wide, _, __: by_day(_window(wide, 60)),
    "zoomed 1.5 times": lambda wide, _, __: by_day(_window(wide, zoom=1.5)),
    "zoomed 3 times": lambda wide, _, __: by_day(_window(wide, zoom=3)),
}
NOT_TOLD: dict[str, View] = {
    "day": lambda wide, _, __: by_day(_window(wide)),
    "infrared": lambda wide, _, __: by_infrared(_window(wide)),
    "lights out": lambda wide, _, chance: in_the_dark(_window(wide), chance.uniform(0.04, 0.2)),
    "dusk within minutes": _dawn_or_dusk,
    "fog": _fog,
    "rain": _rain,
    "drops on the lens": _drops_on_the_lens,
    "headlights": _headlights,
    "lorry before a third": _lorry,
    "crowd": _crowd,
    "shaken by wind": _shaken,
}

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
