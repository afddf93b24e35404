"""A camera over REST is the camera that the configuration would make of the same words, and shows them again."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.specs import camera_spec
from watchpost.api.camera_shapes import CameraChange, NewCamera, shown
from watchpost.api.camera_shapes import given as given_fields
from watchpost.api.presence import NOTHING_KNOWN
from watchpost.api.privacy import check_privacy
from watchpost.api.tokens import Caller, Role
from watchpost.contracts.records import CameraSpec
from watchpost.settings import CameraSettings, SiteSettings

Origin = Literal["bottom-left", "top-left"]
FRACTIONS = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 3))
RANGES = st.tuples(FRACTIONS, FRACTIONS).filter(lambda ends: ends[0] != ends[1]).map(sorted)
ROIS = st.tuples(RANGES, RANGES).map(lambda sides: [sides[0][0], sides[1][0], sides[0][1], sides[1][1]])
POLYGONS = st.lists(st.tuples(FRACTIONS, FRACTIONS), min_size=3, max_size=8, unique=True)


def camera(**fields: Any) -> CameraSettings:
    return CameraSettings.model_validate({"source": "sim:street", **fields})


def as_shown(spec: CameraSpec, origin: Origin) -> dict[str, Any]:
    return shown(spec, NOTHING_KNOWN, origin).model_dump(mode="json")


@given(roi=ROIS, polygon=POLYGONS, origin=st.sampled_from(["bottom-left", "top-left"]))
def test_what_was_set_is_shown_in_the_same_words(roi: list[float], polygon: list[Any], origin: Origin) -> None:
    settings = SiteSettings(roi_origin=origin)
    asked: dict[str, Any] = {"roi": roi, "zones": {"till": {"kind": "crowd", "polygon": polygon}}, "resolution": "480p"}

    told = as_shown(settings.spec_of("door", camera(**asked)), origin)

    assert told["roi"] == pytest.approx(roi)
    assert told["zones"]["till"]["polygon"] == [pytest.approx(list(corner)) for corner in polygon]
    assert (told["resolution"], told["zones"]["till"]["people"]) == (480, 5)


@given(roi=ROIS, polygon=POLYGONS)
def test_what_is_shown_can_be_set_again_and_changes_nothing(roi: list[float], polygon: list[Any]) -> None:
    settings = SiteSettings()
    zones = {"till": {"kind": "loitering", "polygon": polygon, "after_s": 7}}
    pictures = {"masks": {"shop": polygon, "sky": roi}, "regions": {"gate": {"box": roi, "resolution": 360}}}
    asked = {"zones": zones, "max_frames": 3, "uplink": "full", "recording": {"enabled": True, "unmasked": True}}
    spec = settings.spec_of("door", camera(roi=roi, **asked, **pictures))
    told = as_shown(spec, "bottom-left")

    fields = {field: told[field] for field in CameraSettings.model_fields.keys() & told.keys() - {"source"}}
    again = settings.spec_of("door", camera(**fields))

    assert as_shown(again, "bottom-left") == told
    assert told["regions"]["gate"] == {"box": pytest.approx(roi), "resolution": 360}
    assert told["masks"]["shop"] == [pytest.approx(list(corner)) for corner in polygon]
    assert (told["uplink"], told["bandwidth_saving"], told["recording"]["unmasked"]) == ("full", False, True)
    # and to send it back is no change of a mask, which operators may not make
    check_privacy(Caller("olga", Role.OPERATOR), spec, again)


def test_whole_frame_is_shown_as_such() -> None:
    assert as_shown(camera_spec(roi=None), "bottom-left")["roi"] == [0, 0, 1, 1]


def test_only_fields_that_were_given_count_also_when_null() -> None:
    change = CameraChange.model_validate({"roi": None, "max_frames": 2, "password": "x", "source": "rtsp://h/"})

    assert given_fields(change) == {"roi": None, "max_frames": 2}


def test_secret_and_its_name_are_nowhere_in_what_is_shown() -> None:
    told = str(as_shown(camera_spec(source="rtsp://user@h/", secret_ref="env:DOOR_SECRET"), "top-left"))  # noqa: S106  (a name)

    assert "DOOR_SECRET" not in told
    assert "user@" not in told
    assert "'has_credentials': True" in told


def test_substream_is_shown_as_the_source_is() -> None:
    pinned = "https://10.0.0.7/sub?token=hush#host=nvr.shop.example"

    told = as_shown(camera_spec(source="rtsp://h/", substream=pinned), "top-left")

    assert told["substream"] == "https://nvr.shop.example/sub?token=***"
    assert as_shown(camera_spec(source="rtsp://h/"), "top-left")["substream"] is None


def test_password_is_in_no_text_of_the_body() -> None:
    camera = NewCamera.model_validate({"name": "door", "source": "rtsp://h/", "username": "u", "password": "hush"})

    assert "hush" not in f"{camera!r} {camera} {camera.model_dump()} {camera.model_dump_json()}"
