"""Reads the metrics that services export, as a monitoring system would."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["scrape"]


def scrape(host: str, port: int) -> dict[str, float]:
    """Each sample's sum over its labels by name; empty while the service does not answer."""
    try:
        text = httpx.get(f"http://{host}:{port}/metrics", timeout=1.0).text
    except httpx.HTTPError:
        return {}
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums
