"""An assignment made without knowing the topics is noticed: otherwise the service would wait for ever."""

from collections.abc import Collection
from dataclasses import dataclass
from unittest.mock import patch

from faust.assignor import PartitionAssignor

from watchpost.events.assigning import WatchfulAssignor


@dataclass(frozen=True)
class Member:
    subscription: tuple[str, ...]


@dataclass(frozen=True)
class Cluster:
    known: Collection[str]

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0, 1} if topic in self.known else None


def missing_after(known: Collection[str]) -> frozenset[str]:
    assignor = WatchfulAssignor.__new__(WatchfulAssignor)
    # what Faust itself assigns is not the question here
    with patch.object(PartitionAssignor, "assign", return_value={}):
        assignor.assign(Cluster(known), {"me": Member(("observations", "changelog"))})
    return assignor.missing


def test_topics_that_the_leader_did_not_know_are_remembered() -> None:
    assert missing_after({"changelog"}) == {"observations"}


def test_whole_metadata_leaves_nothing_missing() -> None:
    assert missing_after({"changelog", "observations"}) == frozenset()
