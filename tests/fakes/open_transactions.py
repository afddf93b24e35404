"""Catches a bridge in the middle of a transaction, surely: what a kill at a random instant hits only by luck."""

from collections.abc import Iterable

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.bridged_site import LOADED_CAMERAS, BridgedSite, partition_of
from tests.waiting import wait_for
from watchpost.contracts import TopicName

__all__ = ["OpenTransactions", "freeze_inside_a_transaction"]

_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client lacks annotations here


class OpenTransactions:
    """Looks, at the centre, for records of transactions that are not over.

    Example:
        OpenTransactions(site).any()

    Args:
        site: whose events.
        cameras: the partitions that these cameras' events go to are looked at.
    """

    def __init__(self, site: BridgedSite, cameras: Iterable[str] = LOADED_CAMERAS) -> None:
        bootstrap = site.central_admin or site.central_bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._places = [TopicPartition(TopicName.EVENTS, partition_of(f"{site.name}/{camera}")) for camera in cameras]

    def any(self) -> bool:
        """Whether a partition holds records that a careful reader does not get yet."""
        return self._ends(IsolationLevel.READ_COMMITTED) != self._ends(IsolationLevel.READ_UNCOMMITTED)

    def _ends(self, isolation: IsolationLevel) -> dict[int, int]:
        futures = self._admin.list_offsets(
            dict.fromkeys(self._places, _LATEST), isolation_level=isolation, request_timeout=10
        )
        return {place.partition: future.result().offset for place, future in futures.items()}


def freeze_inside_a_transaction(site: BridgedSite, bridge: BridgeProcess, within_s: float = 10.0) -> None:
    """Freeze `bridge`, which is under load, at a moment when it has a transaction open; it stays frozen."""
    transactions = OpenTransactions(site)

    def caught() -> bool:
        bridge.freeze()
        if transactions.any():
            return True
        bridge.wake()
        return False

    wait_for(caught, within_s=within_s)
