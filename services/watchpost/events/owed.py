"""What the events service still owes to Kafka, and the bytes in which the changelog keeps it beside the state."""

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cattrs import Converter

from watchpost.contracts import TopicName, encode
from watchpost.contracts.records import FrameAnalyzed
from watchpost.errors import ContractError
from watchpost.events.outputs import Outputs, ThumbnailRequest
from watchpost.events.state import CameraState, decode_state, encode_state

__all__ = ["Owed", "OwedRecord", "Snapshot", "decode_snapshot", "encode_snapshot", "newest_seen_us", "owed_by"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class OwedRecord:
    """One record as it must be written, byte for byte, however often."""

    topic: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Owed:
    """What came of one frame and is not known to be acknowledged. A thumbnail is owed as a request, not as a JPEG.

    Args:
        frame_id: the frame.
        offset: where its observation stands in its partition.
        records: events and commands.
        thumbnails: pictures to be cut while the frame still lies in the frame store.

    """

    frame_id: str
    offset: int
    records: tuple[OwedRecord, ...]
    thumbnails: tuple[ThumbnailRequest, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A camera as its changelog keeps it. `state` is None where an older or newer software wrote it."""

    state: CameraState | None
    owed: tuple[Owed, ...]


def owed_by(frame: FrameAnalyzed, offset: int, outputs: Outputs) -> Owed | None:
    """The bytes that `outputs` put into the site's debt, None where there are none."""
    records = (
        *(OwedRecord(TopicName.EVENTS.value, encode(event)) for event in outputs.events),
        *(OwedRecord(TopicName.COMMANDS.value, encode(command)) for command in outputs.commands),
    )
    if not records and not outputs.thumbnails:
        return None
    return Owed(frame.frame_id, offset, records, outputs.thumbnails)


def encode_snapshot(state: CameraState, owed: Iterator[Owed]) -> bytes:
    """A line of JSON, then the state, compressed: a person's trail repeats itself (4 kB become 0.5 kB)."""
    head = {
        "version": _VERSION,
        "seen_us": state.seen_us or 0,
        "owed": [_CONVERTER.unstructure(one) for one in owed],
    }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + zlib.compress(encode_state(state), level=1)


def decode_snapshot(data: bytes) -> Snapshot:
    """The snapshot in `data`. A state that this software cannot read is left out, what is owed is not.

    Raises:
        ContractError: these bytes are no snapshot.
    """
    head, _, packed = data.partition(b"\n")
    try:
        owed = tuple(_CONVERTER.structure(one, Owed) for one in json.loads(head)["owed"])
        encoded = zlib.decompress(packed)
    except Exception as error:  # damaged bytes make json, zlib and cattrs raise almost anything
        raise ContractError(f"not a snapshot of a camera: {error!r}") from error
    try:
        return Snapshot(decode_state(encoded), owed)
    except ContractError:
        return Snapshot(None, owed)


def newest_seen_us(data: bytes) -> int:
    """When the newest frame in the snapshot was captured, so that two can be put in order without reading them."""
    head = json.loads(data.partition(b"\n")[0])
    return int(head["seen_us"])


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(bytes, lambda value: base64.b64encode(value).decode())
    converter.register_structure_hook(bytes, lambda value, _: base64.b64decode(value))
    converter.register_unstructure_hook(datetime, lambda value: value.isoformat())
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    return converter


_CONVERTER = _converter()
