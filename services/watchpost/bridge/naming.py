"""Finds out whose a record is and what makes it itself: all that the way up needs to know of it."""

from typing import NamedTuple

from watchpost.bridge.lanes import Lane
from watchpost.contracts import Schemas, fingerprint_in, read_head
from watchpost.contracts.records import CameraId
from watchpost.errors import ContractError

__all__ = ["Named", "named"]


class Named(NamedTuple):
    """`identity` makes a record the same as another, whatever its offset: a replay writes it again."""

    camera: CameraId
    identity: str


def named(value: bytes, lane: Lane, schemas: Schemas) -> Named:
    """What names the lane's record in `value`.

    Raises:
        UnknownSchemaError: its writer's schema is none of `schemas`.
        ContractError: these bytes are no record of the lane.
    """
    writer = schemas.by_fingerprint(fingerprint_in(value))
    if writer.record != lane.record.__name__:
        raise ContractError(f"expected {lane.record.__name__}, got {writer.record}")
    camera, *parts = read_head(value, ("camera", *lane.known_by), writer)
    return Named(camera, "/".join(map(str, parts)))
