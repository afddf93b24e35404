"""What an operator can set, typed, with errors that say how to mend them."""

from watchpost.settings.api import ApiSettings, TokenSettings
from watchpost.settings.cameras import CameraSettings, ModelParams, StreamParams
from watchpost.settings.connections import CentralSettings, EmbeddedKafkaSettings, KafkaSettings, SecuritySettings
from watchpost.settings.services import (
    BandwidthSettings,
    BridgeSettings,
    EventSettings,
    FrameSettings,
    InferenceSettings,
    IngestSettings,
    TelemetrySettings,
)
from watchpost.settings.site import SiteIdentity, SiteSettings, load_settings
from watchpost.settings.zones import ZoneSettings

__all__ = [
    "ApiSettings",
    "BandwidthSettings",
    "BridgeSettings",
    "CameraSettings",
    "CentralSettings",
    "EmbeddedKafkaSettings",
    "EventSettings",
    "FrameSettings",
    "InferenceSettings",
    "IngestSettings",
    "KafkaSettings",
    "ModelParams",
    "SecuritySettings",
    "SiteIdentity",
    "SiteSettings",
    "StreamParams",
    "TelemetrySettings",
    "TokenSettings",
    "ZoneSettings",
    "load_settings",
]
