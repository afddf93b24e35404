"""What the event logic remembers of one camera, and the bytes in which a changelog keeps it."""

import json
from dataclasses import dataclass, field

from cattrs import Converter

from watchpost.contracts.records import CameraId, SiteId
from watchpost.errors import ContractError
from watchpost.events.answer_events import AnswerMemory
from watchpost.events.counts import CountState
from watchpost.events.falls import PersonState
from watchpost.events.places import FallenPlace
from watchpost.events.uplink import Uplinked
from watchpost.events.zone_events import ZoneMemory
from watchpost.vision.tracking import Tracks

__all__ = ["CameraState", "decode_state", "encode_state", "initial_state"]

_VERSION = 4
# version 2 knew no answers, 3 no marked frames: a camera goes on from them as one of which there were none
_READABLE = frozenset({2, 3, _VERSION})
_converter = Converter(forbid_extra_keys=True)


@dataclass(frozen=True, slots=True)
class CameraState:
    """Everything that the next frame of a camera is judged by. `seen_us` is the newest captured_at taken in."""

    site: SiteId
    camera: CameraId
    seen_us: int | None = None
    tracks: Tracks = field(default_factory=Tracks)
    people: tuple[PersonState, ...] = ()
    places: tuple[FallenPlace, ...] = ()
    count: CountState = field(default_factory=CountState)
    zones: ZoneMemory = field(default_factory=ZoneMemory)
    answers: AnswerMemory = field(default_factory=AnswerMemory)
    thumbnail_us: int | None = None
    sampled_us: int | None = None
    uplinked: Uplinked = ()


def initial_state(site: SiteId, camera: CameraId) -> CameraState:
    """The state of a camera of which nothing was seen yet."""
    return CameraState(site, camera)


def encode_state(state: CameraState) -> bytes:
    """The state as bytes. Equal states give equal bytes."""
    document = {"version": _VERSION, "state": _converter.unstructure(state)}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def decode_state(data: bytes) -> CameraState:
    """The state that `encode_state` wrote. Raises ContractError for bytes of an unknown version or none of ours."""
    try:
        document = json.loads(data)
        version = document["version"]
        if version in _READABLE:
            return _converter.structure(document["state"], CameraState)
    except Exception as problem:
        raise ContractError(f"not the state of a camera: {problem!r}") from problem
    raise ContractError(f"the state of a camera has version {version!r}; this software reads version {_VERSION}")
