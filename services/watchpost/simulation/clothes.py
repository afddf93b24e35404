"""Which volumes a dressed body is made of, and in which colours."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from watchpost.simulation.body import Joint
from watchpost.simulation.looks import Bgr, Garment, Look

__all__ = ["Part", "parts_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """Volumes of one colour: each segment is wrapped around the balls at its joints.

    `swell` scales the balls' radii, `nearer_m` settles what lies over what at an equal distance.
    """

    segments: tuple[tuple[Joint, ...], ...]
    colour: Bgr
    swell: float = 1.0
    nearer_m: float = 0.0


@lru_cache(maxsize=256)
def parts_of(look: Look) -> tuple[Part, ...]:
    """The parts of a body in these clothes."""
    return (*_legs(look), *_trunk(look), *_arms(look), *_head(look))


def _legs(look: Look) -> list[Part]:
    parts = []
    bare = look.garment in {Garment.SHORTS, Garment.SKIRT}
    for side in (0, 1):
        hip, knee = Joint(Joint.HIP_L + side), Joint(Joint.KNEE_L + side)
        ankle, toe = Joint(Joint.ANKLE_L + side), Joint(Joint.TOE_L + side)
        if bare:
            parts += [Part(((knee, ankle),), look.skin, 0.92), Part(((hip, knee),), look.bottom, 1.05, 0.01)]
        else:
            parts.append(Part(_chain(hip, knee, ankle), look.bottom))
        parts.append(Part(((ankle, toe),), look.shoes, 1.05, 0.02))
    if look.garment is Garment.SKIRT:
        parts.append(Part(((Joint.HIP_L, Joint.HIP_R, Joint.KNEE_L, Joint.KNEE_R),), look.bottom, 1.12, 0.03))
    return parts


def _trunk(look: Look) -> list[Part]:
    waist, shoulders = (Joint.WAIST_L, Joint.WAIST_R), (Joint.SHOULDER_L, Joint.SHOULDER_R)
    hips = (Joint.HIP_L, Joint.HIP_R)
    coat = ((*waist, *hips, Joint.KNEE_L, Joint.KNEE_R),) if look.garment is Garment.COAT else ()
    return [
        Part(((Joint.PELVIS, Joint.SEAT, *hips),), look.bottom, 1.03, 0.02),
        Part(((*waist, *shoulders, Joint.CHEST), (*waist, *hips), *coat), look.top, 1.03, 0.045),
        Part(((Joint.NECK, Joint.CHIN),), look.skin, 0.85),
    ]


def _arms(look: Look) -> list[Part]:
    parts = []
    for side in (0, 1):
        shoulder, elbow = Joint(Joint.SHOULDER_L + side), Joint(Joint.ELBOW_L + side)
        wrist, fingers = Joint(Joint.WRIST_L + side), Joint(Joint.FINGERS_L + side)
        if look.bare_arms:
            parts += [Part(_chain(elbow, wrist, fingers), look.skin, 1.0, 0.07)]
            parts += [Part(((shoulder, elbow),), look.top, 1.08, 0.075)]
        else:
            parts += [Part(((wrist, fingers),), look.skin, 1.0, 0.07)]
            parts += [Part(_chain(shoulder, elbow, wrist), look.top, 1.05, 0.075)]
    return parts


def _head(look: Look) -> list[Part]:
    hair = (Joint.HAIR_TOP, Joint.HAIR_BACK, *([Joint.NECK] if look.long_hair else []))
    return [Part(((Joint.HEAD, Joint.CHIN),), look.skin, 1.0, 0.01), Part((hair,), look.hair)]


def _chain(*joints: Joint) -> tuple[tuple[Joint, ...], ...]:
    return tuple(pairwise(joints))
