"""A caller cannot have the site look at itself: whatever spelling they try, the api answers and nothing is opened."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.api_service import ApiService
from tests.fakes.forbidden_sources import forbidden_stream_urls
from tests.fakes.scripted_servers import Listener
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka


def test_forbidden_stream_urls_are_told_the_remedy_and_become_no_camera(
    fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    bootstrap = fresh_broker().bootstrap
    with Listener() as forbidden, ApiService(bootstrap, tmp_path, calls_per_minute=100_000) as api:
        api.apply_topics()
        api.wait_until_ready()
        client = api.client()
        urls = forbidden_stream_urls(forbidden.port)
        answers = {
            url: client.post("/analyze", json={"stream_url": url, "tasks": ["person_detection"]}) for url in urls
        }
        added = [client.post("/cameras", json={"name": f"c{n}", "source": url}) for n, url in enumerate(urls)]
        specs = api.specs()

    assert len(urls) >= 40
    assert {url: answer.status_code for url, answer in answers.items() if answer.status_code != 422} == {}
    assert {answer.status_code for answer in added} == {422}
    assert all(answer.json()["remedy"] and answer.json()["field"] == "stream_url" for answer in answers.values())
    assert specs == {}
    assert forbidden.seen == []
