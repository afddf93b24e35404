"""Shows, beside a failed test, what the cluster says of it: the cluster is gone when somebody reads the report."""

import pytest

from tests.k8s.cluster import Cluster

__all__ = ["pytest_exception_interact"]


def pytest_exception_interact(node: pytest.Item, report: pytest.TestReport) -> None:
    arguments = getattr(node, "funcargs", {}).values()
    clusters = [one if isinstance(one, Cluster) else getattr(one, "cluster", None) for one in arguments]
    for cluster in clusters:
        if isinstance(cluster, Cluster):
            report.sections.append(("the cluster", cluster.account()))
