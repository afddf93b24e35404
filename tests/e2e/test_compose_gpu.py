"""What `docker compose --profile gpu` adds to a site, as compose reads the file: no GPU is needed to know."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.compose_image import ROOT, require_compose
from watchpost.inference.calibration_file import calibration_path

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


def services(*flags: str, **environment: str) -> dict[str, dict[str, Any]]:
    """What `docker compose FLAGS up` would start."""
    require_compose()
    done = subprocess.run(
        ["docker", "compose", *flags, "config", "--format", "json"],
        cwd=ROOT,
        env={**os.environ, "WATCHPOST_CONFIG": "deploy/config.example.yaml", **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)["services"]
    return found


def models_of(service: dict[str, Any]) -> str:
    (source,) = (volume["source"] for volume in service["volumes"] if volume["target"] == "/app/models")
    return str(source)


def test_site_without_the_profile_has_one_worker_and_asks_for_no_device() -> None:
    site = services()

    assert "inference-gpu" not in site
    assert site["inference"]["scale"] == 1
    assert not any("reservations" in service.get("deploy", {}).get("resources", {}) for service in site.values())


def test_profile_brings_a_worker_with_its_own_image_model_and_card() -> None:
    worker = services("--profile", "gpu", WATCHPOST_GPU="1")["inference-gpu"]
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]

    assert (worker["image"], worker["build"]["target"]) == ("watchpost:gpu", "gpu")
    assert worker["environment"]["WATCHPOST_MODEL_PARAMS__MODEL"] == "qwen3-vl-4b-int8"
    assert device == {"driver": "nvidia", "device_ids": ["1"], "capabilities": ["gpu"]}


def test_worker_on_a_gpu_takes_the_place_of_the_other_where_that_is_said() -> None:
    site = services("--profile", "gpu", WATCHPOST_CPU_WORKERS="0")

    assert site["inference"]["scale"] == 0
    for worker, other in (("inference", "inference-gpu"), ("inference-gpu", "inference")):
        assert site[worker]["environment"]["OTHER_WORKER"] == other  # whoever comes second ends


def test_calibration_lies_in_a_volume_that_workers_find_and_calibrate_may_write() -> None:
    folder = str(calibration_path(Path("/var/lib/watchpost")).parent)

    for name in ("inference", "inference-gpu"):
        (volume,) = (one for one in services("--profile", "gpu")[name]["volumes"] if one["target"] == folder)
        assert (volume["type"], volume["source"], volume.get("read_only", False)) == ("volume", "inference", False)


def test_models_are_a_volume_or_the_folder_that_is_named() -> None:
    volume, folder = services("--profile", "gpu"), services("--profile", "gpu", WATCHPOST_MODELS="./weights")

    for worker in ("inference", "inference-gpu"):
        assert models_of(volume[worker]) == "models"
        assert models_of(folder[worker]) == str(ROOT / "weights")
