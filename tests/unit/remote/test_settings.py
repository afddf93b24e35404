"""What can be said of a model server, and what is refused with a remedy."""

from pathlib import Path
from typing import Any

import pytest

from watchpost.errors import ConfigError
from watchpost.models import REMOTE, choose_model, load_catalogue
from watchpost.settings import ModelParams, RemoteSettings, settings_from

SERVER = {"url": "http://models:8000", "model": "qwen3-vl-8b"}


@pytest.mark.parametrize("url", ["http://models:8000", "http://models:8000/", "http://models:8000/v1/"])
def test_address_may_end_before_or_after_its_version(url: str) -> None:
    assert RemoteSettings(url=url, model="m").url == "http://models:8000/v1"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"url": "models:8000"}, r"remote\.url: 'models:8000' is no address.*; write http://host:8000/v1"),
        ({"url": "http://user:hunter2@models"}, r"remote\.url: .*; put a key behind remote\.api_key"),
        ({"url": "http://models/v1?key=hunter2"}, r"remote\.url: .*; put a key behind remote\.api_key"),
        ({"api_key": "sk-1"}, r"remote\.api_key: expected env:NAME or file:/path"),
        ({"model": ""}, r"remote\.model"),
        ({"timeout": 3}, r"remote\.timeout: there is no such key; did you mean timeout_s"),
    ],
)
def test_wrong_setting_is_named_with_its_remedy(said: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        settings_from({"remote": {**SERVER, **said}})


@pytest.mark.parametrize("url", ["http://user:hunter2@models", "http://models/v1?key=hunter2"])
def test_secret_in_an_address_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings_from({"remote": {**SERVER, "url": url}})

    assert "hunter2" not in str(raised.value)


def test_key_in_plain_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as raised:
        settings_from({"remote": {**SERVER, "api_key": "sk-hunter2"}})

    assert "hunter2" not in str(raised.value)


def test_remote_model_without_a_server_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"remote: is missing; add remote: \{url"):
        settings_from({"model_params": {"model": "remote"}})


def test_remote_model_is_chosen_and_says_what_is_not_in_force() -> None:
    chosen = choose_model(ModelParams(model="remote", precision="int4", device="cuda:1"), load_catalogue())

    assert (chosen.name, len(chosen.remarks)) == (REMOTE, 2)


def test_key_is_read_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1\n")

    assert RemoteSettings(url="http://h", model="m", api_key=f"file:{tmp_path}/key").secret() == "sk-1"


@pytest.mark.parametrize("content", ["", "two\nlines", "schlüssel"])
def test_file_that_holds_no_key_is_told_without_its_content(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)

    with pytest.raises(ConfigError, match=r"remote\.api_key: file:.*key holds no secret of one line"):
        RemoteSettings(url="http://h", model="m", api_key=f"file:{tmp_path}/key").secret()
