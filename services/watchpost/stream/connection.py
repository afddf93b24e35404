"""How a client finds its cluster, and tells that it is away."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError

from watchpost.telemetry.health import Health

__all__ = ["client_config", "watched"]

_STATISTICS_MS = 2000


def client_config(bootstrap: str, security: Mapping[str, str], client_id: str) -> dict[str, Any]:
    """The settings that lead to a cluster, in librdkafka's words."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": client_id,
        # else librdkafka writes lines of its own to standard error, past the structured log
        "logger": logging.getLogger("librdkafka"),
        **security,
    }


def watched(client: Mapping[str, Any], health: Health, part: str = "kafka") -> dict[str, Any]:
    """`client` with callbacks that keep `part` of a service's health true while the cluster comes and goes.

    librdkafka reconnects by itself: the service has nothing to do but to say what it waits for.
    """

    def on_error(error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  (its public name for a local error code)
            health.waiting(part, f"{client['bootstrap.servers']} does not answer: {error.str()}")

    def on_statistics(text: str) -> None:
        brokers = json.loads(text)["brokers"].values()
        if any(broker["state"] == "UP" and broker["nodeid"] >= 0 for broker in brokers):
            health.ready(part)

    return {**client, "error_cb": on_error, "stats_cb": on_statistics, "statistics.interval.ms": _STATISTICS_MS}
