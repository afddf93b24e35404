"""Which records were already brought: a site that starts again writes some of them twice, at new offsets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from watchpost.contracts.records import SourcePosition

__all__ = ["Dropped", "RepeatWindow"]


class RepeatWindow:
    """The identities of the last records of one partition.

    A repeat has the same key, so it lies in the same partition: a busy camera pushes no other partition's records out.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: dict[str, None] = {}

    def __contains__(self, identity: str) -> bool:
        return identity in self._seen

    def remember(self, identities: Iterable[str]) -> None:
        """Add `identities` as the latest, in their order; the oldest go where there are too many."""
        self._seen.update(dict.fromkeys(identities))
        for oldest in [*islice(self._seen, max(0, len(self._seen) - self._size))]:
            del self._seen[oldest]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Repeats left out since the last record that was sent, and the positions after them.

    The positions count only together with a record that tells of the drop: were the checkpoint moved over them alone,
    the offsets would be missing at the centre without a word.
    """

    ranges: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    positions: Mapping[int, SourcePosition] = field(default_factory=dict)

    def with_record(self, partition: int, offset: int, after: SourcePosition) -> Self:
        """One repeat more."""
        earlier = self.ranges.get(partition, ())
        if earlier and earlier[-1][1] + 1 == offset:
            ranges = (*earlier[:-1], (earlier[-1][0], offset))
        else:
            ranges = (*earlier, (offset, offset))
        return type(self)(
            {**self.ranges, partition: ranges},
            {**self.positions, partition: after},
        )

    def as_header(self) -> bytes:
        """`partition:first-last`, a comma between."""
        ranges = sorted(self.ranges.items())
        return ",".join(f"{partition}:{first}-{last}" for partition, each in ranges for first, last in each).encode()

    def __bool__(self) -> bool:
        return bool(self.ranges)
