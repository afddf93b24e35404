"""The Helm chart, rendered: what it makes of its values, and which values it refuses. Needs `helm` and no cluster."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.requirements import require
from watchpost.inference.calibration_file import calibration_path
from watchpost.settings import RecordingSettings

CHART = Path(__file__).parents[2] / "helm" / "watchpost"
HELM = "go install helm.sh/helm/v3/cmd/helm@v3.19.5, or https://helm.sh"

Manifest = dict[str, Any]

VALUES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a site with a centre": {"config": {"site": "shop-12", "central": {"bootstrap": "central:9092"}}},
    "no api, no Kafka of its own": {"api": {"enabled": False}, "kafka": {"external": {"bootstrap": "a:9092,b:9092"}}},
    "frames in a bucket": {"frames": {"url": "s3://frames/shop-12", "secretEnvironment": ["bucket"]}},
    "frames in memory": {"frames": {"hostPath": "/srv/frames"}, "ingest": {"replicas": 3}},
    "a GPU": {
        **yaml.safe_load((CHART / "gpu.yaml").read_text("utf-8")),
        "models": {"existingClaim": "my-models"},
        "nodeSelector": {"gpu": "yes"},
    },
    "recordings": {"config": {"recordings": {"enabled": True}, "central": {"bootstrap": "central:9092"}}},
    "claims that are there": {
        "recordings": {"existingClaim": "my-recordings"},
        "frames": {"existingClaim": "my-frames"},
        "events": {"state": {"existingClaim": "my-state"}},
        "api": {"secretStore": {"existingClaim": "my-logins"}},
        "models": {"existingClaim": "my-models", "calibration": "my-calibration"},
    },
    "secrets by reference": {
        "secrets": {"files": {"kafka": "kafka-login"}},
        "ingest": {"secretEnvironment": ["camera-logins"]},
        "image": {"pullSecrets": ["registry"]},
    },
}

REFUSED: dict[str, dict[str, Any]] = {
    "nonsense": {"nonsense": 1},
    "replcas": {"ingest": {"replcas": 2}},
    "/ingest/replicas": {"ingest": {"replicas": "two"}},
    "replicas": {"bridge": {"replicas": 2}},
    "/inference/gpu": {"inference": {"gpu": -1}},
    "/frames/size": {"frames": {"size": "much"}},
    "/recordings/enabled": {"recordings": {"enabled": "yes"}},
    "/kafka/external/bootstrap": {"kafka": {"external": {"bootstrap": "no-port"}}},
    "password": {"kafka": {"password": "hunter2"}},
    "/secrets/files/kafka": {"secrets": {"files": {"kafka": {"value": "hunter2"}}}},
    "/api/service/type": {"api": {"service": {"type": "ClusterIp"}}},
    "/api/env/0": {"api": {"env": [{"value": "1"}]}},
    "/config": {"config": ["site"]},
    "limitz": {"events": {"resources": {"limitz": {}}}},
}


@pytest.fixture(autouse=True)
def _helm() -> None:
    require("helm", HELM)


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    # a Helm that `go install` built takes every cluster for v1.20
    given = ["--kube-version", "v1.34.2", *(["--values", "-"] if values is not None else [])]
    return subprocess.run(
        ["helm", *arguments, *given],
        input=None if values is None else json.dumps(values),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rendered(values: Mapping[str, Any], *arguments: str, release: str = "shop") -> list[Manifest]:
    done = helm("template", release, str(CHART), "--namespace", "cameras", *arguments, values=values)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def refusal(values: Mapping[str, Any]) -> str:
    done = helm("template", "shop", str(CHART), values=values)
    assert done.returncode != 0
    return done.stderr


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The pod specs, by the component that they run."""
    return {
        manifest["metadata"]["labels"]["app.kubernetes.io/component"]: manifest["spec"]["template"]["spec"]
        for manifest in manifests
        if manifest["kind"] in {"Deployment", "StatefulSet", "Job"}
    }


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for component, pod in pods(manifests).items():
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            yield component, container


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def volumes(pod: Manifest) -> dict[str, Manifest]:
    return {volume["name"]: volume for volume in pod["volumes"]}


def claims_of(pod: Manifest) -> set[str]:
    volumes_of_claims = (
        volume["persistentVolumeClaim"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume
    )
    return {claim["claimName"] for claim in volumes_of_claims}


def job_name(manifests: list[Manifest]) -> str:
    (name,) = (one["metadata"]["name"] for one in manifests if one["kind"] == "Job")
    return str(name)


def pod_annotations(manifests: list[Manifest]) -> dict[str, Any]:
    return {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["annotations"]
        for one in manifests
        if one["kind"] == "Deployment"
    }


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_chart_passes_the_strict_lint(values: dict[str, Any]) -> None:
    done = helm("lint", "--strict", str(CHART), values=values)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_container_is_confined(values: dict[str, Any]) -> None:
    manifests = rendered(values)

    for component, container in containers(manifests):
        security = container["securityContext"]
        assert security == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, component
        assert set(container["resources"]) == {"requests", "limits"}, component
        assert "memory" in container["resources"]["limits"], component
    for component, pod in pods(manifests).items():
        security = pod["securityContext"]
        assert security["runAsNonRoot"], component
        assert security["runAsUser"] >= 1000, component
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, component
        assert pod["automountServiceAccountToken"] is False, component
        assert pod["enableServiceLinks"] is False, component


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_service_is_probed(values: dict[str, Any]) -> None:
    for component, container in containers(rendered(values)):
        if component == "setup" or container["name"] == "topics":
            continue  # they end
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container), component
        if component != "kafka":
            assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}, component
            # a site whose centre is out of reach is in order
            ready = "/healthz" if component == "bridge" else "/readyz"
            assert container["readinessProbe"]["httpGet"] == {"path": ready, "port": "http"}, component


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_mounted_volume_exists(values: dict[str, Any]) -> None:
    manifests = rendered(values)
    ours = {one["metadata"]["name"] for one in manifests if one["kind"] == "PersistentVolumeClaim"}

    for component, container in containers(manifests):
        of_the_set = {"data"} if component == "kafka" else set()
        known = volumes(pods(manifests)[component]).keys() | of_the_set
        assert {mount["name"] for mount in container["volumeMounts"]} <= known, component
    used = {name for pod in pods(manifests).values() for name in claims_of(pod)}
    assert {name for name in used if not name.startswith("my-")} == ours


@pytest.mark.parametrize(("key", "values"), REFUSED.items(), ids=REFUSED)
def test_value_that_means_nothing_is_refused_by_name(key: str, values: dict[str, Any]) -> None:
    assert key in refusal(values)


def test_two_places_for_frames_are_refused() -> None:
    assert "set one of url, hostPath and existingClaim" in refusal({"frames": {"url": "s3://b", "hostPath": "/f"}})


def test_two_configurations_are_refused() -> None:
    assert "config and configFile" in refusal({"config": {"site": "a"}, "configFile": "site: b"})


def test_configuration_file_that_is_no_yaml_is_refused() -> None:
    assert "configFile is no YAML" in refusal({"configFile": "a: b: c"})


def test_no_value_of_a_secret_is_rendered() -> None:
    manifests = rendered(VALUES["secrets by reference"])

    assert not [one for one in manifests if one["kind"] == "Secret"]
    ingest = pods(manifests)["ingest"]
    assert "envFrom" not in ingest["initContainers"][0]
    assert ingest["containers"][0]["envFrom"] == [{"secretRef": {"name": "camera-logins"}}]
    for component in ("inference", "events", "api"):
        assert "envFrom" not in pods(manifests)[component]["containers"][0]
    assert volumes(ingest)["secret-kafka"]["secret"]["secretName"] == "kafka-login"
    assert ingest["imagePullSecrets"] == [{"name": "registry"}]


def test_configuration_reaches_the_services_as_it_was_written(tmp_path: Path) -> None:
    written = "# ours\nsite: shop-12\nframes: {max_bytes: 536870912}\n"
    (tmp_path / "config.yaml").write_text(written)

    config = named(rendered({}, "--set-file", f"configFile={tmp_path}/config.yaml"), "ConfigMap", "shop-watchpost")

    assert config["data"]["config.yaml"].strip() == written.strip()


def test_large_number_in_the_configuration_stays_a_number() -> None:
    config = named(rendered({"config": {"frames": {"max_bytes": 536870912}}}), "ConfigMap", "shop-watchpost")

    assert yaml.safe_load(config["data"]["config.yaml"]) == {"frames": {"max_bytes": 536870912}}


def test_changed_camera_runs_the_setup_again_and_restarts_nothing() -> None:
    before = rendered({"config": {"site": "a", "cameras": {"door": "rtsp://10.0.0.5/live"}}})
    after = rendered({"config": {"site": "a", "cameras": {"door": "rtsp://10.0.0.6/live"}}})

    assert job_name(before) != job_name(after)
    assert pod_annotations(before) == pod_annotations(after)


def test_other_change_restarts_the_services() -> None:
    before = pod_annotations(rendered({"config": {"max_streams": 4}}))
    after = pod_annotations(rendered({"config": {"max_streams": 5}}))

    assert all(before[name] != after[name] for name in before)


def test_same_values_run_no_setup_again() -> None:
    assert job_name(rendered({})) == job_name(rendered({}))


def test_bridge_runs_only_where_a_centre_is_named() -> None:
    assert "bridge" not in pods(rendered({}))
    assert "bridge" in pods(rendered({"configFile": "central: {bootstrap: 'central:9092'}"}))


def test_external_kafka_brings_no_other() -> None:
    manifests = rendered({"kafka": {"external": {"bootstrap": "mine:9092"}}})

    assert "kafka" not in pods(manifests)
    for _, container in containers(manifests):
        assert {"name": "WATCHPOST_KAFKA__BOOTSTRAP", "value": "mine:9092"} in container["env"]


def test_readers_of_frames_stay_on_one_node_unless_frames_lie_in_a_bucket() -> None:
    claimed, bucket = pods(rendered({})), pods(rendered(VALUES["frames in a bucket"]))

    for component in ("ingest", "inference", "events", "api"):
        assert "podAffinity" in claimed[component]["affinity"]
    for component in ("inference", "events"):
        assert "affinity" not in bucket[component]
        assert "frames" not in volumes(bucket[component])
    assert "podAffinity" in bucket["ingest"]["affinity"]  # with the api: camera logins lie on a claim


def test_only_ingest_writes_frames() -> None:
    writers = [
        component
        for component, container in containers(rendered({}))
        for mount in container["volumeMounts"]
        if mount["name"] == "frames" and not mount["readOnly"]
    ]

    assert writers == ["ingest"]


@pytest.mark.parametrize(
    ("values", "records"),
    [
        ({}, False),
        ({"config": {"recordings": {"keep_hours": 12}, "cameras": {"door": "rtsp://10.0.0.5/live"}}}, False),
        ({"config": {"cameras": {"door": {"source": "rtsp://h/a", "recording": {"audio": True}}}}}, False),
        ({"config": {"cameras": {"yard": "rtsp://h/b", "door": {"recording": {"enabled": True}}}}}, True),
        ({"config": {"recordings": {"enabled": True}}}, True),
        ({"config": {"recordings": {"path": "/data"}}}, True),
        ({"configFile": "recordings: {enabled: true}"}, True),
        ({"recordings": {"enabled": True}}, True),
    ],
)
def test_recordings_have_a_claim_where_something_is_recorded(values: dict[str, Any], records: bool) -> None:  # noqa: FBT001
    manifests = rendered(values)

    kept = {"shop-watchpost-recordings"} if records else set()
    assert {name for pod in pods(manifests).values() for name in claims_of(pod) if "recordings" in name} == kept
    assert {name for _, name in claims(manifests) if "recordings" in name} == kept


def claims(manifests: list[Manifest]) -> set[tuple[str, str]]:
    return {
        (one["spec"]["resources"]["requests"]["storage"], one["metadata"]["name"])
        for one in manifests
        if one["kind"] == "PersistentVolumeClaim"
    }


def test_recordings_are_shared_on_one_node_and_only_the_api_may_not_write_them() -> None:
    manifests = rendered({**VALUES["recordings"], "frames": {"url": "s3://frames"}, "recordings": {"size": "200Gi"}})

    assert ("200Gi", "shop-watchpost-recordings") in claims(manifests)
    claim = named(manifests, "PersistentVolumeClaim", "shop-watchpost-recordings")
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    mounts = {
        component: mount["readOnly"]
        for component, container in containers(manifests)
        for mount in container["volumeMounts"]
        if mount["name"] == "recordings"
    }
    assert mounts == {"ingest": False, "bridge": False, "api": True}
    for component in mounts:
        assert "podAffinity" in pods(manifests)[component]["affinity"]


def test_recordings_are_mounted_where_the_services_look_for_them() -> None:
    def paths(recordings: dict[str, Any]) -> set[str]:
        return {
            mount["mountPath"]
            for _, container in containers(rendered({"config": {"recordings": recordings}}))
            for mount in container["volumeMounts"]
            if mount["name"] == "recordings"
        }

    state = Path("/var/lib/watchpost")
    assert paths({"enabled": True}) == {str(RecordingSettings(enabled=True).folder(state))}
    assert paths({"path": "/data"}) == {"/data"}
    assert "write it from / on" in refusal({"config": {"recordings": {"path": "data"}}})


def test_gpu_is_asked_for_and_never_by_two_at_once() -> None:
    manifests = rendered(VALUES["a GPU"])
    inference = pods(manifests)["inference"]

    assert inference["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": 1, "memory": "12Gi"}
    assert inference["runtimeClassName"] == "nvidia"
    assert inference["nodeSelector"] == {"gpu": "yes"}
    assert named(manifests, "Deployment", "shop-watchpost-inference")["spec"]["strategy"] == {"type": "Recreate"}


def test_worker_that_is_started_again_finds_what_the_one_before_left() -> None:
    pod = pods(rendered({}))["inference"]

    mounts = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert "emptyDir" in volumes(pod)[mounts["/var/lib/watchpost/inference"]]


def test_calibration_that_is_named_lies_where_the_worker_alone_looks_for_it() -> None:
    manifests = rendered({"models": {"calibration": "site-calibration"}})
    worker = pods(manifests)["inference"]
    (mount,) = (one for one in worker["containers"][0]["volumeMounts"] if one["name"] == "calibration")

    assert mount["mountPath"] == str(calibration_path(Path("/var/lib/watchpost")))
    assert (mount["subPath"], mount["readOnly"]) == ("calibration.json", True)
    assert volumes(worker)["calibration"] == {"name": "calibration", "configMap": {"name": "site-calibration"}}
    assert [component for component, pod in pods(manifests).items() if "calibration" in volumes(pod)] == ["inference"]
    assert "calibration" not in volumes(pods(rendered({}))["inference"])


def test_only_the_worker_with_a_gpu_has_the_image_for_it_and_room_for_models_and_kernels() -> None:
    manifests = rendered({**VALUES["a GPU"], "image": {"tag": "1.2"}})
    images = {(component, container["name"]): container["image"] for component, container in containers(manifests)}
    mounts = {mount["mountPath"]: mount for mount in pods(manifests)["inference"]["containers"][0]["volumeMounts"]}

    assert images["inference", "inference"] == "watchpost:1.2-gpu"
    assert {image for name, image in images.items() if name != ("inference", "inference")} == {
        "watchpost:1.2",
        "apache/kafka:4.3.1",
    }
    assert mounts["/app/models"]["readOnly"]
    assert mounts["/var/cache/watchpost"] == {"name": "kernels", "mountPath": "/var/cache/watchpost"}


def test_image_of_the_worker_is_its_own_where_one_is_named() -> None:
    own = {"inference": {"gpu": 1, "image": {"repository": "mine/gpu", "tag": "7"}}}

    assert pods(rendered(own))["inference"]["containers"][0]["image"] == "mine/gpu:7"


def test_what_holds_a_lock_or_the_leadership_goes_before_its_successor_comes() -> None:
    manifests = rendered(VALUES["a site with a centre"])

    for component in ("events", "bridge"):
        deployment = named(manifests, "Deployment", f"shop-watchpost-{component}")
        assert deployment["spec"]["strategy"] == {"type": "Recreate"}
        assert deployment["spec"]["replicas"] == 1
