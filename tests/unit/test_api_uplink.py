"""A call may choose which pictures go up: by one of two words, the most of what all who share the camera want."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from tests.fakes.clock import SetClock
from tests.fakes.site_records import MIDNIGHT
from tests.fakes.specs import camera_spec
from watchpost.api.analyze_requests import AnalyzeRequest, WatchQuery
from watchpost.api.call_wishes import CallWish, joint_assignment
from watchpost.api.failures import explained
from watchpost.api.parts import ApiParts
from watchpost.api.site_view import SiteView, SpecArrived
from watchpost.api.source_guard import GuardedSource
from watchpost.api.uplink_notes import uplink_warnings
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import Assignment, CameraId, CameraSpec, SpecOrigin
from watchpost.settings import Asked, settings_from

SOURCE = "rtsp://10.0.0.5/live"
CALL, DOOR = CameraId("call-1"), CameraId("door")
THIN = {"bandwidth": {"max_kbps": 500}}


def mode_of_call(output: dict[str, Any]) -> UplinkMode:
    body = {"stream_url": SOURCE, "tasks": ["person_detection"], "output": output}
    return AnalyzeRequest.model_validate(body).output.mode


def mode_of_watching(query: dict[str, Any]) -> UplinkMode:
    return WatchQuery.model_validate({"camera": "door", "tasks": ["person_detection"], **query}).mode


def wished(mode: UplinkMode) -> Assignment:
    return CallWish(GuardedSource(SOURCE, None, SOURCE), Asked(("person_detection",), ()), mode, 10).assignment


@pytest.mark.parametrize(
    ("output", "mode"),
    [
        ({}, UplinkMode.METADATA),
        ({"uplink": None}, UplinkMode.METADATA),
        ({"bandwidth_saving": True}, UplinkMode.METADATA),
        ({"bandwidth_saving": False}, UplinkMode.FULL),
        ({"bandwidth_saving": False, "uplink": "full"}, UplinkMode.FULL),
        ({"bandwidth_saving": True, "uplink": "sampled"}, UplinkMode.SAMPLED),
        *[({"uplink": mode.value}, mode) for mode in UplinkMode],
    ],
)
def test_either_word_says_which_pictures_go_up(output: dict[str, Any], mode: UplinkMode) -> None:
    assert mode_of_call(output) is mode
    assert mode_of_watching(output) is mode


@pytest.mark.parametrize(
    ("output", "field", "said"),
    [
        ({"bandwidth_saving": True, "uplink": "full"}, "output", "contradict"),
        ({"bandwidth_saving": False, "uplink": "sampled"}, "output", "contradict"),
        ({"uplink": "everything"}, "output.uplink", "'sampled'"),
        ({"uplink": 1}, "output.uplink", "'sampled'"),
        ({"uplnk": "full"}, "output.uplnk", "there is no such field"),
    ],
)
def test_uplink_that_cannot_be_meant_names_its_field_and_a_remedy(
    output: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        mode_of_call(output)

    problem = explained(caught.value.errors())
    assert (problem.kind, problem.field) == ("invalid-request", field)
    assert said in problem.detail
    assert problem.remedy


@pytest.mark.parametrize("mode", list(UplinkMode))
def test_call_s_camera_says_its_mode_in_both_words(mode: UplinkMode) -> None:
    asked = wished(mode)

    assert (asked.uplink, asked.uplink_mode) == (mode, mode)
    assert asked.bandwidth_saving is (mode is not UplinkMode.FULL)


@pytest.mark.parametrize(("one", "other"), list(product(UplinkMode, UplinkMode)))
def test_shared_camera_sends_what_any_of_its_calls_wants(one: UplinkMode, other: UplinkMode) -> None:
    from_least = ["metadata", "differential", "sampled", "full"]

    joint = joint_assignment([wished(one), wished(other)])

    assert joint.uplink == max(one, other, key=from_least.index)
    assert joint.uplink_mode is joint.uplink


def called(mode: UplinkMode) -> CameraSpec:
    return replace(camera_spec(CALL, origin=SpecOrigin.ANALYZE), assignment=wished(mode))


def warned(asked: UplinkMode | None, *specs: CameraSpec, of_site: dict[str, Any] = THIN) -> list[str]:
    view = SiteView(SetClock(MIDNIGHT))
    view.take([SpecArrived(spec.camera, spec, MIDNIGHT) for spec in specs])
    parts = cast("ApiParts", SimpleNamespace(settings=settings_from(of_site), view=view))
    return uplink_warnings(asked, specs[0].camera, parts)


def test_mode_that_does_not_fit_through_the_link_is_warned_of_as_by_config_check() -> None:
    (warning,) = warned(UplinkMode.FULL, called(UplinkMode.FULL))

    assert warning.startswith("bandwidth.max_kbps: 500 are fewer than the 758 that")
    assert "ask for sampled, differential or metadata" in warning


def test_cameras_beside_the_call_count_for_what_fits() -> None:
    sampled, door = called(UplinkMode.SAMPLED), camera_spec("door")
    busy = replace(door, assignment=wished(UplinkMode.SAMPLED))

    assert warned(UplinkMode.SAMPLED, sampled, door) == []
    assert "ask for differential or metadata" in warned(UplinkMode.SAMPLED, sampled, busy)[0]


def test_camera_that_is_joined_goes_on_in_its_own_mode_and_says_so() -> None:
    (warning,) = warned(UplinkMode.SAMPLED, camera_spec("door"))

    assert warning.startswith("uplink: the camera door shows this stream")
    assert "(metadata)" in warning


@pytest.mark.parametrize(
    ("asked", "spec", "of_site"),
    [
        (None, called(UplinkMode.FULL), THIN),
        (UplinkMode.FULL, called(UplinkMode.FULL), {}),
        (UplinkMode.SAMPLED, called(UplinkMode.SAMPLED), THIN),
        (UplinkMode.METADATA, called(UplinkMode.METADATA), {"bandwidth": {"max_kbps": 1}}),
        (UplinkMode.METADATA, camera_spec("door"), THIN),
        (None, camera_spec("door"), THIN),
    ],
    ids=["not asked for", "no cap", "fits", "nothing more", "joined alike", "joined unasked"],
)
def test_what_is_as_asked_and_fits_is_not_warned_of(
    asked: UplinkMode | None, spec: CameraSpec, of_site: dict[str, Any]
) -> None:
    assert warned(asked, spec, of_site=of_site) == []


def test_camera_that_is_gone_is_not_warned_of() -> None:
    view = SiteView(SetClock(MIDNIGHT))
    parts = cast("ApiParts", SimpleNamespace(settings=settings_from(THIN), view=view))

    assert uplink_warnings(UplinkMode.FULL, DOOR, parts) == []
