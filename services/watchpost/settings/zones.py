"""Where in a camera's picture intrusion, loitering and crowds are told of."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from watchpost.contracts.records import Zone, ZoneKind
from watchpost.settings.described import Fraction
from watchpost.settings.strict import StrictModel
from watchpost.vision.geometry import FractionPoint

__all__ = ["ZoneSettings"]

_CORNERS = 3
_AFTER_S = {ZoneKind.INTRUSION: 0.6, ZoneKind.LOITERING: 30.0, ZoneKind.CROWD: 2.0}
_CROWD = 5


def _checked_corner(corner: tuple[float, float]) -> tuple[float, float]:
    if not all(0 <= side <= 1 for side in corner):
        raise ValueError(f"{list(corner)} leaves the frame; write [x, y] as fractions of the frame, 0 to 1")
    return corner


def _checked_polygon(corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if len(set(corners)) < _CORNERS:
        raise ValueError("is no area; write at least three different corners [[x, y], [x, y], [x, y]]")
    return corners


_Corner = Annotated[tuple[Fraction, Fraction], AfterValidator(_checked_corner)]


class ZoneSettings(StrictModel):
    """A polygon over people's feet, and what is told of it. Its corners have the origin that `roi_origin` names."""

    kind: Literal["intrusion", "loitering", "crowd"]
    polygon: Annotated[tuple[_Corner, ...], Field(max_length=64), AfterValidator(_checked_polygon)] = Field(
        json_schema_extra={"minItems": _CORNERS}
    )
    after_s: float | None = Field(
        default=None, gt=0, le=3600, description="how long people must be in it: 0.6 s, to loiter 30 s, for a crowd 2 s"
    )
    people: int | None = Field(default=None, ge=1, le=10_000, description="how many at least: 1, for a crowd 5")

    def record(self, name: str, *, from_bottom: bool) -> Zone:
        """The zone as it travels, its origin top-left."""
        kind = ZoneKind(self.kind)
        return Zone(
            name=name,
            kind=kind,
            polygon=tuple(FractionPoint(x, 1 - y if from_bottom else y) for x, y in self.polygon),
            after_s=self.after_s or _AFTER_S[kind],
            people=self.people or (_CROWD if kind is ZoneKind.CROWD else 1),
        )
