"""Reads the metrics that services export, as a monitoring system would."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["scrape"]


def scrape(host: str, *ports: int) -> dict[str, float]:
    """Each sample's sum over its labels, and over the processes of a service, by name; without what does not answer."""
    sums: dict[str, float] = {}
    for port in ports:
        try:
            text = httpx.get(f"http://{host}:{port}/metrics", timeout=1.0).text
        except httpx.HTTPError:
            continue
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums
