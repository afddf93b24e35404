"""What an operator can set, typed, with errors that say how to mend them."""

from watchpost.settings.api import ApiSettings, TokenSettings
from watchpost.settings.bandwidth import BandwidthSettings
from watchpost.settings.cameras import CameraSettings, ModelParams, StreamParams
from watchpost.settings.connections import (
    CentralSettings,
    EmbeddedKafkaSettings,
    KafkaSettings,
    SchemaRegistrySettings,
    SecuritySettings,
)
from watchpost.settings.masking import without_login, without_secrets
from watchpost.settings.reading import load_settings, read_file, settings_from
from watchpost.settings.recordings import ClipSettings, RecordingSettings
from watchpost.settings.remote import RemoteSettings
from watchpost.settings.schema import config_schema
from watchpost.settings.scopes import Scope, changed_scopes, leaves, scopes_of, version_of
from watchpost.settings.services import (
    BridgeSettings,
    EventSettings,
    FrameSettings,
    InferenceSettings,
    IngestSettings,
    TelemetrySettings,
    ThumbnailSettings,
)
from watchpost.settings.site import SiteIdentity, SiteSettings
from watchpost.settings.tasks import Asked, TaskSettings
from watchpost.settings.versions import versioned
from watchpost.settings.zones import ZoneSettings

__all__ = [
    "ApiSettings",
    "Asked",
    "BandwidthSettings",
    "BridgeSettings",
    "CameraSettings",
    "CentralSettings",
    "ClipSettings",
    "EmbeddedKafkaSettings",
    "EventSettings",
    "FrameSettings",
    "InferenceSettings",
    "IngestSettings",
    "KafkaSettings",
    "ModelParams",
    "RecordingSettings",
    "RemoteSettings",
    "SchemaRegistrySettings",
    "Scope",
    "SecuritySettings",
    "SiteIdentity",
    "SiteSettings",
    "StreamParams",
    "TaskSettings",
    "TelemetrySettings",
    "ThumbnailSettings",
    "TokenSettings",
    "ZoneSettings",
    "changed_scopes",
    "config_schema",
    "leaves",
    "load_settings",
    "read_file",
    "scopes_of",
    "settings_from",
    "version_of",
    "versioned",
    "without_login",
    "without_secrets",
]
