"""How late POST /analyze answers, on a whole site with real footage over RTSP; the last line is one JSON object.

    python -m benchmarks.analyze_calls [calls]          # 100 of each kind unless given

Late is what a call takes beyond its window and the opening of the camera. `added`: each call adds its camera; the
opening ends when ingest has the first picture (its `camera_online` event); `analysed` is when inference has looked at
it, where the window begins, and `answered` what comes after the window's end. `joined`: the camera runs already, and
nothing has to be opened.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np

from tests.fakes.camera import RtspCamera
from tests.fakes.footage import street_as_h264
from tests.fakes.site import SiteUnderTest
from tests.fakes.specs import camera_spec
from tests.waiting import wait_for
from watchpost.contracts import TopicName
from watchpost.contracts.records import EventType
from watchpost.models import default_models_dir, pull
from watchpost.stream import RecordProducer

__all__ = ["main"]

_CALLS = 100
_WINDOW_S = 0.2
_MODELS = ("yolox-nano", "movenet-multipose")


def main(calls: int) -> None:
    """Run the site and print the figures."""
    for name in _MODELS:
        pull(name, default_models_dir())
    with tempfile.TemporaryDirectory() as folder:
        street = street_as_h264(Path(folder))
        api = {"allowed_sources": ["127.0.0.0/8"], "calls_per_minute": 10_000}
        with RtspCamera(street) as camera, SiteUnderTest(Path(folder), {}, api=api) as site:
            report = _measured(site, camera.url, calls)
    print(json.dumps(report))


def _measured(site: SiteUnderTest, stream_url: str, calls: int) -> dict[str, object]:
    client = httpx.Client(base_url=f"http://127.0.0.1:{site.api_port}", timeout=60)
    ports = site.settings.telemetry.ports
    for port in (site.api_port, ports.ingest, ports.inference, ports.events):
        wait_for(lambda port=port: _answers(client, f"http://127.0.0.1:{port}/readyz"), within_s=120)  # type: ignore[misc]
    body = {"stream_url": stream_url, "tasks": ["person_detection", "abnormal_behavior"], "window_seconds": _WINDOW_S}

    def call() -> tuple[datetime, datetime]:
        began_at = datetime.now().astimezone()
        answer = client.post("/analyze", json=body)
        if not answer.is_success:
            raise SystemExit(f"a call failed: {answer.text}")
        return began_at, datetime.now().astimezone()

    added = [_alone(site, call) for _ in range(calls)]
    online = [event.at for event in site.site_events() if event.type == EventType.CAMERA_ONLINE]
    opened = [max(at for at in online if at < answered_at) for _, answered_at in added]
    looked = [seen.analyzed_at for seen in site.observations() if seen.skipped is None]
    analysed = [min(at for at in looked if at > opened_at) for opened_at in opened]

    _add_camera(site, client, stream_url)
    joined = [call() for _ in range(calls)]
    return {
        "calls": calls,
        "window_ms": round(_WINDOW_S * 1000),
        "opening_ms": _figures([began_at for began_at, _ in added], opened),
        "analysed_ms": _figures(opened, analysed),
        "answered_ms": _figures(analysed, [at for _, at in added], beyond_s=_WINDOW_S),
        "late_added_ms": _figures(opened, [at for _, at in added], beyond_s=_WINDOW_S),
        "late_joined_ms": _figures(*zip(*joined, strict=True), beyond_s=_WINDOW_S),
        "frames_a_second": _frames_a_second(site),
    }


def _alone(site: SiteUnderTest, call: Callable[[], tuple[datetime, datetime]]) -> tuple[datetime, datetime]:
    """A call that finds no camera, nor one that ingest has not stopped yet."""

    def running() -> int:
        log = site.log_of("ingest")
        return log.count('"camera_starts"') - log.count('"camera_stops"')

    wait_for(running, lambda cameras: cameras == 0, within_s=10)
    return call()


def _add_camera(site: SiteUnderTest, client: httpx.Client, stream_url: str) -> None:
    producer = RecordProducer(site.site)
    producer.send(TopicName.CAMERAS, camera_spec("street", source=stream_url), key="street")
    producer.flush()
    wait_for(lambda: _answers(client, "/cameras/street"), within_s=10)
    client.post(
        "/analyze", json={"stream_url": stream_url, "tasks": ["person_detection"], "window_seconds": 5}
    ).raise_for_status()


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False


def _figures(began: Sequence[datetime], ended: Sequence[datetime], *, beyond_s: float = 0) -> dict[str, int]:
    late_ms = [((end - begin).total_seconds() - beyond_s) * 1000 for begin, end in zip(began, ended, strict=True)]
    shares = {"p50": 50, "p90": 90, "p99": 99, "max": 100}
    return {name: round(float(np.percentile(late_ms, share))) for name, share in shares.items()}


def _frames_a_second(site: SiteUnderTest) -> float:
    """How densely the joined camera's frames were analysed: a call's window begins with one."""
    times = [seen.captured_at for seen in site.observations() if seen.camera == "street" and seen.skipped is None]
    gaps_s = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    return round(1 / float(np.mean(gaps_s)), 1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _CALLS)
