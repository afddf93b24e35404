"""Clusters that go away and come back, under load: the bridge waits, says so, and goes on."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.audited import assert_explained
from tests.fakes.bridged_site import BridgedSite, load
from tests.waiting import wait_for
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka


def test_centre_that_is_away_longer_than_a_transaction_may_take_gets_everything_once(
    embedded_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    central = fresh_broker()
    site = BridgedSite(embedded_broker.bootstrap, central.bootstrap, tmp_path)

    with site.bridge() as bridge:
        with load(site) as written:
            with site.reader() as reader:
                reader.wait_for(100)
            bridge.wait_until_ready()
            central.kill()
            waits = wait_for(bridge.waits_for, lambda waits: "central" in waits)
            # records that are not acknowledged within the transaction's 10 s fail it
            wait_for(bridge.log.read_text, lambda log: "failed delivery" in log, within_s=30)
            central.start()
        with site.reader() as reader:
            arrivals = reader.wait_until_quiet(len(written))
        bridge.wait_until_ready()

    assert central.bootstrap in waits["central"]
    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()
    assert_explained(site)


def test_site_kafka_that_is_killed_and_returns_is_carried_on(
    embedded_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    site_broker = fresh_broker()
    site = BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path)

    with site.bridge() as bridge, site.reader() as reader:
        with load(site) as written:
            reader.wait_for(100)
            site_broker.kill()
            site_broker.start()
            before = len(reader.look().messages)
            reader.wait_for(before + 200)
        arrivals = reader.wait_until_quiet(len(set(written)))
        bridge.wait_until_ready()

    # a producer that retries may write a record twice over a broker's death: twice at the site is once at the centre
    assert set(arrivals.values) == set(written)
    assert max(arrivals.values.values()) == 1
    arrivals.assert_gapless()
    assert_explained(site)
