"""Makes the topics of the catalogue on a site's cluster or at the centre."""

from watchpost.contracts import Cluster, site_topics
from watchpost.contracts.records import SiteId
from watchpost.errors import ConfigError
from watchpost.settings import SiteSettings
from watchpost.stream import client_config
from watchpost.stream.topics import TopicPlan, TopicReport, apply_topics

__all__ = ["apply_site_topics"]


def apply_site_topics(settings: SiteSettings, cluster: Cluster) -> TopicReport:
    """Create what is missing on `cluster` for this site, and report what differs.

    Raises:
        ConfigError: there is no centre in the settings.
        RetryableError: the cluster does not answer.
    """
    if cluster == "site":
        address, security = settings.kafka.address, settings.kafka.security
    elif settings.central is not None:
        address, security = settings.central.bootstrap, settings.central.security
    else:
        raise ConfigError(
            "central", "is not set, so there is no centre to make topics at", "add central: {bootstrap: …}"
        )
    plans = [
        TopicPlan(topic.name, topic.partitions, topic.settings)
        for topic in site_topics(cluster, SiteId(settings.site.name))
    ]
    client = client_config(address, security.client_config(), "watchpost-topics")
    return apply_topics(client, plans, replication_factor=settings.kafka.replication)
