"""A model's directory is fetched by the hub's own client when that is asked for, and never otherwise."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tests.fakes.hub import Hub
from tests.fakes.tiny_qwen import write_tiny_qwen
from watchpost.cli import app
from watchpost.errors import ConfigError, ModelError
from watchpost.models import bring_model, check_present, digest_of_directory
from watchpost.models.commands import describe_models, pull_models
from watchpost.settings import settings_from

NAME, SHARDS = "qwen3-vl-4b", 2


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("WATCHPOST_MODELS", str(folder))
    monkeypatch.delenv("WATCHPOST_BUNDLED_MODELS", raising=False)
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    published = tmp_path / "published"
    write_tiny_qwen(published, shards=SHARDS)
    (published / "pytorch_model.bin").write_bytes(b"what nobody loads")
    # of a download that is cut off the client keeps whole chunks, which are 10 MB
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    with Hub("Qwen/Qwen3-VL-4B-Instruct", published) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def test_allowed_download_brings_what_is_published_and_only_that(hub: Hub, models: Path) -> None:
    (told,) = pull_models([NAME], None, allow_download=True)

    assert told == f"{NAME}: {models / NAME}"
    assert digest_of_directory(models / NAME) == digest_of_directory(hub.directory)
    wanted = {path.name for path in hub.directory.iterdir()} - {"pytorch_model.bin"}
    assert {path.name for path in (models / NAME).iterdir()} == wanted


def test_nothing_is_asked_of_the_hub_unless_that_is_allowed(hub: Hub, models: Path) -> None:
    settings = settings_from({"model_params": {"model": NAME}})

    with pytest.raises(ModelError, match="watchpost models pull qwen3-vl-4b --allow-download"):
        list(pull_models([NAME], None))
    with pytest.raises(ModelError, match="--allow-download"):
        check_present(settings)
    list(describe_models(None))

    assert hub.requests == []
    assert not models.exists()


def test_whole_directory_is_not_fetched_again(hub: Hub, models: Path) -> None:
    shutil.copytree(hub.directory, models / NAME)

    list(pull_models([NAME], None, allow_download=True))
    bring_model(settings_from({"model_params": {"model": f"{NAME}-int8"}}))

    assert hub.requests == []


def test_download_that_was_cut_off_is_no_model_and_goes_on_from_there(hub: Hub) -> None:
    hub.breaks_after_bytes = 10_000
    settings = settings_from({"model_params": {"model": NAME}})

    with pytest.raises(ModelError, match="what has come is kept: try again"):
        bring_model(settings)
    with pytest.raises(ModelError, match="missing: "):
        check_present(settings)
    hub.breaks_after_bytes = None
    hub.ranges.clear()
    bring_model(settings)

    check_present(settings)
    assert hub.ranges
    assert all(asked != "bytes=0-" for asked in hub.ranges)


def test_broken_file_is_fetched_anew(hub: Hub, models: Path) -> None:
    shutil.copytree(hub.directory, models / NAME)
    cut = models / NAME / "model-00002-of-00002.safetensors"
    cut.write_bytes(cut.read_bytes()[:5000])

    bring_model(settings_from({"model_params": {"model": NAME}}))

    assert digest_of_directory(models / NAME) == digest_of_directory(hub.directory)
    assert not [one for one in hub.requests if one.startswith("GET") and "model-00001" in one]


def test_hub_that_is_away_leaves_nothing_behind(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(ModelError, match="Qwen/Qwen3-VL-4B-Instruct cannot be fetched"):
        list(pull_models([NAME], None, allow_download=True))

    assert not models.exists()


@pytest.mark.usefixtures("hub")
def test_model_that_is_not_published_there_is_told(models: Path) -> None:
    with pytest.raises(ModelError, match="Qwen/Qwen3-VL-8B-Instruct cannot be fetched"):
        list(pull_models(["qwen3-vl-8b"], None, allow_download=True))

    assert not models.exists()


@pytest.mark.parametrize("command", [["run", "inference"], ["up"], []])
def test_start_that_may_fetch_does_so_before_anything_runs(hub: Hub, tmp_path: Path, command: list[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("model_params: {model: qwen3-vl-8b-int4}")

    done = CliRunner().invoke(app, [*command, "--config", str(config), "--allow-download"])

    assert isinstance(done.exception, ModelError)
    assert "Qwen/Qwen3-VL-8B-Instruct cannot be fetched" in str(done.exception)
    assert hub.requests


@pytest.mark.parametrize("command", [["run", "api"], ["--allow-download", "models", "list"]])
def test_flag_where_no_model_is_loaded_is_refused(command: list[str]) -> None:
    done = CliRunner().invoke(app, command if "--allow-download" in command else [*command, "--allow-download"])

    assert isinstance(done.exception, ConfigError)


def test_machine_without_the_hubs_client_is_told_what_to_install(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)

    with pytest.raises(ConfigError, match="huggingface_hub, which is not installed; make setup-inference"):
        list(pull_models([NAME], None, allow_download=True))

    assert not models.exists()


def test_disk_without_room_is_told_before_anything_comes(
    hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchpost.models.download.shutil.disk_usage", lambda _: SimpleNamespace(free=1000))

    with pytest.raises(ModelError, match=r"GB are to come, and .* has 0\.0 GB free"):
        list(pull_models([NAME], None, allow_download=True))

    assert len(hub.requests) == 1
    assert not models.exists()


def test_hub_of_the_clients_own_that_cannot_be_asked_is_told_in_one_line(models: Path) -> None:
    # a process of its own: the client keeps what it read of its environment
    without = {key: value for key, value in os.environ.items() if key != "HF_ENDPOINT"}
    pulled = subprocess.run(
        [sys.executable, "-m", "watchpost", "models", "pull", NAME, "--allow-download"],
        env={**without, "HF_HUB_OFFLINE": "1", "WATCHPOST_MODELS": str(models)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert pulled.returncode == 1
    assert "Qwen/Qwen3-VL-4B-Instruct cannot be fetched" in pulled.stderr
    assert "Traceback" not in pulled.stderr
