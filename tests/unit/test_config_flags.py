"""`--model` and `--device` without a command: they beat the file, and an error names them."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchpost.cli import app
from watchpost.errors import ConfigError
from watchpost.models import choose_model, load_catalogue
from watchpost.settings import ModelParams, load_settings
from watchpost.site.flags import put_flags_in_force


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("model_params: {model: yolox-nano, precision: int8, device: cpu}\n")
    return path


@pytest.mark.parametrize(
    ("model", "device", "says"),
    [
        ("qwen3-vl-30b-int4", "cuda:0", "--model: qwen3-vl-30b does not come in int4: its weights are experts"),
        ("qwen3-vl-30b/int8", None, "use qwen3-vl-30b-fp16 on a card of 80 GB, or qwen3-vl-8b-int8"),
        ("yolo", None, "--model: 'yolo' is not in the catalogue; use one of yolox-nano, qwen3-vl-4b"),
        ("movenet-multipose", None, "--model: 'movenet-multipose' is no detector"),
        ("yolox-nano-int3", None, "--model: 'yolox-nano-int3' is not in the catalogue"),
        ("", None, "--model: '' is not in the catalogue"),
        (None, "gpu", "--device: 'gpu' is no device"),
        (None, "cuda", "write auto, cpu or cuda:N"),
    ],
)
def test_flag_that_cannot_be_is_named(config: Path, model: str | None, device: str | None, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        put_flags_in_force(config, model, device)

    assert says in str(caught.value)


def test_version_is_told_and_nothing_is_started() -> None:
    done = CliRunner().invoke(app, ["--version"])

    assert (done.exit_code, done.output) == (0, f"watchpost {version('watchpost')}\n")


def test_error_of_the_file_is_named_by_its_key(config: Path) -> None:
    config.write_text("model_params: {model: yolo}")

    with pytest.raises(ConfigError, match=r"^model_params\.model: 'yolo'"):
        put_flags_in_force(config, None, "cpu")


def test_flags_beat_the_file_for_services_and_reloads(config: Path) -> None:
    put_flags_in_force(config, "yolox-nano/int4", "cuda:1")

    params = load_settings(config).model_params
    assert (params.model, params.device, params.precision) == ("yolox-nano/int4", "cuda:1", "int8")


@pytest.mark.parametrize("model", ["yolox-nano", "yolox-nano-int4", "yolox-nano/fp16", "yolox-nano-fp32"])
def test_cpu_model_runs_in_what_it_has_and_says_so(model: str) -> None:
    chosen = choose_model(ModelParams(model=model), load_catalogue())

    assert (chosen.name, chosen.precision, chosen.device) == ("yolox-nano", "fp32", "cpu")
    assert bool(chosen.remarks) == model.endswith(("int4", "fp16"))


def test_device_that_the_model_does_not_use_is_told() -> None:
    chosen = choose_model(ModelParams(device="cuda:0"), load_catalogue())

    assert chosen.remarks == ("yolox-nano runs on the CPU alone, so cuda:0 is not in use",)


def test_precision_in_the_name_beats_the_one_beside_it() -> None:
    chosen = choose_model(ModelParams(model="yolox-nano-int4", precision="fp16"), load_catalogue())

    assert "int4 is not in force" in chosen.remarks[0]
