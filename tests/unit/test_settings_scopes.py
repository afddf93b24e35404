"""Who works by which setting, and which config_version follows: nobody is disturbed by what does not concern him."""

import re
from pathlib import Path
from typing import Any

import pytest

from watchpost.contracts.records import CameraSpec, Question
from watchpost.settings import Scope, SiteSettings, changed_scopes, leaves, scopes_of, settings_from, version_of

CAMERAS = {"door": "sim:street", "yard": {"source": "sim:room", "max_frames": 5}}
CENTRE = {"bootstrap": "centre:9092", "schema_registry": {"url": "http://registry:8081"}}
SERVER = {"url": "https://models/v1", "model": "qwen3-vl-8b"}
EVERYTHING = settings_from({"cameras": CAMERAS, "central": CENTRE, "remote": SERVER})
ROOT = Path(__file__).parents[2] / "services" / "watchpost"
SERVICES = (Scope.INGEST, Scope.INFERENCE, Scope.EVENTS, Scope.BRIDGE, Scope.API)

DOG = {"name": "dog_loose", "question": "Is a dog without a leash in the picture?"}

# a change, and who is concerned by it
CHANGES: list[tuple[dict[str, Any], set[Scope]]] = [
    ({"cameras": {**CAMERAS, "roof": "sim:shop"}}, {Scope.CAMERAS}),
    ({"cameras": {"door": "sim:street"}}, {Scope.CAMERAS}),
    ({"cameras": {**CAMERAS, "door": {"source": "sim:street", "tasks": [DOG]}}}, {Scope.CAMERAS}),
    ({"tasks": [DOG]}, {Scope.CAMERAS, Scope.API}),
    ({"model_params": {"model": "remote"}}, {Scope.INFERENCE, Scope.API}),
    ({"remote": {**SERVER, "prefill": False}}, {Scope.INFERENCE}),
    ({"stream_params": {"resolution": "480p"}}, {Scope.CAMERAS, Scope.API}),
    ({"model_params": {"skip_frames": 3}}, {Scope.CAMERAS, Scope.API}),
    ({"model_params": {"precision": "int4"}}, {Scope.INFERENCE}),
    ({"events": {"cool_down_s": 12}}, {Scope.EVENTS}),
    ({"events": {"thumbnail_interval_s": 12}}, {Scope.CAMERAS, Scope.API}),
    ({"bandwidth": {"max_kbps": 500}}, {Scope.BRIDGE, Scope.API}),
    ({"central": {"bootstrap": "other:9092"}}, {Scope.BRIDGE}),
    ({"central": None}, {Scope.BRIDGE}),
    ({"api": {"anonymous": "analyze"}}, {Scope.API}),
    ({"site": {"timezone": "Europe/Berlin"}}, {Scope.API, Scope.BRIDGE}),
    ({"ingest": {"idle_fps": 2}}, {Scope.INGEST, Scope.API}),
    ({"max_streams": 9}, {Scope.INGEST, Scope.API}),
    ({"uplink": "sampled"}, {Scope.CAMERAS, Scope.API}),
    ({"recordings": {"enabled": True}}, {Scope.CAMERAS, Scope.API}),
    ({"recordings": {"path": "/footage"}}, {Scope.INGEST, Scope.API, Scope.BRIDGE}),
    ({"recordings": {"clips": {"before_s": 5}}}, {Scope.INGEST, Scope.API}),
    ({"central": {**CENTRE, "clips": {"upload": "s3://clips"}}}, {Scope.BRIDGE, Scope.EVENTS}),
    ({"inference": {"threads": 2}}, {Scope.INFERENCE}),
    ({"inference": {"workers": 2}}, {Scope.PROCESSES}),
    ({"telemetry": {"ports": {"events": 9999}}}, {Scope.EVENTS}),
    ({"telemetry": {"log_level": "debug"}}, {Scope.FIXED}),
    ({"site": "shop-12"}, {Scope.FIXED}),
    ({"kafka": {"bootstrap": "kafka:9092"}}, {Scope.FIXED}),
    ({"state_dir": "elsewhere"}, {Scope.FIXED}),
    ({"frames": {"url": "file:///frames"}}, {Scope.FIXED}),
]


def settings(**changes: Any) -> SiteSettings:
    return settings_from({"cameras": CAMERAS, "central": CENTRE, "remote": SERVER, **changes})


def specs(of: SiteSettings) -> dict[str, CameraSpec]:
    return {name: of.camera_spec(name) for name in of.cameras}


@pytest.mark.parametrize("path", sorted(leaves(EVERYTHING)))
def test_every_setting_has_somebody_who_works_by_it(path: str) -> None:
    assert scopes_of(path)


@pytest.mark.parametrize("service", SERVICES)
def test_service_reads_no_setting_of_which_a_change_would_not_reach_it(service: Scope) -> None:
    source = "".join(path.read_text() for path in (ROOT / service).rglob("*.py"))
    reads = set(re.findall(r"(?<!watchpost\.)\bsettings\.([a-z_]+)", source)) & SiteSettings.model_fields.keys()

    reached = {path.split(".")[0] for path in leaves(EVERYTHING) if scopes_of(path) & {service, Scope.FIXED}}

    assert "kafka" in reads
    assert reads <= reached


@pytest.mark.parametrize(("change", "concerned"), CHANGES)
def test_change_concerns_whoever_works_by_it(change: dict[str, Any], concerned: set[Scope]) -> None:
    assert changed_scopes(settings(), settings(**change)).keys() == concerned


@pytest.mark.parametrize(("change", "concerned"), CHANGES)
def test_config_version_changes_for_whoever_is_concerned_alone(change: dict[str, Any], concerned: set[Scope]) -> None:
    before, after = settings(), settings(**change)

    renewed = {scope for scope in SERVICES if version_of(before, scope) != version_of(after, scope)}

    if "site" in change and Scope.FIXED in concerned:
        assert renewed == set(SERVICES)  # another site says everything in another name
    elif "telemetry" in change:
        assert not renewed
    else:
        assert renewed == concerned & set(SERVICES)


def test_replicas_that_keep_their_state_elsewhere_have_one_version() -> None:
    one, other = settings(state_dir="/var/lib/a"), settings(state_dir="/var/lib/b")

    assert [version_of(one, scope) for scope in SERVICES] == [version_of(other, scope) for scope in SERVICES]


def test_same_value_in_other_words_is_no_change() -> None:
    assert not changed_scopes(settings(events={"cool_down_s": 30}), settings(events={"cool_down_s": 30.0}))


def test_camera_that_is_added_leaves_the_specs_of_others_as_they_are() -> None:
    before, after = specs(settings()), specs(settings(cameras={**CAMERAS, "roof": "sim:shop"}))

    assert {name: after[name] for name in before} == before
    assert after["roof"].config_version


def test_spec_that_changes_has_another_version_and_the_others_keep_theirs() -> None:
    before, after = specs(settings()), specs(settings(model_params={"max_frames": 8}))

    assert before["door"].config_version != after["door"].config_version
    assert before["yard"] == after["yard"]  # it has a rate of its own


def test_question_that_changes_changes_the_version_of_the_cameras_that_are_asked_it_alone() -> None:
    cameras = {**CAMERAS, "door": {"source": "sim:street", "tasks": ["person_detection", "dog_loose"]}}
    before = specs(settings(cameras=cameras, tasks=[DOG]))
    after = specs(settings(cameras=cameras, tasks=[{**DOG, "threshold": 0.7}]))

    assert before["door"].assignment.tasks == ("person_detection", "dog_loose")
    assert after["door"].assignment.questions == (Question(DOG["name"], DOG["question"], 0.7),)
    assert before["door"].config_version != after["door"].config_version
    assert before["yard"] == after["yard"]


def test_question_written_in_place_is_known_by_its_name_to_other_cameras() -> None:
    cameras = {"door": {"source": "sim:street", "tasks": [DOG]}, "yard": {"source": "sim:room", "tasks": ["dog_loose"]}}

    found = specs(settings(cameras=cameras))

    assert found["yard"].assignment == found["door"].assignment
