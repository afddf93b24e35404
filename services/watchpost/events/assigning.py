"""Notices when partitions were shared out by a leader that did not know the topics, which Faust only logs."""

from typing import Any

from faust.assignor import PartitionAssignor

__all__ = ["WatchfulAssignor"]


class WatchfulAssignor(PartitionAssignor):
    """Faust's assignor; `missing` are the topics that the cluster's metadata lacked at the last sharing out.

    A broker that comes back answers before it knows its topics. Faust then assigns nothing, and nothing wakes it up
    again: a service that hung so for as long as it was watched was seen when Kafka died while it started.
    """

    missing: frozenset[str] = frozenset()

    def assign(self, cluster: Any, member_metadata: Any) -> Any:
        """Share out as Faust does."""
        subscribed = {topic for member in member_metadata.values() for topic in member.subscription}
        self.missing = frozenset(topic for topic in subscribed if not cluster.partitions_for_topic(topic))
        return super().assign(cluster, member_metadata)
