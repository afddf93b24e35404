"""A bridge over a link that is cut, silent, broken in the middle of a request, or thin: every event once."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.audited import assert_explained
from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.bridged_site import LOADED_CAMERAS, BridgedSite, event, load, partition_of, thumbnail
from tests.fakes.open_transactions import OpenTransactions
from tests.fakes.wan import WanBroker, wan_broker
from tests.waiting import wait_for
from watchpost.contracts import TopicName
from watchpost.simulation.wan import StallRule
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

# the transaction's own 10 s and as long again for the centre to end it; 60 s are what the client's own requests take
# until they count as lost, which nobody shall wait for
_RECOVERY_S = 40.0
_HALF_OPEN_S = 20.0
# the transaction's 10 s, and the 10 s in which the centre looks for such as are over
_VISIBLE_AGAIN_S = 25.0


@pytest.fixture
def central(tmp_path: Path) -> Iterator[WanBroker]:
    with wan_broker(tmp_path / "central") as broker:
        yield broker


@pytest.fixture
def site(embedded_broker: EmbeddedKafka, central: WanBroker, tmp_path: Path) -> BridgedSite:
    """Its bridge goes through the link, its reader stands at the centre."""
    return BridgedSite(
        embedded_broker.bootstrap,
        central.direct_bootstrap,
        tmp_path,
        options={"central": {"bootstrap": central.wan_bootstrap}},
    )


def assert_everything_came_once(site: BridgedSite, written: list[bytes]) -> None:
    with site.reader() as reader:
        arrivals = reader.wait_until_quiet(len(written), _RECOVERY_S)
    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()
    assert_explained(site)


def camera_beside(other: BridgedSite, site: BridgedSite) -> str:
    """A camera of `site` whose events go into the centre's partition of one of `other`'s loaded cameras."""
    there = partition_of(f"{other.name}/{LOADED_CAMERAS[0]}")
    names = (f"camera-{number}" for number in range(10_000))
    return next(name for name in names if partition_of(f"{site.name}/{name}") == there)


def cut_off_inside_a_transaction(site: BridgedSite, bridge: BridgeProcess, central: WanBroker) -> None:
    """Cut the link at a moment when a transaction is open at the centre, and stays so: its end was not under way."""
    transactions = OpenTransactions(site, LOADED_CAMERAS[:1])

    def caught() -> bool:
        bridge.freeze()
        if transactions.any():
            central.link.cut()
            if all(transactions.any() for _ in range(3)):
                return True
            central.link.restore()
        bridge.wake()
        return False

    wait_for(caught, within_s=40)
    bridge.wake()


def test_bridge_whose_link_is_cut_again_and_again_carries_every_event_once(
    site: BridgedSite, central: WanBroker
) -> None:
    with site.bridge() as bridge:
        with load(site) as written, site.reader() as reader:
            reader.wait_for(100)
            # one that the client bridges by itself, and one that is longer than a transaction may take
            for says in ("lane waits", "failed delivery"):
                central.link.cut()
                wait_for(bridge.log.read_text, lambda log, says=says: says in log, within_s=30)  # type: ignore[misc]
                arrived = len(reader.look().messages)
                central.link.restore()
                reader.wait_for(arrived + 100, _RECOVERY_S)
        assert_everything_came_once(site, written)
        bridge.wait_until_ready()


def test_bridge_over_a_link_that_says_nothing_for_20_s_notices_and_carries_every_event_once(
    site: BridgedSite, central: WanBroker
) -> None:
    with site.bridge() as bridge:
        with load(site) as written, site.reader() as reader:
            reader.wait_for(100)
            central.link.half_open()
            over_s = central.link.meter.now_s() + _HALF_OPEN_S
            waits = wait_for(bridge.waits_for, lambda waits: "events" in waits)
            wait_for(central.link.meter.now_s, lambda now_s: now_s > over_s, within_s=_HALF_OPEN_S + 10)
            arrived = len(reader.look().messages)
            # the old connections stay silent for good: only who gives them up comes through
            central.link.restore()
            reader.wait_for(arrived + 100, _RECOVERY_S)
        assert_everything_came_once(site, written)
        bridge.wait_until_ready()

    assert "centre" in waits["events"]


def test_bridge_that_is_reset_inside_its_transactions_carries_every_event_once(
    site: BridgedSite, central: WanBroker
) -> None:
    with site.bridge() as bridge:
        with load(site) as written, site.reader() as reader:
            reader.wait_for(100)
            for up_bytes in (1, 300, 1_000, 3_000, 10_000, 30_000):
                arrived = len(reader.look().messages)
                central.link.reset_after_bytes(up_bytes)
                wait_for(lambda: central.link.awaits_reset, lambda awaits: not awaits, within_s=30)
                reader.wait_for(arrived + 100, _RECOVERY_S)
        assert_everything_came_once(site, written)
        bridge.wait_until_ready()


def test_bridge_over_a_thin_slow_and_lossy_link_carries_every_event_once(site: BridgedSite, central: WanBroker) -> None:
    central.link.shape(
        up_kbps=300, down_kbps=1000, delay_ms=100, jitter_ms=40, stall=StallRule(0.02, stall_ms=250), seed=11
    )
    pictures = [thumbnail(f"t{number}") for number in range(5)]

    with site.bridge() as bridge:
        written = site.write(event(f"e{number}", LOADED_CAMERAS[number % 3]) for number in range(500))
        site.write(pictures)
        assert_everything_came_once(site, written)
        with site.reader(TopicName.THUMBNAILS) as reader:
            reader.wait_for(len(pictures), _RECOVERY_S)
        bridge.wait_until_ready(_RECOVERY_S)

    # what was sent again counts: thumbnails alone are 100 kB, which take 2.7 s of such a line
    assert central.link.meter.up_bytes > 100_000
    assert central.link.meter.most_bytes_in_any(1.0) <= (300 + 1000) * 1000 / 8 * 1.05


def test_site_cut_off_inside_a_transaction_hides_another_s_events_for_25_s_at_most(
    site: BridgedSite, central: WanBroker, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    site.options = {**site.options, "bridge": {"transaction_max_records": 20}}
    (tmp_path / "other").mkdir()
    other = BridgedSite(fresh_broker().bootstrap, central.direct_bootstrap, tmp_path / "other")
    beside = camera_beside(site, other)
    with site.bridge() as cut_off, other.bridge(), site.reader() as reader, other.reader() as other_reader:
        seen = other.write([event("before", beside)])
        other_reader.wait_for(1)
        with load(site) as written:
            reader.wait_for(100)
            cut_off_inside_a_transaction(site, cut_off, central)
            # they lie behind records of which nobody knows yet whether they count
            seen += other.write(event(f"behind{number}", beside) for number in range(5))
            others = other_reader.wait_for(6, within_s=_VISIBLE_AGAIN_S)
            central.link.restore()
        assert_everything_came_once(site, written)

    assert others.values == Counter(seen)
    assert_explained(other)


def test_transaction_that_timed_out_leaves_the_leader_at_work_and_its_standby_waiting(
    site: BridgedSite, central: WanBroker
) -> None:
    with ExitStack() as bridges:
        with load(site) as written, site.reader() as reader:
            leader = bridges.enter_context(site.bridge())
            reader.wait_for(100)
            standby = bridges.enter_context(site.bridge())
            wait_for(lambda: standby.waits_for().get("leadership", ""), lambda reason: "another bridge" in reason)
            for times in (1, 2):
                central.link.cut()
                wait_for(leader.log.read_text, lambda log, n=times: log.count("failed delivery") >= n, within_s=30)  # type: ignore[misc]
                arrived = len(reader.look().messages)
                central.link.restore()
                reader.wait_for(arrived + 100, _RECOVERY_S)
            assert (leader.exit_status(), standby.exit_status()) == (None, None)
            assert "another bridge" in standby.waits_for().get("leadership", "")
        assert_everything_came_once(site, written)
