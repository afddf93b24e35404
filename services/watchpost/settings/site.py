"""A whole site in one YAML file: read it, check it, and say what is wrong so that it can be mended.

settings = load_settings(Path("config.yaml"))
settings.cameras["door"].source
"""

import hashlib
import json
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from watchpost.contracts.records import Assignment, CameraId, CameraSpec, SpecOrigin
from watchpost.errors import ConfigError
from watchpost.settings.api import ApiSettings
from watchpost.settings.cameras import (
    CameraName,
    CameraSettings,
    ModelParams,
    RoiOrigin,
    StreamParams,
    roi_from_top_left,
)
from watchpost.settings.connections import CentralSettings, KafkaSettings
from watchpost.settings.services import (
    BandwidthSettings,
    BridgeSettings,
    EventSettings,
    FrameSettings,
    InferenceSettings,
    IngestSettings,
    TelemetrySettings,
)
from watchpost.settings.strict import StrictModel
from watchpost.vision.geometry import FULL_FRAME

__all__ = ["SiteIdentity", "SiteSettings", "load_settings"]


def _checked_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError):
        near = get_close_matches(value, available_timezones(), n=1)
        remedy = f"write one such as {near[0] if near else 'Europe/Berlin'}"
        raise ValueError(f"{value!r} is no time zone; {remedy}") from None
    return value


class SiteIdentity(StrictModel):
    """Which site this is, and what time it is there. `site: shop-12` is short for its name."""

    name: CameraName = "site"
    timezone: Annotated[str, AfterValidator(_checked_timezone)] = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)


# the environment's value too may be the name alone, so it is not read as JSON
_Site = Annotated[
    SiteIdentity,
    NoDecode,
    BeforeValidator(lambda value: value if isinstance(value, dict | SiteIdentity) else {"name": value}),
]


class SiteSettings(BaseSettings):
    """Everything that a site can be told. `WATCHPOST_KAFKA__BOOTSTRAP=…` in the environment beats the file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="WATCHPOST_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    site: _Site = SiteIdentity()
    state_dir: Path = Path("var")
    cameras: dict[CameraName, CameraSettings] = Field(default_factory=dict)
    max_streams: int = Field(default=4, ge=1, le=1000)
    roi_origin: RoiOrigin = "bottom-left"
    model_params: ModelParams = ModelParams()
    models_catalogue: Path | None = Field(default=None, description="a model catalogue of your own")
    stream_params: StreamParams = StreamParams()
    bandwidth: BandwidthSettings = BandwidthSettings()
    kafka: KafkaSettings = KafkaSettings()
    central: CentralSettings | None = None
    frames: FrameSettings = FrameSettings()
    ingest: IngestSettings = IngestSettings()
    inference: InferenceSettings = InferenceSettings()
    events: EventSettings = EventSettings()
    bridge: BridgeSettings = BridgeSettings()
    api: ApiSettings = ApiSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first: in a container it is what the operator can reach."""
        return env_settings, init_settings

    @property
    def version(self) -> str:
        """A digest of all that decides what is seen and said; every event carries it as its `config_version`.

        Where a process keeps and shows things is left out: replicas differ there and say the same.
        """
        canonical = json.dumps(self.model_dump(mode="json", exclude={"state_dir", "telemetry", "api"}), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def camera_spec(self, name: str) -> CameraSpec:
        """The camera `name` with the site's parameters filled in."""
        camera = self.cameras[name]
        roi = roi_from_top_left(camera.roi or self.stream_params.roi, self.roi_origin)
        return CameraSpec(
            camera=CameraId(name),
            source=camera.source,
            secret_ref=camera.secret,
            origin=SpecOrigin.CONFIG,
            expires_at=None,
            max_frames=camera.max_frames or self.model_params.max_frames,
            skip_frames=self.model_params.skip_frames if camera.skip_frames is None else camera.skip_frames,
            height_px=camera.resolution or self.stream_params.resolution,
            roi=None if roi == FULL_FRAME else roi,
            assignment=Assignment(
                tasks=camera.tasks,
                zones=tuple(
                    zone.record(name, from_bottom=self.roi_origin == "bottom-left")
                    for name, zone in camera.zones.items()
                ),
                bandwidth_saving=camera.bandwidth_saving,
                thumbnail_interval_s=camera.thumbnail_interval_s or self.events.thumbnail_interval_s,
            ),
            config_version=self.version,
        )


def load_settings(path: Path | None) -> SiteSettings:
    """The settings in the YAML file at `path` (all defaults without one), the environment laid over them.

    Raises:
        ConfigError: naming the key, what is wrong with it and how to mend it.
    """
    raw = {} if path is None else _read_yaml(path)
    try:
        settings = SiteSettings(**raw)
    except ValidationError as error:
        raise _explained(error) from error
    if len(settings.cameras) > settings.max_streams:
        raise ConfigError(
            "cameras",
            f"{len(settings.cameras)} cameras are more than max_streams ({settings.max_streams}) allows",
            "raise max_streams or remove cameras",
        )
    return settings


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            str(path), f"cannot be read ({error.strerror})", "name a readable file with --config"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"is no YAML: {error}", "mend the line that is named") from error
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise ConfigError(str(path), "holds no keys at its top", "begin with a line such as site: shop-12")
    return raw


def _explained(error: ValidationError) -> ConfigError:
    # a misspelt key first: it explains why the right one is missing
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    location = [str(part) for part in first["loc"] if part != "[key]"]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        known = _fields_at(location[:-1])
        near = get_close_matches(location[-1], known, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
        return ConfigError(key, "there is no such key", remedy)
    if first["type"] == "missing":
        return ConfigError(key, "is missing", f"add {location[-1]}: …")
    message = first["msg"].removeprefix("Value error, ")
    problem, _, remedy = message.partition("; ")
    return ConfigError(key, f"{problem} (got {_shown(first['input'])})", remedy or "correct the value")


def _shown(value: object) -> str:
    text = re.sub(r"//[^/@\s]*@", "//***@", repr(value))  # a password in an address must not reach a log
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  (a terminal's line)


def _fields_at(location: list[str]) -> list[str]:
    """The known keys of the group at `location`."""
    model: type[BaseModel] = SiteSettings
    for part in location:
        field = model.model_fields.get(part)
        if field is None:
            continue  # the name of a camera
        candidates = [kind for kind in _models_in(field.annotation) if issubclass(kind, BaseModel)]
        if candidates:
            model = candidates[0]
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
