"""Whatever its OpenAPI description allows or forbids, the api answers as the description says."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from tests.fakes.acting_site import ActingSite, Scene
from tests.fakes.api_service import ApiService
from tests.fakes.site_records import event, thumbnail
from tests.fakes.specs import camera_spec
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
CASES = 2000


def schemathesis(api: ApiService, seed: int) -> "subprocess.CompletedProcess[str]":
    """Every check, examples, edge cases, random ones and sequences of calls; server-sent events are tried apart."""
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(ROOT / "tests" / "schemathesis.toml"), "--no-color"),
            *("run", f"{api.url}/openapi.json"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--exclude-path", "/analyze/stream"),
            *("--max-examples", "120", "--workers", "2", "--continue-on-failure", "--seed", str(seed)),
            *("--generation-database", "none"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


def test_api_answers_only_as_its_description_says(tmp_path: Path, fresh_broker: Callable[[], EmbeddedKafka]) -> None:
    kafka = fresh_broker()
    with ApiService(kafka.bootstrap, tmp_path, calls_per_minute=1_000_000) as api:
        api.apply_topics()
        api.wait_until_ready()
        now = datetime.now(UTC)
        api.write(
            camera_spec("door"), event("door", event_id="e1", at=now), thumbnail("door", thumbnail_id="t1", at=now)
        )
        with ActingSite(kafka.bootstrap, {"rtsp://10.0.0.5/live": Scene(people=2)}):
            tried = 0
            for seed in count(1):
                run = schemathesis(api, seed)
                found = re.search(r"(\d+) generated", run.stdout)
                assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
                assert found is not None
                tried += int(found[1])
                if tried >= CASES:
                    break
        log = api.log_text()

    assert "Traceback" not in log
