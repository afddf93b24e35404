"""Faust's Kafka transport with the promises that Faust leaves out: awaited sends, an idempotent producer, own commits.

Read with faust-streaming 0.15.3: `docs/adr/0005-events-in-faust.md` says which of its habits this module avoids.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from faust import SASLCredentials, SSLCredentials
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.auth import CredentialsT
from faust.types.tuples import RecordMetadata
from mode.threads import WorkerThread

from watchpost.errors import RetryableError
from watchpost.settings import SecuritySettings

__all__ = ["Outgoing", "SureConsumer", "SureProducer", "SureTransport", "credentials"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be written. Without a partition the key decides (murmur2, as all of Watchpost's producers do)."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class SureProducer(driver.Producer):
    """A producer whose records are safe when `deliver` returns."""

    async def deliver(self, records: Sequence[Outgoing]) -> list[RecordMetadata]:
        """Write `records` in their order and wait for every acknowledgement.

        Raises:
            RetryableError: one was not acknowledged; whoever called must not commit.
        """
        try:
            promises = [
                await self.send(one.topic, one.key, one.value, one.partition, None, list(one.headers))
                for one in records
            ]
            outcomes = await asyncio.gather(*promises, return_exceptions=True)
        except Exception as error:  # whatever the client raises: nothing is known of what was queued
            raise RetryableError(f"Kafka did not take a record: {error!r}") from error
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise RetryableError(f"Kafka did not acknowledge a record: {outcome!r}") from outcome
        return cast("list[RecordMetadata]", outcomes)

    def _settings_extra(self) -> Mapping[str, Any]:
        # Faust is idempotent only under exactly_once
        return {"acks": "all", "enable_idempotence": True}


class _DaemonThread(WorkerThread):
    """Faust's consumer thread must not outlive a process that shall end, when Kafka is away and it hangs."""

    def __init__(self, service: Any, **kwargs: Any) -> None:
        super().__init__(service, **kwargs)
        self.daemon = True


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    Worker = _DaemonThread


class SureConsumer(driver.Consumer):
    """A consumer that commits the offsets it is told and no other, and knows where reading began."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begins: dict[TP, int] = {}

    async def commit_offsets(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; False when the partitions are another's by now. Any other failure crashes the Faust app."""
        return await self._thread.commit(offsets)

    def begin(self, partition: TP) -> int | None:
        """The offset from which `partition` is read since its assignment; None until that is settled."""
        begin = self._begins.get(partition)
        return None if begin is None or begin < 0 else begin

    async def first_offset(self, partition: TP) -> int:
        """The oldest offset that the log still has."""
        return (await self.earliest_offsets(partition))[partition]

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget where reading began."""
        await super().on_partitions_revoked(revoked)
        self._begins.clear()

    async def perform_seek(self) -> None:
        """Go back to what is committed, with nothing on its way meanwhile.

        After a recovery Faust lets the partitions run before it seeks, and empties its queues after it has sought:
        what was fetched in between was lost, and Faust would have taken the hole for a gap in the log. Where nothing
        is committed it does not seek at all.
        """
        self.stop_flow()
        await super().perform_seek()
        uncommitted = [tp for tp, offset in self._begins.items() if offset < 0]
        if uncommitted:
            await self._thread.seek_to_beginning(*driver.ensure_aiokafka_TPset(uncommitted))
            self._begins.update(await self.earliest_offsets(*uncommitted))

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek, and remember where to; -1 stands for nothing committed."""
        committed = await super().seek_to_committed()
        self._begins = {
            tp: -1 if offset is None else offset
            for tp, offset in ((TP(*place), offset) for place, offset in committed.items())
            if not self._is_changelog_tp(tp)
        }
        return committed

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class SureTransport(driver.Transport):
    """Makes the two above."""

    Consumer = SureConsumer
    Producer = SureProducer


def credentials(security: SecuritySettings) -> CredentialsT | None:
    """The site's Kafka security in Faust's words."""
    context = _tls(security) if security.protocol.endswith("SSL") else None
    password = security.secret() if security.protocol.startswith("SASL") else None
    if password is not None:
        return SASLCredentials(
            username=security.username,
            password=password,
            mechanism=security.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context)


def _tls(security: SecuritySettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=security.ca_file)
    if security.certificate_file is not None:
        context.load_cert_chain(security.certificate_file, security.key_file)
    return context
