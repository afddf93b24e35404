"""Chooses what a lane reads next: everything in its order, or the newest first. Pure."""

from collections.abc import Mapping

from watchpost.bridge.manifest import LaneState
from watchpost.bridge.positions import Stretch, newest_stretch, next_stretch, unsent_records
from watchpost.contracts.records import SourcePosition

__all__ = ["ReadingPlan"]

_STRETCH_RECORDS = 2


class ReadingPlan:
    """One lane's choice, for its thread.

    if plan.is_over(state):
        state.stretches = plan.newest(state, highs, most_records)     # or plan.oldest(state)

    Newest first, partitions take turns: a busy camera's pictures must not keep another's last one waiting.
    """

    def __init__(self) -> None:
        self._turn = 0

    def is_over(self, state: LaneState) -> bool:
        """Whether what is read by now ends somewhere, so that more must be chosen when it was sent."""
        return any(stretch.end is not None for stretch in state.stretches.values())

    def oldest(self, state: LaneState) -> dict[int, Stretch]:
        """All in their order, but for what went ahead."""
        return {partition: next_stretch(position) for partition, position in state.next_positions().items()}

    def newest(self, state: LaneState, highs: Mapping[int, int], most_records: int) -> dict[int, Stretch]:
        """The newest of some partitions; where little waits, all in their order.

        Args:
            state: where the lane stands. What is held stays so: of its partition nothing is read.
            highs: where each partition ends by now.
            most_records: what one transaction takes.
        """
        free = {partition: at for partition, at in state.next_positions().items() if partition not in state.held}
        behind = [partition for partition, at in free.items() if unsent_records(at, highs[partition])]
        waiting = sum(unsent_records(free[partition], highs[partition]) for partition in behind)
        if waiting <= most_records and not any(at.sent_ahead for at in free.values()):
            return self.oldest(state)
        return self._in_turn(free, highs, sorted(behind), most_records // _STRETCH_RECORDS) or self.oldest(state)

    def _in_turn(
        self, positions: Mapping[int, SourcePosition], highs: Mapping[int, int], behind: list[int], most: int
    ) -> dict[int, Stretch]:
        later = [partition for partition in behind if partition >= self._turn]
        chosen = [*later, *(partition for partition in behind if partition < self._turn)][: max(1, most)]
        if chosen:
            self._turn = chosen[-1] + 1
        found = {
            partition: newest_stretch(positions[partition], highs[partition], _STRETCH_RECORDS) for partition in chosen
        }
        return {partition: stretch for partition, stretch in found.items() if stretch is not None}
