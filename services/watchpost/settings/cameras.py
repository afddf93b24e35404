"""Which cameras a site watches, and what of their pictures."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from watchpost.contracts.records import Task
from watchpost.settings.described import Fraction, text
from watchpost.settings.strict import StrictModel
from watchpost.settings.tasks import Tasks
from watchpost.settings.zones import ZoneSettings
from watchpost.vision.geometry import FULL_FRAME, FractionBox

__all__ = [
    "Camera",
    "CameraName",
    "CameraSettings",
    "ModelParams",
    "Resolution",
    "Roi",
    "RoiOrigin",
    "Source",
    "StreamParams",
    "roi_from_top_left",
]

RoiOrigin = Literal["bottom-left", "top-left"]

_SCHEMES = ("rtsp", "rtsps", "http", "https", "file", "sim")
_NAMED_HEIGHTS_PX = {"360p": 360, "480p": 480, "540p": 540, "720p": 720, "1080p": 1080, "1440p": 1440, "2160p": 2160}


_NAME = "[a-z0-9][a-z0-9_-]{0,62}"
_REFERENCE = "env:[A-Za-z_][A-Za-z0-9_]*|file:/.+"
_DEVICE = "auto|cpu|cuda:[0-9]{1,2}"


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


def _height_px(value: object) -> object:
    if isinstance(value, str):
        if value not in _NAMED_HEIGHTS_PX:
            raise ValueError(f"{value!r} is no resolution; write one of {', '.join(_NAMED_HEIGHTS_PX)} or a height")
        return _NAMED_HEIGHTS_PX[value]
    return value


def _checked_roi(value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = value
    shape = "write [x0, y0, x1, y1] as fractions of the frame"
    if not all(0 <= edge <= 1 for edge in value):
        raise ValueError(f"{list(value)} leaves the frame (0 to 1); {shape}")
    if x0 >= x1:
        raise ValueError(f"x0 ({x0}) is not left of x1 ({x1}); {shape}")
    if y0 >= y1:
        raise ValueError(f"y0 ({y0}) is not before y1 ({y1}); {shape}")
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
_NamedHeight = Literal["360p", "480p", "540p", "720p", "1080p", "1440p", "2160p"]
_HeightPx = Annotated[int, Field(ge=90, le=4320)]

CameraName = Annotated[str, AfterValidator(_checked_name), text(_NAME)]
Source = Annotated[str, AfterValidator(_checked_source), text(_SOURCE)]
Resolution = Annotated[_HeightPx, BeforeValidator(_height_px, json_schema_input_type=_HeightPx | _NamedHeight)]
Roi = Annotated[tuple[Fraction, Fraction, Fraction, Fraction], AfterValidator(_checked_roi)]
_Secret = Annotated[str, AfterValidator(_checked_secret), text(_REFERENCE)]
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


class CameraSettings(StrictModel):
    """One camera. What is not set here is taken from the site's own parameters."""

    source: Source
    secret: _Secret | None = None
    max_frames: float | None = Field(default=None, gt=0, le=60)
    skip_frames: int | None = Field(default=None, ge=0, le=100)
    resolution: Resolution | None = None
    roi: Roi | None = None
    tasks: Tasks = tuple(Task)
    zones: dict[CameraName, ZoneSettings] = Field(default_factory=dict, description="where intrusion and the like hold")
    bandwidth_saving: bool = Field(default=True, description="false: analysed frames go up as well")
    thumbnail_interval_s: float | None = Field(default=None, gt=0)


def _source_alone(value: Any) -> Any:
    """`door: rtsp://…` is short for `door: {source: rtsp://…}`."""
    return {"source": value} if isinstance(value, str) else value


Camera = Annotated[CameraSettings, BeforeValidator(_source_alone, json_schema_input_type=Source | CameraSettings)]


def roi_from_top_left(roi: tuple[float, float, float, float] | None, origin: RoiOrigin) -> FractionBox:
    """The region of interest with its origin top-left, whatever origin the configuration used."""
    if roi is None:
        return FULL_FRAME
    x0, y0, x1, y1 = roi
    return FractionBox(x0, 1 - y1, x1, 1 - y0) if origin == "bottom-left" else FractionBox(x0, y0, x1, y1)
