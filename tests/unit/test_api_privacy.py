"""Who may uncover what a camera's masks hide: admins, whatever the way."""

from dataclasses import replace

import pytest

from tests.fakes.specs import camera_spec
from watchpost.api.privacy import check_coded_video, check_privacy
from watchpost.api.tokens import Caller, Role
from watchpost.contracts.camera_parts import Mask, Recording
from watchpost.contracts.records import CameraSpec
from watchpost.errors import CallError
from watchpost.vision.geometry import FractionPoint

TRIANGLE = (FractionPoint(0, 0), FractionPoint(0.5, 0), FractionPoint(0.5, 0.5))
SHOP, SKY = Mask("shop", TRIANGLE), Mask("sky", (*TRIANGLE, FractionPoint(0, 0.5)))
BARE, MASKED = camera_spec(), camera_spec(masks=(SHOP,))
UNMASKED = replace(MASKED, recording=Recording(enabled=True, unmasked=True))
OPERATOR, ADMIN = Caller("olga", Role.OPERATOR), Caller("anna", Role.ADMIN)

SHOWS_MORE: list[tuple[CameraSpec | None, CameraSpec | None, str]] = [
    (None, UNMASKED, "recording.unmasked"),
    (MASKED, UNMASKED, "recording.unmasked"),
    (MASKED, BARE, "masks"),
    (MASKED, None, "masks"),
    (MASKED, replace(MASKED, masks=(Mask("shop", SKY.polygon),)), "masks"),
    (replace(MASKED, masks=(SHOP, SKY)), MASKED, "masks"),
]
SHOWS_NO_MORE: list[tuple[CameraSpec | None, CameraSpec | None]] = [
    (None, MASKED),
    (BARE, None),
    (BARE, MASKED),
    (MASKED, replace(MASKED, masks=(SKY, SHOP))),
    (MASKED, replace(MASKED, masks=(replace(SHOP, name="neighbour"),))),
    (UNMASKED, MASKED),
    (UNMASKED, replace(UNMASKED, max_frames=3)),
]


@pytest.mark.parametrize(("before", "after", "field"), SHOWS_MORE)
def test_change_that_shows_more_is_an_admins(before: CameraSpec | None, after: CameraSpec | None, field: str) -> None:
    with pytest.raises(CallError) as caught:
        check_privacy(OPERATOR, before, after)
    check_privacy(ADMIN, before, after)

    assert (caught.value.kind, caught.value.field) == ("forbidden", field)
    assert "admin" in (caught.value.remedy or "")


@pytest.mark.parametrize(("before", "after"), SHOWS_NO_MORE)
def test_change_that_shows_no_more_is_an_operators(before: CameraSpec | None, after: CameraSpec | None) -> None:
    check_privacy(OPERATOR, before, after)


@pytest.mark.parametrize("role", list(Role))
def test_recorded_video_of_a_masked_camera_is_for_admins_alone(role: Role) -> None:
    caller = Caller("someone", role)

    check_coded_video(caller, BARE)
    for hidden in (MASKED, UNMASKED, None):
        if role is Role.ADMIN:
            check_coded_video(caller, hidden)
        else:
            with pytest.raises(CallError, match="alone"):
                check_coded_video(caller, hidden)
