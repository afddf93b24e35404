"""What a changed file takes: planned without anything running."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.errors import ConfigError
from watchpost.settings import Scope, changed_scopes, settings_from
from watchpost.site.processes import SiteProcess, services_of
from watchpost.site.reload_plan import ReloadPlan, SiteConfig, plan_reload

CENTRE = {"bootstrap": "centre:9092"}
FIRST: dict[str, Any] = {"site": "corner", "cameras": {"door": "sim:street"}, "kafka": {"bootstrap": "kafka:9092"}}


def in_force(raw: dict[str, Any] = FIRST) -> SiteConfig:
    return SiteConfig(raw, settings_from(raw))


def planned(**changes: Any) -> ReloadPlan:
    return plan_reload(in_force(), {**FIRST, **changes})


def names(processes: tuple[SiteProcess, ...]) -> tuple[str, ...]:
    return tuple(process.name for process in processes)


def test_same_file_takes_nothing() -> None:
    plan = planned()

    assert (plan.changed, plan.restarted, plan.added, plan.stopped, plan.cameras) == ((), (), (), (), False)


def test_camera_that_is_added_takes_no_restart() -> None:
    plan = planned(cameras={"door": "sim:street", "yard": "sim:room"})

    assert (plan.changed, plan.restarted, plan.cameras) == (("cameras.yard",), (), True)


@pytest.mark.parametrize(
    ("changes", "restarted"),
    [
        ({"events": {"cool_down_s": 1}}, ("events",)),
        ({"api": {"calls_per_minute": 1}}, ("api",)),
        ({"inference": {"threads": 2}}, ("inference",)),
        ({"ingest": {"idle_fps": 2}}, ("ingest", "api")),
        ({"bandwidth": {"max_kbps": 9}}, ("api",)),  # without a centre there is no bridge
    ],
)
def test_service_is_restarted_where_it_is_concerned(changes: dict[str, Any], restarted: tuple[str, ...]) -> None:
    assert names(planned(**changes).restarted) == restarted


def test_centre_takes_a_bridge() -> None:
    with_centre = {**FIRST, "central": CENTRE}

    assert names(planned(central=CENTRE).added) == ("bridge",)
    assert names(plan_reload(in_force(with_centre), FIRST).stopped) == ("bridge",)
    slower = {**with_centre, "bandwidth": {"max_kbps": 9}}
    assert names(plan_reload(in_force(with_centre), slower).restarted) == ("bridge", "api")


def test_worker_that_is_added_or_taken_away_disturbs_no_other() -> None:
    more = planned(inference={"workers": 3})

    fewer = plan_reload(more.config, {**FIRST, "inference": {"workers": 2}})

    assert (names(more.added), more.restarted, more.stopped) == (("inference-2", "inference-3"), (), ())
    assert (fewer.added, fewer.restarted, names(fewer.stopped)) == ((), (), ("inference-3",))


def test_what_inference_is_told_is_told_every_worker() -> None:
    plan = plan_reload(
        in_force({**FIRST, "inference": {"workers": 2}}), {**FIRST, "inference": {"workers": 2, "threads": 2}}
    )

    assert names(plan.restarted) == ("inference", "inference-2")


def test_workers_that_get_a_model_for_gpus_are_started_with_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    two = {**FIRST, "inference": {"workers": 2}}

    plan = plan_reload(in_force(two), {**two, "model_params": {"model": "qwen3-vl-4b"}})

    workers = [process for process in plan.restarted if process.service == "inference"]
    assert [process.environment["CUDA_VISIBLE_DEVICES"] for process in workers] == ["0", "1"]


@pytest.mark.parametrize(
    ("changes", "held_back"),
    [
        ({"site": "other"}, ("site.name",)),
        ({"site": {"name": "other"}}, ("site.name",)),
        ({"site": None, "cameras": {}}, None),
        ({"kafka": {}}, ("kafka.bootstrap",)),
        ({"kafka": {"bootstrap": "other:9092", "replication": 3}}, ("kafka.bootstrap", "kafka.replication")),
        ({"state_dir": "/elsewhere", "frames": {"codec": "jpeg"}}, ("frames.codec", "state_dir")),
        ({"telemetry": {"log_level": "debug", "ports": {"events": 9}}}, ("telemetry.log_level",)),
    ],
)
def test_what_holds_for_the_sites_life_is_held_back(changes: dict[str, Any], held_back: tuple[str, ...] | None) -> None:
    if held_back is None:
        with pytest.raises(ConfigError):
            planned(**changes)
        return

    plan = planned(**changes, events={"cool_down_s": 1})

    assert plan.held_back == held_back
    assert "events" in names(plan.restarted)
    assert Scope.FIXED not in changed_scopes(in_force().settings, plan.config.settings)
    assert settings_from(plan.config.raw) == plan.config.settings


def test_site_without_a_name_in_its_file_may_be_given_a_time_zone() -> None:
    plan = plan_reload(in_force({}), {"site": {"timezone": "Europe/Berlin"}})

    assert (plan.held_back, names(plan.restarted)) == ((), ("api",))


def test_reload_that_held_something_back_may_be_taken_back() -> None:
    held = plan_reload(in_force(), {**FIRST, "site": "other"})

    again = plan_reload(held.config, FIRST)

    assert (again.held_back, again.changed) == ((), ())


@pytest.mark.parametrize("raw", [{"sites": "x"}, {"model_params": {"model": "qwen3-vl-30b/int4"}}, {"max_streams": 0}])
def test_file_that_is_not_sound_is_no_plan(raw: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        plan_reload(in_force(), raw)


_PARTS = st.fixed_dictionaries(
    {},
    optional={
        "site": st.sampled_from(["corner", "other", {"name": "corner", "timezone": "Europe/Berlin"}]),
        "cameras": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["sim:street", "sim:room"])),
        "kafka": st.sampled_from([{}, {"bootstrap": "a:1"}, {"embedded": {"port": 9}}]),
        "frames": st.sampled_from([{}, {"keep_s": 60}]),
        "telemetry": st.sampled_from([{}, {"ports": {"events": 9}}, {"host": "::1", "log_level": "debug"}]),
        "central": st.sampled_from([None, CENTRE]),
        "events": st.sampled_from([{}, {"cool_down_s": 1}, {"thumbnail_interval_s": 3}]),
    },
)


@settings(max_examples=40)
@given(_PARTS, _PARTS)
def test_what_comes_into_force_is_the_new_file_but_for_what_is_held_back(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    old = in_force(before)

    plan = plan_reload(old, after)

    assert Scope.FIXED not in changed_scopes(old.settings, plan.config.settings)
    left = changed_scopes(plan.config.settings, settings_from(after))
    assert left.keys() <= {Scope.FIXED}
    assert tuple(sorted(left.get(Scope.FIXED, ()))) == plan.held_back
    assert {*names(plan.restarted), *names(plan.added)} <= set(services_of(plan.config.settings))
