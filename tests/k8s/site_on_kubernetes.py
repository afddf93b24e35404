"""A site from the Helm chart on a real Kubernetes: `make test-k8s`. Not part of `make test`: it needs a whole cluster.

The tests are one story and run in their order: install, upgrade, loss of pods, uninstall.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer

from tests.fakes.brokers import unique
from tests.k8s.api_schemas import write_schemas
from tests.k8s.cluster import Cluster, seconds_since, started_cluster
from tests.requirements import require
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventChanged

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CHART = str(Path(__file__).parents[2] / "helm" / "watchpost")
PROGRAMS = Path(os.environ.get("WATCHPOST_KUBERNETES", "../shared/k8s")).absolute()
IMAGE, TAG = os.environ.get("WATCHPOST_IMAGE", "watchpost:dev").rsplit(":", 1)
KAFKA_IMAGE = "apache/kafka:4.3.1"
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0"
NAMESPACE = "watchpost-test"
KAFKA_PORT = 19092
STREET = "sim:street?seed=7&people=3&fps=5&size=640x360"


def values(**cameras: str) -> dict[str, Any]:
    return {
        "image": {"repository": IMAGE, "tag": TAG, "pullPolicy": "Never"},
        "kafka": {"image": {"pullPolicy": "Never"}},
        "config": {"site": "corner", "cameras": cameras},
    }


@pytest.fixture(scope="module")
def figures(pytestconfig: pytest.Config) -> Iterator[dict[str, Any]]:
    """What was measured: one line of JSON at the end of the run."""
    measured: dict[str, Any] = {}
    yield measured
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{json.dumps(measured)}")  # noqa: T201  (what the command is run for)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    require("the single-node Kubernetes", "WATCHPOST_KUBERNETES=<folder of up>", found=(PROGRAMS / "up").is_file())
    with started_cluster(PROGRAMS, NAMESPACE) as cluster:
        cluster.load(f"{IMAGE}:{TAG}", KAFKA_IMAGE)
        yield cluster


class Site:
    """The release `corner`, and what its Kafka has told since."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def event(self, wanted: Callable[[EventChanged], bool], *, within_s: float) -> EventChanged:
        """The first event that is wanted, read with an ordinary consumer through a forwarded port."""
        with self.cluster.forwarded("service/corner-watchpost-kafka", KAFKA_PORT):
            consumer = Consumer(
                {
                    "bootstrap.servers": f"127.0.0.1:{KAFKA_PORT}",
                    "group.id": unique("reader"),
                    "auto.offset.reset": "earliest",
                    "isolation.level": "read_committed",
                }
            )
            consumer.subscribe([TopicName.EVENTS.value])
            seen: list[EventChanged] = []

            def look() -> EventChanged | None:
                message = consumer.poll(0.2)
                value = message.value() if message is not None and message.error() is None else None
                if value is not None:
                    seen.append(decode(value, EventChanged))
                return seen[-1] if seen and wanted(seen[-1]) else None

            try:
                found = wait_for(look, within_s=within_s)
            except AssertionError as error:
                error.add_note(f"events until then: {[(one.camera, one.type) for one in seen]}")
                raise
            finally:
                consumer.close()
        assert found is not None
        return found

    def pods(self, component: str = "") -> dict[str, str]:
        """The running pods of the services, component to id."""
        selector = f",app.kubernetes.io/component={component}" if component else ""
        found = self.cluster.items("pods", "-l", f"app.kubernetes.io/instance=corner{selector}")
        labels = ((pod["metadata"]["labels"]["app.kubernetes.io/component"], pod["metadata"]["uid"]) for pod in found)
        return {component: uid for component, uid in labels if component != "setup"}

    def kafka_identity(self) -> str:
        """The id of the site's Kafka cluster."""
        return self.cluster.kubectl(
            "exec", "corner-watchpost-kafka-0", "--", "sed", "-n", "s/^cluster.id=//p", "/kafka/log/meta.properties"
        )


@pytest.fixture(scope="module")
def site(cluster: Cluster, figures: dict[str, Any]) -> Site:
    """The chart, installed."""
    start_s = time.monotonic()
    arguments = ("corner", CHART, "--wait", "--wait-for-jobs", "--timeout", "5m")
    try:
        cluster.helm("install", *arguments, values=values(street=STREET))
    except AssertionError as error:
        error.add_note(cluster.account())
        raise
    figures["seconds_to_ready"] = seconds_since(start_s)
    return Site(cluster)


def test_manifests_conform_to_the_server_s_own_schemas(cluster: Cluster, tmp_path: Path) -> None:
    cluster.run("go", "install", KUBECONFORM)
    location = write_schemas(json.loads(cluster.kubectl("get", "--raw", "/openapi/v2")), tmp_path)
    whole = values(street=STREET) | {"inference": {"gpu": 1}, "nodeSelector": {"a": "b"}}
    whole["config"]["central"] = {"bootstrap": "central:9092"}
    (tmp_path / "manifests.yaml").write_text(cluster.helm("template", "corner", CHART, values=whole))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((tmp_path / "manifests.yaml").read_text().replace("periodSeconds", "periodSecond"))
    kubeconform = (str(Path(cluster.run("go", "env", "GOPATH").strip()) / "bin" / "kubeconform"), "-strict", "-summary")

    cluster.helm("lint", "--strict", CHART)
    told = cluster.run(*kubeconform, "-schema-location", location, str(tmp_path / "manifests.yaml"))

    assert "Invalid: 0, Errors: 0, Skipped: 0" in told
    with pytest.raises(AssertionError, match="periodSecond"):
        cluster.run(*kubeconform, "-schema-location", location, str(wrong))


def test_site_is_ready_and_tells_events(site: Site, figures: dict[str, Any]) -> None:
    start_s = time.monotonic()
    online = site.event(lambda event: event.type == "camera_online", within_s=60)
    counted = site.event(lambda event: event.type == "person_count", within_s=60)

    figures["seconds_from_ready_to_first_event_read"] = seconds_since(start_s)
    assert (online.site, online.camera) == ("corner", "street")
    assert counted.person_count is not None
    assert set(site.pods()) == {"api", "events", "inference", "ingest", "kafka"}


def test_changed_cameras_reach_the_running_services(site: Site, figures: dict[str, Any]) -> None:
    before, start_s = site.pods(), time.monotonic()

    cameras = {"street": STREET.replace("seed=7", "seed=8"), "yard": STREET}
    arguments = ("corner", CHART, "--wait", "--wait-for-jobs", "--timeout", "3m")
    site.cluster.helm("upgrade", *arguments, values=values(**cameras))

    site.event(lambda event: (event.camera, event.type) == ("yard", "camera_online"), within_s=60)
    figures["seconds_from_upgrade_to_new_camera"] = seconds_since(start_s)
    assert site.pods() == before


def test_killed_pods_come_back_and_go_on(site: Site, figures: dict[str, Any]) -> None:
    identity, before = site.kafka_identity(), site.pods()
    start_s, killed_at = time.monotonic(), datetime.now(UTC)

    for component in ("events", "kafka"):
        selector = f"app.kubernetes.io/instance=corner,app.kubernetes.io/component={component}"
        site.cluster.kubectl("delete", "pod", "-l", selector, "--grace-period=0", "--force")
    for workload in ("statefulset/corner-watchpost-kafka", "deployment/corner-watchpost-events"):
        site.cluster.kubectl("rollout", "status", workload, "--timeout=240s")

    figures["seconds_to_ready_after_kill"] = seconds_since(start_s)
    later = killed_at + timedelta(seconds=5)
    site.event(lambda event: event.type == "person_count" and event.at > later, within_s=90)
    figures["seconds_from_kill_to_next_event"] = seconds_since(start_s)
    after = site.pods()
    assert {name for name in before if before[name] != after[name]} == {"events", "kafka"}
    assert site.kafka_identity() == identity


def test_uninstalled_site_leaves_the_claims_that_it_names(site: Site) -> None:
    site.cluster.helm("uninstall", "corner", "--wait")

    kinds = "deployments,statefulsets,jobs,services,configmaps,serviceaccounts,secrets,networkpolicies,pvc"
    left = wait_for(
        lambda: {
            f"{one['kind']}/{one['metadata']['name']}"
            for one in site.cluster.items(kinds)
            if one["metadata"]["name"] not in {"default", "kube-root-ca.crt"}
        },
        lambda found: len(found) <= 2,
        within_s=60,
    )
    assert left == {
        "PersistentVolumeClaim/corner-watchpost-secrets",
        "PersistentVolumeClaim/data-corner-watchpost-kafka-0",
    }
