"""Sees to it that one bridge of a site works and the others wait: one partition, one owner."""

from collections.abc import Mapping
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from watchpost.bridge.patience import patiently
from watchpost.contracts import TopicName
from watchpost.telemetry import metrics

__all__ = ["Leadership"]

_LOG = structlog.get_logger()

_PASSING = frozenset(
    {
        KafkaError._TRANSPORT,  # noqa: SLF001  (its public name for a local error code; and so below)
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._WAIT_COORD,  # noqa: SLF001
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.REQUEST_TIMED_OUT,
    }
)


class Leadership:
    """Membership in the group whose one partition makes a leader.

    It spares work, it does not guard: two bridges may believe that they lead for a moment. What guards is the
    transactional.id, which the later leader takes from the earlier.

    Args:
        client: the settings that lead to the site's cluster, callbacks included.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._held = False
        self._questions: SimpleQueue[Future[bool | None]] = SimpleQueue()
        self._consumer = Consumer(
            {
                **client,
                "group.id": "watchpost-bridge-leadership",
                "group.protocol": "classic",
                "session.timeout.ms": 10_000,
                "heartbeat.interval.ms": 3_000,
                # the eager assignors take the partition away from everybody when a standby comes or goes
                "partition.assignment.strategy": "cooperative-sticky",
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
            }
        )
        self._consumer.subscribe(
            [TopicName.BRIDGE_LOCK], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    @property
    def held(self) -> bool:
        """Whether this bridge leads, as of the last `poll`."""
        return self._held

    def poll(self, wait_s: float) -> None:
        """Take part in the group for up to `wait_s`; call it again and again."""
        with patiently("keeping the leadership"):
            self._consumer.poll(wait_s)
        while not self._questions.empty():
            self._questions.get().set_result(self._asked())

    def confirmed(self) -> bool | None:
        """Whether the group's coordinator agrees that this bridge leads; None when it cannot be asked now.

        A process that was frozen does not know yet that it was replaced: only the coordinator does.
        """
        self.poll(0)
        return self._asked()

    def agreed(self, within_s: float) -> bool | None:
        """As `confirmed`, for other threads than the one that polls, which answers at its next `poll`."""
        # a commit on a second thread was seen to wait for ever beside a poll on the first (librdkafka 2.16)
        question: Future[bool | None] = Future()
        self._questions.put(question)
        try:
            return question.result(within_s)
        except TimeoutError:
            return None

    def _asked(self) -> bool | None:
        if not self._held:
            return False
        try:
            # a commit is the one request that a coordinator answers by membership and generation
            self._consumer.commit(offsets=[TopicPartition(TopicName.BRIDGE_LOCK, 0, 0)], asynchronous=False)
        except KafkaException as error:
            return None if error.args[0].code() in _PASSING else False
        return True

    def close(self) -> None:
        """Leave the group: the next bridge leads at once."""
        self._consumer.close()
        self._set(held=False)

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if partitions:
            self._set(held=True)

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if partitions:
            self._set(held=False)

    def _set(self, *, held: bool) -> None:
        if held != self._held:
            _LOG.info("leadership taken" if held else "leadership lost")
        self._held = held
        metrics.BRIDGE_LEADER.set(held)
