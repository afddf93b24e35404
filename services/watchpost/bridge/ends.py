"""The two clusters that a bridge joins, as its settings name them."""

from dataclasses import dataclass
from typing import Any

from watchpost.bridge.checkpoints import Checkpoints
from watchpost.bridge.clusters import Cluster
from watchpost.bridge.registry import SchemaRegistry
from watchpost.clock import Clock
from watchpost.contracts.records import SiteId
from watchpost.errors import ConfigError
from watchpost.settings import SiteSettings
from watchpost.stream import client_config, watched
from watchpost.telemetry import Health

__all__ = ["Ends", "join"]

_CLIENT = {
    # for who retries by himself: librdkafka's own 10 s would hold up the way back after an outage
    "reconnect.backoff.ms": 100,
    "reconnect.backoff.max.ms": 2000,
    # a router that forgot a quiet connection swallows what is sent on it, and says nothing
    "socket.keepalive.enable": True,
    "log.connection.close": False,
}


@dataclass(frozen=True, slots=True)
class Ends:
    """How to reach both clusters. The clients of `watched_…` keep the service's health true."""

    site: SiteId
    site_client: dict[str, Any]
    central_client: dict[str, Any]
    site_cluster: Cluster
    central_cluster: Cluster
    checkpoints: Checkpoints
    registry: SchemaRegistry | None

    def watched_site_client(self, health: Health) -> dict[str, Any]:
        """For the long-lived clients of the site."""
        return watched(self.site_client, health, "site")

    def watched_central_client(self, health: Health) -> dict[str, Any]:
        """For the long-lived clients of the centre."""
        return watched(self.central_client, health, "central")


def join(settings: SiteSettings, clock: Clock) -> Ends:
    """Both ends of the bridge that `settings` describe.

    Raises:
        ConfigError: there is no centre to go to.
    """
    if settings.central is None:
        raise ConfigError(
            "central", "is not set, so there is nowhere to send to", "add central: {bootstrap: host:port}"
        )
    site = SiteId(settings.site.name)
    name = f"watchpost-bridge-{site}"
    site_client = client_config(settings.kafka.address, settings.kafka.security.client_config(), name) | _CLIENT
    central_client = (
        client_config(settings.central.bootstrap, settings.central.security.client_config(), name) | _CLIENT
    )
    central_cluster = Cluster(central_client, "central")
    return Ends(
        site=site,
        site_client=site_client,
        central_client=central_client,
        site_cluster=Cluster(site_client, "site"),
        central_cluster=central_cluster,
        checkpoints=Checkpoints(site, central_client, central_cluster, clock),
        registry=None if settings.central.schema_registry is None else SchemaRegistry(settings.central.schema_registry),
    )
