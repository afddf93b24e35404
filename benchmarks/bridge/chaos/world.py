"""A site, a link, a centre and a bridge, for faults to befall; and how each fault does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from benchmarks.bridge.chaos.flow import Arrived, Writer
from benchmarks.bridge.chaos.schedule import Fault, FaultKind
from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.bridged_site import BridgedSite
from tests.fakes.open_transactions import freeze_inside_a_transaction
from tests.fakes.wan import WanBroker, wan_broker
from tests.waiting import wait_for
from watchpost.stream.embedded import EmbeddedKafka

__all__ = ["World", "world"]

# a bridge waits for the session of the one before, and for what that left open; all of it on a busy machine
_FLOWS_AGAIN_S = 180.0
_FLOWING_RECORDS = 20


@dataclass
class World:
    """What there is. A bridge that ends, whatever of, is followed by the next at once, as its supervisor would see to.

    Args:
        site, site_kafka, central: the two ends and the link between them.
        writer, arrived: what flows.
        bridge: the one that carries by now.
    """

    site: BridgedSite
    site_kafka: EmbeddedKafka
    central: WanBroker
    writer: Writer
    arrived: Arrived
    bridge: BridgeProcess
    inside_a_transaction: int = 0
    ended_by_themselves: int = 0
    _waits: threading.Event = field(default_factory=threading.Event)

    def befall(self, fault: Fault) -> None:
        """Let `fault` happen, and end where it is an outage."""
        if fault.waits_for_flow:
            self.wait_until_records_flow()
        self._waits.wait(fault.pause_s)
        match fault.kind:
            case FaultKind.KILL_INSIDE:
                self._kill_inside()
            case FaultKind.KILL:
                self._kill()
            case FaultKind.CUT:
                self.central.link.cut()
                self._waits.wait(fault.lasts_s)
                self.central.link.restore()
            case FaultKind.HALF_OPEN:
                self.central.link.half_open()
                self._waits.wait(fault.lasts_s)
                self.central.link.restore()
            case FaultKind.RESET:
                self.central.link.reset()
            case FaultKind.RESET_WITHIN:
                self.central.link.reset_after_bytes(fault.up_bytes)
                self._wait_for(lambda: not self.central.link.awaits_reset)
            case FaultKind.SITE_BROKER:
                self.site_kafka.kill()
                self.site_kafka.start()
            case FaultKind.CENTRAL_BROKER:
                self.central.kafka.kill()
                self.central.kafka.start()
            case _:
                assert_never(fault.kind)

    def wait_until_records_flow(self, records: int = _FLOWING_RECORDS) -> None:
        """Return when so many more have arrived than by now."""
        self.arrived.take()
        wanted = self.arrived.records + records
        self._wait_for(lambda: self.arrived.records >= wanted)

    def wait_until_all_arrived(self) -> None:
        """Return when the centre has all that the site acknowledged, or nothing more comes: then the count shows it."""
        with suppress(AssertionError):
            while self.arrived.lacks(self.writer.acknowledged):
                self.wait_until_records_flow(1)

    def _kill_inside(self) -> None:
        freeze_inside_a_transaction(self.site, self.bridge, within_s=_FLOWS_AGAIN_S)
        self.inside_a_transaction += 1
        self._kill()

    def _kill(self) -> None:
        self.bridge.kill()
        self.bridge = self.site.bridge()

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            self.arrived.take()
            self._tend()
            return condition()

        try:
            wait_for(holds, within_s=_FLOWS_AGAIN_S)
        except AssertionError as error:
            log = "\n".join(self.bridge.log.read_text().splitlines()[-20:])
            raise AssertionError(f"{error}; the bridge waits for {self.bridge.waits_for()}; it says:\n{log}") from error

    def _tend(self) -> None:
        if self.bridge.exit_status() is not None:
            self.ended_by_themselves += 1
            self.bridge = self.site.bridge()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Two brokers, the link, a bridge; events and thumbnails flow as long as the block runs.

    Args:
        folder: for all that these keep.
    """
    with EmbeddedKafka(folder / "site") as site_kafka, wan_broker(folder / "central") as central:
        site = BridgedSite(
            site_kafka.bootstrap,
            central.wan_bootstrap,
            folder,
            # small transactions: a bridge under load is nearly always inside one
            {"bridge": {"transaction_max_records": 20}},
            central_admin=central.direct_bootstrap,
        )
        with Writer(site) as writer, closing(Arrived(site)) as arrived:
            made = World(site, site_kafka, central, writer, arrived, site.bridge())
            try:
                yield made
            finally:
                made.bridge.__exit__(None, None, None)
