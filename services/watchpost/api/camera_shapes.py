"""What callers send and see of a camera: the keys of the configuration file, with a password that is never shown."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from watchpost.api.picture_shapes import (
    RecordingShown,
    RegionShown,
    corners_shown,
    edges_shown,
    masks_shown,
    recording_shown,
    regions_shown,
)
from watchpost.api.presence import CameraState, Presence
from watchpost.api.sources import shown_source
from watchpost.api.strict_json import StrictJson
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import CameraSpec, SpecOrigin, Zone
from watchpost.settings import ZoneSettings
from watchpost.settings.areas import Resolution, Roi, RoiOrigin
from watchpost.settings.cameras import CameraName, CameraRecordingSettings, Decoder, Masks, Regions, check_uplink
from watchpost.settings.tasks import Tasks
from watchpost.vision.geometry import FULL_FRAME

__all__ = ["CameraChange", "CameraList", "CameraShown", "NewCamera", "given", "shown"]

_DAY_S = 86_400
_ZONE: dict[str, Any] = {"kind": "intrusion", "polygon": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.6]]}
_WRITE_ONLY = "write-only: never shown, never logged, kept in a file that only the site's services can read"

_SUBSTREAM = (
    "analysed in place of the source, which is then only recorded; written and checked as the source, and opened with "
    "the same user and password"
)
_MASKS = "what nobody may see: [x0, y0, x1, y1] or [[x, y], …] by name; only an admin takes one away"
_RECORDING = "whether its packets are kept; only an admin may have a masked camera recorded (`unmasked`)"


class _CameraFields(StrictJson):
    """What can be said of a camera."""

    substream: str | None = Field(default=None, min_length=1, max_length=2048, description=_SUBSTREAM)
    username: str | None = Field(default=None, max_length=128, description="of the camera's user, for both streams")
    password: SecretStr | None = Field(default=None, max_length=256, description=_WRITE_ONLY)
    max_frames: float | None = Field(default=None, gt=0, le=60, description="most frames analysed a second")
    skip_frames: int | None = Field(default=None, ge=0, le=100, description="frames dropped after each one kept")
    resolution: Resolution | None = Field(default=None, description="the height that is looked at")
    roi: Roi | None = Field(default=None, description="the part to look at; its origin is the site's `roi_origin`")
    tasks: Tasks | None = Field(default=None, description="what to look for: all built-in tasks unless given")
    zones: dict[CameraName, ZoneSettings] | None = Field(
        default=None, max_length=32, description="where intrusion, loitering and crowds are told of"
    )
    decoder: Decoder | None = Field(default=None, description="what decodes its pictures: software unless given")
    regions: Regions | None = Field(default=None, description="parts that are looked at by themselves too")
    masks: Masks | None = Field(default=None, description=_MASKS)
    recording: CameraRecordingSettings | None = Field(default=None, description=_RECORDING)
    uplink: UplinkMode | None = Field(default=None, description="which pictures go up besides those of events")
    bandwidth_saving: bool | None = Field(default=None, description="false: short for `uplink: full`")
    thumbnail_interval_s: float | None = Field(default=None, gt=0, le=_DAY_S, description="at least one so often")

    @model_validator(mode="after")
    def _uplink_is_one(self) -> Self:
        check_uplink(self.bandwidth_saving, self.uplink)
        return self


class NewCamera(_CameraFields):
    """A camera to add. What is left out is as the site's configuration has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "door",
                    "source": "rtsp://192.168.1.64/Streaming/Channels/101",
                    "substream": "rtsp://192.168.1.64/Streaming/Channels/102",
                    "username": "watchpost",
                    "password": "a password",
                    "tasks": ["person_detection", "abnormal_behavior"],
                    "zones": {"till": _ZONE},
                }
            ]
        }
    )

    name: CameraName
    source: str = Field(
        min_length=1, max_length=2048, description="`rtsp://`, `rtsps://`, `http://` or `https://`; never a file"
    )


class CameraChange(_CameraFields):
    """What to change of a camera (a merge patch): what is left out stays, null means as the site's configuration.

    A new source takes new credentials: the old password is not sent to another address. A new substream keeps them
    where it is at a server that has them; else they are to be sent along.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"max_frames": 5, "roi": [0, 0, 1, 0.8]},
                {"substream": "rtsp://10.0.0.8/sub"},
                {"substream": None},
            ]
        }
    )

    source: str | None = Field(default=None, min_length=1, max_length=2048, description="as for a new camera")


class TaskShown(BaseModel):
    """A task in words, as `tasks` takes it."""

    name: str
    question: str
    threshold: float


class ZoneShown(BaseModel):
    """A zone, as `zones` takes it."""

    kind: str
    polygon: list[tuple[float, float]]
    after_s: float
    people: int


class PresenceShown(BaseModel):
    """Whether the camera delivers pictures."""

    state: CameraState
    reason: str = Field(description="of an offline camera: begins with unauthorised, refused, timeout, unsupported, …")
    since: datetime | None


class CameraShown(BaseModel):
    """A camera of the site."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "door",
                    "source": "rtsp://192.168.1.64/Streaming/Channels/101",
                    "origin": "rest",
                    "has_credentials": True,
                    "presence": {"state": "online", "reason": "pictures come", "since": "2026-01-05T12:05:23Z"},
                    "expires_at": None,
                    "max_frames": 10,
                    "skip_frames": 0,
                    "resolution": 720,
                    "roi": [0, 0, 1, 1],
                    "tasks": ["person_detection", "abnormal_behavior"],
                    "zones": {"till": {**_ZONE, "after_s": 0.6, "people": 1}},
                    "substream": "rtsp://192.168.1.64/Streaming/Channels/102",
                    "decoder": "software",
                    "regions": {"queue": {"box": [0.5, 0, 1, 0.5], "resolution": 720}},
                    "masks": {"neighbour": [[0, 0.5], [0.2, 0.5], [0.2, 1], [0, 1]]},
                    "recording": {"enabled": False, "audio": False, "unmasked": False},
                    "uplink": "metadata",
                    "bandwidth_saving": True,
                    "thumbnail_interval_s": 10,
                }
            ]
        }
    )

    name: str
    source: str = Field(description="without user and password; a name was resolved to its address when it was added")
    origin: SpecOrigin = Field(description="config: of the file; rest: added here; analyze: there for a call")
    has_credentials: bool
    presence: PresenceShown
    expires_at: datetime | None = Field(description="when a call's camera goes")
    max_frames: float
    skip_frames: int
    resolution: int
    roi: tuple[float, float, float, float] = Field(description="its origin is the site's `roi_origin`")
    tasks: list[str | TaskShown]
    zones: dict[str, ZoneShown]
    substream: str | None = Field(
        description="analysed in place of the source, which is then only recorded; shown as the source is"
    )
    decoder: str
    regions: dict[str, RegionShown]
    masks: dict[str, list[tuple[float, float]]]
    recording: RecordingShown
    uplink: UplinkMode
    bandwidth_saving: bool
    thumbnail_interval_s: float


class CameraList(BaseModel):
    """The cameras of the site."""

    cameras: list[CameraShown]
    max_streams: int = Field(description="how many there may be")


def shown(spec: CameraSpec, presence: Presence, origin: RoiOrigin) -> CameraShown:
    """The camera as callers see it."""
    asked = spec.assignment
    questions = {
        one.name: TaskShown(name=one.name, question=one.question, threshold=one.threshold) for one in asked.questions
    }
    return CameraShown(
        name=spec.camera,
        source=shown_source(spec.source),
        origin=spec.origin,
        has_credentials=spec.secret_ref is not None,
        presence=PresenceShown(state=presence.state, reason=presence.reason, since=presence.since),
        expires_at=spec.expires_at,
        max_frames=spec.max_frames,
        skip_frames=spec.skip_frames,
        resolution=spec.height_px,
        roi=edges_shown(spec.roi or FULL_FRAME, origin),
        tasks=[questions.get(task, task) for task in asked.tasks],
        zones={zone.name: _zone_shown(zone, origin) for zone in asked.zones},
        substream=None if spec.substream is None else shown_source(spec.substream),
        decoder=spec.decoder,
        regions=regions_shown(spec, origin),
        masks=masks_shown(spec, origin),
        recording=recording_shown(spec),
        uplink=asked.uplink_mode,
        bandwidth_saving=asked.uplink_mode is not UplinkMode.FULL,
        thumbnail_interval_s=asked.thumbnail_interval_s,
    )


def _zone_shown(zone: Zone, origin: RoiOrigin) -> ZoneShown:
    return ZoneShown(
        kind=zone.kind, polygon=corners_shown(zone.polygon, origin), after_s=zone.after_s, people=zone.people
    )


def given(camera: NewCamera | CameraChange) -> dict[str, Any]:
    """The fields that say how the camera is watched, as far as they were given; its streams are judged apart."""
    fields = camera.model_fields_set - {"name", "source", "substream", "username", "password"}
    return {field: getattr(camera, field) for field in fields}
