"""What people wear and how they are built, drawn by lot: a detector meets strangers, not one figure again."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np

__all__ = ["Bgr", "Garment", "Look", "look_of", "shade"]

Bgr = tuple[int, int, int]


class Garment(StrEnum):
    """What is worn below the waist or over everything."""

    TROUSERS = "trousers"
    SHORTS = "shorts"
    SKIRT = "skirt"
    COAT = "coat"


@dataclass(frozen=True, slots=True)
class Look:
    """One person's build and clothes; colours are BGR."""

    stature: float
    skin: Bgr
    hair: Bgr
    top: Bgr
    bottom: Bgr
    shoes: Bgr
    garment: Garment
    bare_arms: bool
    long_hair: bool


_SKINS: Final = ((130, 160, 215), (110, 140, 195), (90, 120, 172), (62, 88, 130), (48, 66, 98))
_HAIRS: Final = ((24, 24, 28), (30, 45, 72), (58, 92, 130), (40, 55, 95), (105, 105, 108), (170, 170, 172))
_BOTTOMS: Final = ((78, 58, 44), (38, 38, 42), (92, 102, 112), (112, 82, 60), (60, 70, 84), (130, 150, 165))
_SHOES: Final = ((28, 28, 32), (40, 52, 78), (200, 200, 205))
_GARMENTS: Final = (Garment.TROUSERS, Garment.SHORTS, Garment.SKIRT, Garment.COAT)
_GARMENT_SHARES: Final = (0.66, 0.1, 0.1, 0.14)
_REFERENCE_M: Final = 1.72
_SHARE_BARE_ARMS: Final = 0.35
_SHARE_LONG_HAIR: Final = 0.35
_SHARE_VIVID: Final = 0.3


@lru_cache(maxsize=4096)
def shade(colour: Bgr, tone: float) -> Bgr:
    """A colour, darker (below 1) or lighter."""
    blue, green, red = (min(255, round(channel * tone)) for channel in colour)
    return blue, green, red


@lru_cache(maxsize=256)
def look_of(seed: int, person_id: int) -> Look:
    """The look of a scene's person, the same at every call. `stature` is relative to 1.72 m."""
    random = np.random.default_rng([seed, 21, person_id])

    def one_of(colours: tuple[Bgr, ...]) -> Bgr:
        return colours[int(random.integers(len(colours)))]

    return Look(
        stature=float(random.uniform(1.6, 1.86)) / _REFERENCE_M,
        skin=one_of(_SKINS),
        hair=one_of(_HAIRS),
        top=_cloth(random),
        bottom=one_of(_BOTTOMS),
        shoes=one_of(_SHOES),
        garment=_GARMENTS[int(random.choice(len(_GARMENTS), p=_GARMENT_SHARES))],
        bare_arms=bool(random.random() < _SHARE_BARE_ARMS),
        long_hair=bool(random.random() < _SHARE_LONG_HAIR),
    )


def _cloth(random: np.random.Generator) -> Bgr:
    """A cloth colour: mostly muted, now and then vivid."""
    grey = float(random.uniform(35, 205))
    reach = 70.0 if random.random() < _SHARE_VIVID else 25.0
    blue, green, red = np.clip(grey + random.uniform(-reach, reach, 3), 18, 225)
    return int(blue), int(green), int(red)
