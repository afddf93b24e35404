"""`docs/metrics.md` lists every metric, with its labels, and none that is not there."""

import re
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from watchpost.telemetry import metrics

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def exported() -> dict[str, tuple[str, ...]]:
    """Each metric's exported name and labels."""
    found = {}
    for value in vars(metrics).values():
        if isinstance(value, Counter | Gauge | Histogram):
            suffix = "_total" if isinstance(value, Counter) else ""
            found[value._name + suffix] = tuple(value._labelnames)
    return found


def documented() -> dict[str, tuple[str, ...]]:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE)
    return {name: tuple(re.findall(r"\w+", labels)) for name, labels in rows}


def test_metrics_page_lists_exactly_what_is_exported() -> None:
    assert documented() == exported()
