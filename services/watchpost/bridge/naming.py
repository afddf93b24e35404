"""Finds out whose a record is and what makes it itself, without decoding the rest of it."""

from watchpost.bridge.lanes import Lane, Named
from watchpost.bridge.writer_schemas import WriterSchemas
from watchpost.contracts.skimming import Skim, skimmer
from watchpost.errors import ContractError

__all__ = ["Naming"]

# the mark of single-object encoding and the schema's fingerprint
_PREFIX_BYTES = 10


class Naming:
    """Names a lane's records.

    Args:
        lane: whose records.
        schemas: what their writers wrote them with.
    """

    def __init__(self, lane: Lane, schemas: WriterSchemas) -> None:
        self._lane, self._schemas = lane, schemas
        self._skims: dict[bytes, Skim] = {}

    def name(self, value: bytes) -> Named:
        """What names the record in `value`.

        Raises:
            UnknownSchemaError: its writer's schema is not known here.
            ContractError: these bytes are no record of the lane.
        """
        prefix = value[:_PREFIX_BYTES]
        skim = self._skims.get(prefix)
        if skim is None:
            skim = self._skims[prefix] = self._skim_of(value)
        camera, *parts = skim(value)
        return Named(camera, "/".join(map(str, parts)))

    def _skim_of(self, value: bytes) -> Skim:
        writer = self._schemas.of(value)
        if writer.record != self._lane.record.__name__:
            raise ContractError(f"expected {self._lane.record.__name__}, got {writer.record}")
        return skimmer(writer, self._lane.named_by)
