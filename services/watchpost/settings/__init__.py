"""What an operator can set, typed, with errors that say how to mend them."""

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
from watchpost.settings.site import SiteSettings, load_settings

__all__ = [
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
    "SiteSettings",
    "StreamParams",
    "TelemetrySettings",
    "load_settings",
]
