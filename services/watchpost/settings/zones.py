"""Where in a camera's picture intrusion, loitering and crowds are told of."""

from typing import Literal

from pydantic import Field

from watchpost.contracts.records import Zone, ZoneKind
from watchpost.settings.areas import LEAST_CORNERS, Polygon, RoiOrigin, points_from_top_left
from watchpost.settings.strict import StrictModel

__all__ = ["ZoneSettings"]

_AFTER_S = {ZoneKind.INTRUSION: 0.6, ZoneKind.LOITERING: 30.0, ZoneKind.CROWD: 2.0}
_CROWD = 5


class ZoneSettings(StrictModel):
    """A polygon over people's feet, and what is told of it. Its corners have the origin that `roi_origin` names."""

    kind: Literal["intrusion", "loitering", "crowd"]
    polygon: Polygon = Field(json_schema_extra={"minItems": LEAST_CORNERS})
    after_s: float | None = Field(
        default=None, gt=0, le=3600, description="how long people must be in it: 0.6 s, to loiter 30 s, for a crowd 2 s"
    )
    people: int | None = Field(default=None, ge=1, le=10_000, description="how many at least: 1, for a crowd 5")

    def record(self, name: str, origin: RoiOrigin) -> Zone:
        """The zone as it travels, its origin top-left."""
        kind = ZoneKind(self.kind)
        return Zone(
            name=name,
            kind=kind,
            polygon=points_from_top_left(self.polygon, origin),
            after_s=self.after_s or _AFTER_S[kind],
            people=self.people or (_CROWD if kind is ZoneKind.CROWD else 1),
        )
