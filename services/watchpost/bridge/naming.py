"""Finds out whose a record is and what makes it itself: all that the way up needs to know of it."""

from typing import NamedTuple

from watchpost.bridge.lanes import Lane
from watchpost.contracts import HEADER_BYTES, RecordHead, Schemas, fingerprint_in
from watchpost.contracts.records import CameraId
from watchpost.errors import ContractError

__all__ = ["Named", "Namer"]


class Named(NamedTuple):
    """`identity` makes a record the same as another, whatever its offset: a replay writes it again."""

    camera: CameraId
    identity: str


class Namer:
    """Names the records of a lane.

    Args:
        lane: whose records these are.
        schemas: what their writers wrote them with; it may learn more.
    """

    def __init__(self, lane: Lane, schemas: Schemas) -> None:
        self._lane, self._schemas = lane, schemas
        self._identity = "/".join(["%s"] * len(lane.known_by))
        self._heads: dict[bytes, RecordHead] = {}

    def named(self, value: bytes) -> Named:
        """What names the record in `value`.

        Raises:
            UnknownSchemaError: its writer's schema is not known (yet).
            ContractError: these bytes are no record of the lane.
        """
        head = self._heads.get(value[:HEADER_BYTES]) or self._learnt(value)
        camera, *parts = head.read(value)
        return Named(camera, self._identity % tuple(parts))

    def _learnt(self, value: bytes) -> RecordHead:
        writer = self._schemas.by_fingerprint(fingerprint_in(value))
        if writer.record != self._lane.record.__name__:
            raise ContractError(f"expected {self._lane.record.__name__}, got {writer.record}")
        head = self._heads[value[:HEADER_BYTES]] = RecordHead(writer, ("camera", *self._lane.known_by))
        return head
