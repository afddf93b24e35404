"""Which cameras a site watches, and what of their pictures."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from watchpost.contracts.camera_parts import KeyRegion, Mask, Recording, UplinkMode
from watchpost.contracts.records import Task
from watchpost.settings.areas import MaskPolygon, Resolution, Roi, RoiOrigin, points_from_top_left, roi_from_top_left
from watchpost.settings.described import text
from watchpost.settings.strict import StrictModel
from watchpost.settings.tasks import Tasks
from watchpost.settings.zones import ZoneSettings

__all__ = [
    "Camera",
    "CameraName",
    "CameraRecordingSettings",
    "CameraSettings",
    "Decoder",
    "KeyRegionSettings",
    "Masks",
    "ModelParams",
    "Regions",
    "Source",
    "StreamParams",
    "check_uplink",
]

_SCHEMES = ("rtsp", "rtsps", "http", "https", "file", "sim")

_NAME = "[a-z0-9][a-z0-9_-]{0,62}"
_REFERENCE = "env:[A-Za-z_][A-Za-z0-9_]*|file:/.+"
_DEVICE = "auto|cpu|cuda:[0-9]{1,2}"
_MOST_REGIONS, _MOST_MASKS = 8, 32


def _checked_name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise ValueError(f"{value!r} is no name; use 1 to 63 of a-z, 0-9, - and _, starting with a letter or digit")
    return value


def _checked_source(value: str) -> str:
    if value.startswith("/dev/video") and value.removeprefix("/dev/video").isdigit():
        return value
    parts = urlsplit(value)
    if parts.scheme not in _SCHEMES:
        raise ValueError(
            f"{parts.scheme or value!r} is no source; write rtsp://, rtsps://, http(s)://, file:, sim: or /dev/videoN"
        )
    if parts.password is not None:
        raise ValueError("a password does not belong into the address; put user:password behind secret: env:NAME")
    return value


def _checked_secret(value: str) -> str:
    if not re.fullmatch(_REFERENCE, value):
        raise ValueError("expected env:NAME or file:/path, which hold user:password; never the password itself")
    return value


def _checked_device(value: str) -> str:
    if not re.fullmatch(_DEVICE, value):
        raise ValueError(f"{value!r} is no device; write auto, cpu or cuda:N")
    return value


# an address that names a password is refused
_SOURCE = rf"(?!\w+://[^/@]*:[^/@]*@)({'|'.join(_SCHEMES)}):.*|/dev/video[0-9]+"

CameraName = Annotated[str, AfterValidator(_checked_name), text(_NAME)]
Source = Annotated[str, AfterValidator(_checked_source), text(_SOURCE)]
_Secret = Annotated[str, AfterValidator(_checked_secret), text(_REFERENCE)]
Decoder = Literal["software", "cuda", "vaapi", "qsv", "vdpau", "vulkan", "drm", "videotoolbox", "d3d11va"]
_Device = Annotated[str, AfterValidator(_checked_device), text(_DEVICE)]


class ModelParams(StrictModel):
    """What looks at the frames, and at how many of them."""

    model: str = Field(
        default="yolox-nano",
        description="from the catalogue, or a Qwen3-VL directory by its path; NAME-int4 and NAME/int4 name a precision",
    )
    precision: Literal["int4", "int8", "fp16", "fp32"] | None = Field(
        default=None, description="the model's own unless given; `watchpost config check` tells which is in force"
    )
    device: _Device = Field(default="auto", description="auto, cpu or cuda:N")
    offload: Literal["none", "cpu"] = Field(
        default="none", description="cpu: what a card's memory does not hold lies in the machine's; slow"
    )
    digest: str | None = Field(
        default=None,
        pattern="^sha256:[0-9a-f]{64}$",
        description="what a model directory must be; `watchpost models verify` says what it is",
    )
    max_frames: float = Field(default=10, gt=0, le=60, description="most frames analysed a second, per camera")
    skip_frames: int = Field(default=0, ge=0, le=100, description="frames dropped after each one kept")


class StreamParams(StrictModel):
    """How a stream is cut and scaled before anything looks at it."""

    resolution: Resolution = 720
    roi: Roi | None = None


class KeyRegionSettings(StrictModel):
    """A part of the picture that is looked at by itself too. Its box has the origin that `roi_origin` names."""

    box: Roi = Field(description="[x0, y0, x1, y1] as fractions of the frame")
    resolution: Resolution | None = Field(
        default=None, description="the height it is looked at; the camera's own if not"
    )

    def record(self, name: str, origin: RoiOrigin, otherwise_px: int) -> KeyRegion:
        """The region as it travels, its origin top-left; `otherwise_px` is its height where it names none."""
        return KeyRegion(name, roi_from_top_left(self.box, origin), self.resolution or otherwise_px)


class CameraRecordingSettings(StrictModel):
    """Whether this camera's packets are kept."""

    enabled: bool | None = Field(default=None, description="as the site's `recordings.enabled` unless given")
    audio: bool = Field(default=False, description="the camera's sound too, if it is AAC: other codecs no MP4 takes")
    unmasked: bool = Field(default=False, description="record a masked camera as it is, for admins alone")

    def record(self, *, enabled_otherwise: bool) -> Recording:
        """The same as it travels."""
        enabled = enabled_otherwise if self.enabled is None else self.enabled
        return Recording(enabled, self.audio, self.unmasked)


Regions = Annotated[dict[CameraName, KeyRegionSettings], Field(max_length=_MOST_REGIONS)]
Masks = Annotated[dict[CameraName, MaskPolygon], Field(max_length=_MOST_MASKS)]


def check_uplink(bandwidth_saving: bool | None, uplink: UplinkMode | None) -> None:  # noqa: FBT001  (both say the same)
    """Raise ValueError where the one says other than the other; None says nothing."""
    if bandwidth_saving is None or uplink is None or bandwidth_saving == (uplink is not UplinkMode.FULL):
        return
    raise ValueError(
        f"bandwidth_saving: {str(bandwidth_saving).lower()} and uplink: {uplink} contradict each other; "
        "leave bandwidth_saving out (false is short for uplink: full)"
    )


class CameraSettings(StrictModel):
    """One camera. What is not set here is taken from the site's own parameters."""

    source: Source
    secret: _Secret | None = None
    substream: Source | None = Field(
        default=None, description="analysed in place of the source, which is then only recorded"
    )
    decoder: Decoder = Field(default="software", description="software, or what the machine's hardware decodes with")
    max_frames: float | None = Field(default=None, gt=0, le=60)
    skip_frames: int | None = Field(default=None, ge=0, le=100)
    resolution: Resolution | None = None
    roi: Roi | None = None
    regions: Regions = Field(default_factory=dict, description="parts looked at by themselves too")
    masks: Masks = Field(default_factory=dict, description="what nobody may see: [x0, y0, x1, y1] or [[x, y], …]")
    recording: CameraRecordingSettings = CameraRecordingSettings()
    tasks: Tasks = tuple(Task)
    zones: dict[CameraName, ZoneSettings] = Field(default_factory=dict, description="where intrusion and the like hold")
    uplink: UplinkMode | None = Field(default=None, description="which pictures go up; the site's uplink unless given")
    bandwidth_saving: bool | None = Field(default=None, description="false: short for uplink: full")
    thumbnail_interval_s: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _uplink_is_one(self) -> "CameraSettings":
        check_uplink(self.bandwidth_saving, self.uplink)
        return self

    def uplink_mode(self, of_site: UplinkMode) -> UplinkMode:
        """Which pictures go up."""
        if self.uplink is not None:
            return self.uplink
        match self.bandwidth_saving:
            case None:
                return of_site
            case False:
                return UplinkMode.FULL
            case True:
                return UplinkMode.METADATA if of_site is UplinkMode.FULL else of_site

    def mask_records(self, origin: RoiOrigin) -> tuple[Mask, ...]:
        """The masks as they travel, their origin top-left."""
        return tuple(Mask(name, points_from_top_left(polygon, origin)) for name, polygon in self.masks.items())


def _source_alone(value: Any) -> Any:
    """`door: rtsp://…` is short for `door: {source: rtsp://…}`."""
    return {"source": value} if isinstance(value, str) else value


Camera = Annotated[CameraSettings, BeforeValidator(_source_alone, json_schema_input_type=Source | CameraSettings)]
