"""Sites whose clock is wrong: they go on, the centre gets all, and keeps it by its own time."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import Message

from tests.fakes.audited import assert_explained
from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.bridged_site import BridgedSite, event
from watchpost.contracts import SourceHeader, TopicName, encode
from watchpost.stream import headers_of, value_of
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

TWO_HOURS_S = 2 * 3600.0
# what the site's broker stamps is LogAppendTime, by its own wrong clock: a test cannot set that, but write the stamps
STAMPED_BY_WRITER = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**62)}


@pytest.fixture
def site(site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path) -> BridgedSite:
    return BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path, topic_settings=STAMPED_BY_WRITER)


def write(site: BridgedSite, prefix: str, ahead_s: float, count: int = 5) -> list[bytes]:
    """Events, written by a site whose clock is `ahead_s` ahead."""
    records = [event(f"{prefix}{number}") for number in range(count)]
    values = [encode(replace(one, at=one.at + timedelta(seconds=ahead_s))) for one in records]
    for value in values:
        site.write_bytes(TopicName.EVENTS, value, timestamp_ms=round((time.time() + ahead_s) * 1000))
    return values


def told_times(messages: Sequence[Message]) -> dict[bytes, bytes | None]:
    return {value_of(each) or b"": dict(headers_of(each)).get(SourceHeader.ORIGINAL_TIMESTAMP) for each in messages}


@pytest.mark.parametrize("year", ["two hours ahead", "1970"])
def test_site_whose_clock_is_wrong_and_then_set_goes_on_and_loses_nothing(
    site: BridgedSite, monkeypatch: pytest.MonkeyPatch, year: str
) -> None:
    # an hour after midnight, as a box without a battery is that was just switched on
    ahead_s = TWO_HOURS_S if year == "two hours ahead" else 3600.0 - time.time()
    program = (sys.executable, "-m", "tests.fakes.wrong_clock", str(ahead_s))

    with site.reader() as reader:
        with monkeypatch.context() as wrong:
            wrong.setattr(BridgeProcess, "program", program)
            with site.bridge() as bridge:
                written = early = write(site, "early", ahead_s)
                reader.wait_for(5)
                bridge.wait_until_ready()
        with site.bridge():
            written = [*early, *write(site, "late", 0.0)]
            arrivals = reader.wait_until_quiet(10)

    now_ms = time.time() * 1000
    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()
    assert all(abs(message.timestamp()[1] - now_ms) < 120_000 for message in arrivals.messages)
    assert {value for value, told in told_times(arrivals.messages).items() if told is not None} == set(early)
    assert_explained(site)
