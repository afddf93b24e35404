"""Reads a few fields of a record and walks over the rest, for who carries records and does not look into them.

skim = skimmer(schema, ("event_id", "revision"))
event_id, revision = skim(payload)

`decode` takes 50 µs for an event (fastavro resolves two schemas in each record, cattrs builds the objects); this takes
11. The whole record is walked nevertheless: lengths, unions and enums must be what the schema says, and the last byte
must be the record's last. What it does not see is what lies within a value: text that is no UTF-8, a box without area.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from watchpost.contracts.schemas import RecordSchema
from watchpost.errors import ContractError

__all__ = ["Skim", "skimmer"]

_HEADER_BYTES = 10
# set in each byte of an integer but its last
_MORE = 0x80
# bytes of a value that needs no walk
_FIXED = {"null": 0, "boolean": 1, "float": 4, "double": 8}

_Read = Callable[[bytes, int], tuple[Any, int]]
"""The value that begins there, and the byte after its last."""
Skim = Callable[[bytes], tuple[Any, ...]]
_Walk = Callable[[bytes, int], int]
"""From a value's first byte to the byte after its last."""


def skimmer(schema: RecordSchema, names: Sequence[str]) -> Skim:
    """A function from a payload in single-object encoding to the values of `names`, which are strings or integers.

    The function raises ContractError where the payload does not hold a record of `schema`.
    """
    steps, order = _steps(schema.parsed, names)
    places = [order.index(name) for name in names]
    what = f"{schema.record} v{schema.version}"

    def skim(payload: bytes) -> tuple[Any, ...]:
        found: list[Any] = []
        at = _HEADER_BYTES
        try:
            for walk, read in steps:
                if read is not None:
                    value, at = read(payload, at)
                    found.append(value)
                elif walk is not None:
                    at = walk(payload, at)
        except (IndexError, UnicodeDecodeError) as error:
            raise ContractError(f"{what} cannot be read: {error!r}") from error
        if at != len(payload):
            raise ContractError(f"{what} was expected to end at byte {at}, but there are {len(payload)}")
        return tuple([found[place] for place in places])

    return skim


def _steps(parsed: Any, names: Sequence[str]) -> tuple[list[tuple[_Walk | None, _Read | None]], list[str]]:
    """How to get through a record, and the wanted fields in the order in which it has them."""
    known: dict[str, Any] = {}
    steps: list[tuple[_Walk | None, _Read | None]] = []
    order: list[str] = []
    between: list[_Walk] = []
    for field in parsed["fields"]:
        kind = field["type"]
        if field["name"] not in names:
            between.append(_walk_of(kind, known))
        elif isinstance(kind, str) and kind in _READS:
            steps += [(_each(between), None)] if between else []
            steps.append((None, _READS[kind]))
            order.append(field["name"])
            between = []
    steps += [(_each(between), None)] if between else []
    if missing := set(names) - set(order):
        raise ContractError(f"{parsed['name']}: expected strings or integers named {sorted(missing)}")
    return steps, order


def _text(payload: bytes, at: int) -> tuple[str, int]:
    end = _sized(payload, at)
    begin = _integer(payload, at)
    return payload[begin:end].decode(), end


def _number(payload: bytes, at: int) -> tuple[int, int]:
    """A zigzag integer and the byte after it."""
    byte = payload[at]
    if byte < _MORE:
        return (byte >> 1) ^ -(byte & 1), at + 1
    raw, shift = byte & 0x7F, 7
    while byte & _MORE:
        at += 1
        byte = payload[at]
        raw |= (byte & 0x7F) << shift
        shift += 7
    return (raw >> 1) ^ -(raw & 1), at + 1


_READS: dict[str, _Read] = {"string": _text, "int": _number, "long": _number}


def _walk_of(kind: Any, known: dict[str, Any]) -> _Walk:
    if isinstance(kind, list):
        return _union([None if branch == "null" else _walk_of(branch, known) for branch in kind])
    if isinstance(kind, str):
        return known[kind] if kind in known else _primitive(kind)
    return _complex(kind, known)


def _primitive(kind: str) -> _Walk:
    if kind in _FIXED:
        size_bytes = _FIXED[kind]
        return lambda _payload, at: at + size_bytes
    return _integer if kind in {"int", "long"} else _sized


def _complex(kind: Mapping[str, Any], known: dict[str, Any]) -> _Walk:
    walk: _Walk
    match kind["type"]:
        case "record" | "error":
            walk = _each([_walk_of(field["type"], known) for field in kind["fields"]])
        case "enum":
            walk = _enum(len(kind["symbols"]))
        case "fixed":
            size_bytes = int(kind["size"])
            walk = lambda _payload, at: at + size_bytes  # noqa: E731  (as its siblings, which are made by functions)
        case "array":
            walk = _blocks(_walk_of(kind["items"], known))
        case "map":
            walk = _blocks(_each([_sized, _walk_of(kind["values"], known)]))
        case simple:
            return _walk_of(simple, known)
    if "name" in kind:
        known[kind["name"]] = walk
    return walk


def _integer(payload: bytes, at: int) -> int:
    while payload[at] & _MORE:
        at += 1
    return at + 1


def _sized(payload: bytes, at: int) -> int:
    """A string or bytes: their length first."""
    byte = payload[at]
    if byte < _MORE and not byte & 1:  # below 64 bytes, as most are
        return at + 1 + (byte >> 1)
    length, at = _number(payload, at)
    if length < 0:
        raise IndexError(f"a length of {length}")
    return at + length


def _each(walks: Sequence[_Walk]) -> _Walk:
    each = tuple(walks)

    def walk_each(payload: bytes, at: int) -> int:
        for walk in each:
            at = walk(payload, at)
        return at

    return walk_each


def _union(branches: Sequence[_Walk | None]) -> _Walk:
    """None is a branch that holds nothing."""

    def walk_branch(payload: bytes, at: int) -> int:
        branch, at = _number(payload, at)
        if not 0 <= branch < len(branches):
            raise IndexError(f"branch {branch} of a union of {len(branches)}")
        walk = branches[branch]
        return at if walk is None else walk(payload, at)

    return walk_branch


def _enum(symbols: int) -> _Walk:
    def walk_enum(payload: bytes, at: int) -> int:
        symbol, at = _number(payload, at)
        if not 0 <= symbol < symbols:
            raise IndexError(f"symbol {symbol} of an enum of {symbols}")
        return at

    return walk_enum


def _blocks(item: _Walk) -> _Walk:
    """Arrays and maps: blocks of so many items, the last of none; a negative count is followed by the block's bytes."""

    def walk_blocks(payload: bytes, at: int) -> int:
        while True:
            count, at = _number(payload, at)
            if count == 0:
                return at
            if count < 0:
                _, at = _number(payload, at)
            if abs(count) > len(payload):  # what takes no bytes would be walked for ever
                raise IndexError(f"a block of {count}")
            for _ in range(abs(count)):
                at = item(payload, at)

    return walk_blocks
