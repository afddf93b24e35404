"""Topics are made once and as planned, and never altered."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.brokers import Broker, unique
from watchpost.errors import RetryableError, WatchpostError
from watchpost.stream.topics import TopicDifference, TopicPlan, TopicReport, apply_topics

pytestmark = pytest.mark.kafka


def _apply(broker: Broker, *plans: TopicPlan) -> TopicReport:
    return apply_topics({"bootstrap.servers": broker.bootstrap}, plans)


def test_topics_that_are_missing_are_created_as_planned(broker: Broker) -> None:
    events = TopicPlan(unique("events"), 24, {"retention.ms": "172800000", "flush.messages": "1"})
    buried = TopicPlan(f"{events.name}.dlq", 1)

    first = _apply(broker, events, buried)
    second = _apply(broker, events, buried)

    assert first == TopicReport(created=(events.name, buried.name), unchanged=(), differences=())
    assert second == TopicReport(created=(), unchanged=(events.name, buried.name), differences=())


def test_a_topic_that_differs_is_reported_and_left_alone(broker: Broker) -> None:
    name = unique("frames")
    _apply(broker, TopicPlan(name, 3, {"retention.ms": "600000", "segment.ms": "60000"}))
    plan = TopicPlan(name, 24, {"retention.ms": "3600000", "cleanup.policy": "compact"})
    expected = (
        TopicDifference(name, "partitions", "24", "3"),
        TopicDifference(name, "cleanup.policy", "compact", None),
        TopicDifference(name, "retention.ms", "3600000", "600000"),
        TopicDifference(name, "segment.ms", None, "60000"),
    )

    reports = [_apply(broker, plan), _apply(broker, plan)]

    assert [report.differences for report in reports] == [expected, expected]
    assert reports[0].unchanged == reports[0].created == ()
    assert f"DIFFERS   {name}: partitions is 3, planned 24; left as it is" in reports[0].lines()


def test_topics_applied_by_several_at_once_are_each_created_by_one(broker: Broker) -> None:
    plans = [TopicPlan(unique("race"), 2) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: _apply(broker, *plans), range(4)))

    created = [name for report in reports for name in report.created]
    assert sorted(created) == sorted(plan.name for plan in plans)
    assert all(report.differences == () for report in reports)


def test_a_setting_that_kafka_does_not_know_is_an_error_that_names_topic_and_setting(broker: Broker) -> None:
    name = unique("typo")

    with pytest.raises(WatchpostError, match=rf"creating topic {name}.*retention\.msec") as caught:
        _apply(broker, TopicPlan(name, 1, {"retention.msec": "1"}))

    assert not isinstance(caught.value, RetryableError)


def test_a_cluster_that_does_not_answer_is_worth_another_try() -> None:
    nowhere = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}

    with pytest.raises(RetryableError, match=r"listing topics: .*is the broker running"):
        apply_topics(nowhere, [TopicPlan("any", 1)], timeout_s=1)
