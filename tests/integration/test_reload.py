"""A site whose configuration file changes while it runs: only whom the change concerns notices."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.fakes.brokers import Broker, unique
from tests.fakes.site_up import SiteUp
from tests.waiting import wait_for
from watchpost.contracts.records import CameraId
from watchpost.settings import Scope, load_settings, version_of
from watchpost.site.specs import read_camera_specs
from watchpost.site.topics import apply_site_topics
from watchpost.stream import client_config

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(200)]

STREET = "sim:street?seed=3&fps=5&size=320x180"
ROOM = "sim:room?seed=4&fps=5&size=320x180"
CAMERAS = {"street": STREET}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[SiteUp]:
    assert models_dir.is_dir()
    with SiteUp(tmp_path_factory.mktemp("up"), CAMERAS) as site:
        site.wait_until_up()
        site.wait_for_frames("street")
        yield site


@pytest.fixture
def site(running: SiteUp) -> Iterator[SiteUp]:
    """The site by its first file, before and after."""
    yield running
    running.reload()
    running.wait_until_up()
    wait_for(lambda: set(running.specs()), lambda cameras: cameras == {"street"})
    assert len(running.sessions("street")) == 1, "the street's camera was disturbed"


def test_camera_that_is_added_to_the_file_starts_and_the_others_go_on(site: SiteUp) -> None:
    before, street = site.pids(), site.specs()[CameraId("street")]

    told = site.reload(cameras={**CAMERAS, "room": ROOM})

    site.wait_for_frames("room")
    site.wait_for_frames("street")
    assert (told["changed"], told["cameras"], told["restarted"]) == (["cameras.room"], True, [])
    assert site.pids() == before
    assert site.specs()[CameraId("street")] == street
    assert len(site.sessions("street")) == 1


def test_camera_that_changes_keeps_its_session_and_the_other_its_spec(site: SiteUp) -> None:
    site.reload(cameras={**CAMERAS, "hall": ROOM})
    site.wait_for_frames("hall")
    before = site.specs()
    hall = {"source": ROOM, "roi": [0, 0, 1, 0.5], "thumbnail_interval_s": 3}

    site.reload(cameras={**CAMERAS, "hall": hall})

    wait_for(lambda: site.frames("hall")[-1], lambda frame: frame.assignment.thumbnail_interval_s == 3)
    after = site.specs()
    assert site.frames("hall")[-1].roi is not None
    assert len(site.sessions("hall")) == 1
    assert after[CameraId("street")] == before[CameraId("street")]
    assert after[CameraId("hall")].config_version != before[CameraId("hall")].config_version


def test_broken_file_changes_nothing_and_is_told_once(site: SiteUp) -> None:
    before = site.pids()

    site.swap("site: corner\nevents: {cool_down: 3}\ncameras: {}\n")

    told = site.wait_for_log("config_not_reloaded")
    assert told["error"] == "events.cool_down: there is no such key; did you mean cool_down_s?"
    site.wait_for_frames("street")
    assert site.pids() == before
    for service in ("ingest", "api"):
        assert told["error"] in site.readiness(service)["notes"]["config"]
        assert site.readiness(service)["ready"]
    assert len(site.said("config_not_reloaded")) == 1


def test_model_that_is_not_on_this_machine_is_refused_and_the_one_in_force_looks_on(site: SiteUp) -> None:
    before, told = site.pids(), len(site.said("config_not_reloaded"))

    site.edit(model_params={"model": "qwen3-vl-8b-int8"}, events={"cool_down_s": 9})

    error = site.wait_for_log("config_not_reloaded", told + 1)["error"]
    assert "model 'qwen3-vl-8b' is not usable: looked in" in error
    assert error in site.readiness("inference")["notes"]["config"]
    assert site.pids() == before
    assert load_settings(site.run_dir / "config.yaml").model_params.model == "yolox-nano"
    site.edit(events={"cool_down_s": 9})
    wait_for(lambda: site.pids().get("events"), lambda pid: pid not in {None, before["events"]})
    assert site.pids()["inference"] == before["inference"]


def test_service_that_crashes_while_the_file_is_broken_comes_back_as_it_was(site: SiteUp) -> None:
    before = site.pids()
    told = len(site.said("config_not_reloaded"))
    site.swap("cameras: [")
    site.wait_for_log("config_not_reloaded", told + 1)

    site.kill("events")

    wait_for(lambda: site.pids().get("events"), lambda pid: pid not in {None, before["events"]})
    wait_for(lambda: site.readiness("events"), lambda said: bool(said.get("ready")), within_s=60)


def test_service_whose_settings_change_starts_again_and_no_other(site: SiteUp) -> None:
    before = site.pids()

    told = site.reload(events={"cool_down_s": 12})

    wait_for(lambda: site.pids().get("events"), lambda pid: pid not in {None, before["events"]})
    assert told["restarted"] == ["events"]
    assert {**site.pids(), "events": 0} == {**before, "events": 0}
    in_force = load_settings(site.run_dir / "config.yaml")
    assert version_of(in_force, Scope.EVENTS) == version_of(load_settings(site.config), Scope.EVENTS)


def test_centre_that_is_named_later_gets_its_bridge_and_loses_it_again(site: SiteUp) -> None:
    before = site.pids()

    told = site.reload(central={"bootstrap": "127.0.0.1:9"})
    wait_for(lambda: site.pids().keys() - before.keys(), lambda new: new == {"bridge"})
    gone = site.reload()

    assert (told["started"], told["restarted"]) == (["bridge"], [])
    assert gone["stopped"] == ["bridge"]
    wait_for(site.pids, lambda pids: pids == before)


def test_worker_that_is_added_shares_the_cameras_and_is_taken_away_without_disturbing_the_first(site: SiteUp) -> None:
    before, port = site.pids(), site.ports["inference"]

    told = site.reload(inference={"workers": 2})
    wait_for(lambda: site.readiness_at(port + 10), lambda said: bool(said.get("ready")), within_s=60)
    both = site.pids()
    site.kill("inference-2")
    wait_for(lambda: site.pids().get("inference-2"), lambda pid: pid not in {None, both["inference-2"]})
    gone = site.reload()

    assert (told["started"], told["restarted"], told["changed"]) == (["inference-2"], [], ["inference.workers"])
    assert both.keys() - before.keys() == {"inference-2"}
    assert (site.run_dir / "inference-2.log").stat().st_size > 0
    assert gone["stopped"] == ["inference-2"]
    wait_for(site.pids, lambda pids: pids == before)


def test_hang_up_reloads_at_once(site: SiteUp) -> None:
    before, told = site.pids(), len(site.said("config_reloaded"))

    site.hang_up()

    assert site.wait_for_log("config_reloaded", told + 1)["changed"] == []
    assert site.pids() == before


def test_what_cannot_be_reloaded_is_named_and_the_rest_comes_into_force(site: SiteUp) -> None:
    before = site.pids()

    told = site.reload(site="other", frames={**site.first["frames"], "keep_s": 60}, cameras={**CAMERAS, "attic": ROOM})  # type: ignore[dict-item]

    site.wait_for_frames("attic")
    assert told["changed"] == ["cameras.attic"]
    assert site.wait_for_log("config_needs_restart")["settings"] == ["frames.keep_s", "site.name"]
    note = "frames.keep_s, site.name: changed, and in force after a restart of watchpost up"
    assert site.readiness("inference")["notes"] == {"config": note}
    assert {frame.site for frame in site.frames("attic")} == {"corner"}
    assert site.pids() == before


def test_reloaded_site_has_no_note_left(site: SiteUp) -> None:
    site.reload(site="other")
    wait_for(lambda: site.readiness("events"), lambda said: "notes" in said)

    site.reload()

    assert "notes" not in site.readiness("events")


def test_file_that_is_written_in_place_is_reloaded_too(site: SiteUp) -> None:
    told = len(site.said("config_reloaded"))

    site.config.write_text(yaml.safe_dump({**site.first, "api": {**site.first["api"], "calls_per_minute": 7}}))  # type: ignore[dict-item]

    assert site.wait_for_log("config_reloaded", told + 1)["restarted"] == ["api"]


def test_cameras_apply_goes_on_with_the_file_until_it_is_asked_to_end(embedded_broker: Broker, tmp_path: Path) -> None:
    door, yard = unique("door"), unique("yard")
    config, client = tmp_path / "config.yaml", client_config(embedded_broker.bootstrap, {}, "test")
    kafka = {"bootstrap": embedded_broker.bootstrap}
    config.write_text(yaml.safe_dump({"kafka": kafka, "cameras": {door: STREET}}))
    apply_site_topics(load_settings(config), "site")
    command = [sys.executable, "-m", "watchpost", "cameras", "apply", "--watch", "--config", str(config)]

    def known() -> set[str]:
        return {camera for camera in read_camera_specs(client) if camera in {door, yard}}

    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True) as applying:
        try:
            wait_for(known, lambda cameras: cameras == {door})
            config.write_text("cameras: [")
            config.write_text(yaml.safe_dump({"kafka": kafka, "cameras": {yard: STREET}}))
            wait_for(known, lambda cameras: cameras == {yard})
            config.write_text("cameras: [")
            assert applying.stderr is not None
            line = ""
            while "config_not_reloaded" not in line:
                line = applying.stderr.readline()
                assert line, "it ended instead"
        finally:
            applying.send_signal(signal.SIGTERM)
        assert applying.wait(10) == 0
    assert known() == {yard}
