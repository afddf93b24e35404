"""The commands that people type: they start, say what they did, and leave nothing behind."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from tests.waiting import wait_for
from watchpost.stream.free_ports import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(200)]

WATCHPOST = [sys.executable, "-m", "watchpost"]


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


class RunningSite:
    """`watchpost up` in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        kafka_port, api_port, *ports = free_ports(6)
        names = ("ingest", "inference", "events", "bridge")
        self.ports = dict(zip(names, ports, strict=True))
        self.folder = folder
        config = folder / "config.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "site": "corner",
                    "state_dir": str(folder / "state"),
                    "cameras": {"street": "sim:street?seed=3&fps=5&size=320x180"},
                    "kafka": {"embedded": {"port": kafka_port}},
                    "frames": {"url": f"file://{folder}/frames"},
                    "telemetry": {"ports": self.ports},
                    "api": {"port": api_port},
                }
            )
        )
        self.process = subprocess.Popen([*WATCHPOST, "up", "--config", str(config)])

    def is_ready(self, service: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.ports[service]}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until_ready(self) -> list[psutil.Process]:
        """Wait for the services that a site without a centre has; every process that belongs to it."""
        for service in ("ingest", "inference", "events"):
            wait_for(lambda service=service: self.is_ready(service), within_s=90)  # type: ignore[misc]
        return descendants(self.process.pid)


@pytest.fixture
def site(tmp_path: Path, models_dir: Path) -> Iterator[RunningSite]:
    assert models_dir.is_dir()
    running = RunningSite(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def test_site_that_is_up_ends_all_its_processes_when_asked(site: RunningSite) -> None:
    started = site.wait_until_ready()

    site.process.send_signal(signal.SIGTERM)

    assert site.process.wait(timeout=30) == 0
    assert len(started) >= 10  # five programs and their guards
    wait_for(lambda: alive(started), lambda left: not left, within_s=5)


def test_site_whose_owner_is_killed_leaves_no_process(site: RunningSite) -> None:
    started = site.wait_until_ready()

    site.process.kill()

    wait_for(lambda: alive(started), lambda left: not left, within_s=30)


def test_demo_ends_with_one_json_line_and_loses_nothing(models_dir: Path) -> None:
    assert models_dir.is_dir()

    done = subprocess.run(
        [*WATCHPOST, "demo", "--seconds", "25", "--json"], capture_output=True, timeout=180, check=True
    )

    report = json.loads(done.stdout.splitlines()[-1])
    assert report["events_central"] == report["events_site"] > 0
    assert (report["events_lost"], report["events_duplicated"]) == (0, 0)
    assert report["frames_analyzed"] > 0
    assert 0 < report["bytes_up"] < report["bytes_in"]


def test_demo_with_an_outage_shows_it_in_plain_lines_and_catches_up(models_dir: Path) -> None:
    assert models_dir.is_dir()

    done = subprocess.run(
        [*WATCHPOST, "demo", "--outage", "15", "--json"], capture_output=True, text=True, timeout=190, check=True
    )

    report = json.loads(done.stdout.splitlines()[-1])
    assert report["events_central"] == report["events_site"] > 0
    assert (report["events_lost"], report["events_duplicated"]) == (0, 0)
    assert report["outage"]["most_events_waiting"] > 0
    assert report["outage"]["caught_up_after_s"] is not None
    assert "\x1b" not in done.stderr
    said = [line.split("; ")[0].split("  ")[-1] for line in done.stderr.splitlines() if "; " in line]
    assert list(dict.fromkeys(said))[:3] == [
        "uplink up, will be cut for 15 s",
        "uplink CUT for 15 s",
        "uplink is back, catching up",
    ]
    assert "lost 0, repeated 0" in done.stderr.splitlines()[-1]


def test_interrupted_demo_leaves_no_process(models_dir: Path) -> None:
    assert models_dir.is_dir()
    demo = subprocess.Popen([*WATCHPOST, "demo"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        started = wait_for(lambda: descendants(demo.pid), lambda seen: len(seen) >= 12, within_s=120)
    finally:  # one that failed went on beside all the tests after it, and made those fail too
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=30)

    wait_for(lambda: alive(started), lambda left: not left, within_s=5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "igest"], "name ingest, inference, events, bridge or api"),
        (["run", "ingest", "--config", "/none.yaml"], "name a readable file"),
        (["--config", "/none.yaml"], "name a readable file"),
        (["--model", "qwen3-vl-8b-int4", "--device", "cuda:0"], "'qwen3-vl-8b' is not usable: looked in"),
        (["--model", "qwen3-vl-30b/int4"], "bitsandbytes leaves at 16 bits"),
        (["--device", "gpu"], "write auto, cpu or cuda:N"),
        (["--model", "yolox-nano", "up"], "watchpost up"),
        (["cameras", "apply", "--watch"], "name it with --config"),
        (["config", "check", "/none.yaml"], "name a readable file"),
        (["run", "bridge"], "central"),
        (["topics", "apply", "--central"], "central"),
        (["models", "pull", "yolo"], "yolox-nano"),
        (["dlq", "list", "watchpost.nothing.v1"], "watchpost.frames.v1"),
        (["analyze", "/none.mp4"], "/none.mp4"),
        (["demo", "--source", "ftp://camera/live"], "write rtsp://"),
    ],
)
def test_wrong_command_is_answered_in_one_line_with_a_remedy(arguments: list[str], says: str) -> None:
    command = [*WATCHPOST, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("watchpost: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert says in done.stderr
