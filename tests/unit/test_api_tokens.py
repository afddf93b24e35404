"""Tokens: only digests are kept, and a file of them is read when it changes."""

import os
from pathlib import Path

import pytest
import yaml

from watchpost.api.tokens import Caller, Role, TokenBook, describe_new_token, new_token
from watchpost.errors import ConfigError
from watchpost.settings import ApiSettings, TokenSettings, load_settings


def write(path: Path, *entries: TokenSettings) -> None:
    """Replace the file, as an editor or a mounted secret would."""
    partial = path.with_suffix(".partial")
    partial.write_text(yaml.safe_dump([entry.model_dump() for entry in entries]))
    partial.rename(path)


def test_new_token_lets_its_caller_in_and_stands_nowhere_in_its_entry() -> None:
    token, entry = new_token("till", "operator")

    book = TokenBook(ApiSettings(tokens=(entry,)))

    assert book.caller_of(token) == Caller("till", Role.OPERATOR)
    assert len(token) >= 43  # 256 bits in base64
    assert token not in str(entry.model_dump())


@pytest.mark.parametrize("spoilt", ["", "x", "wp_", "\udcff"])
def test_any_other_token_is_nobodys(spoilt: str) -> None:
    token, entry = new_token("till", "viewer")
    book = TokenBook(ApiSettings(tokens=(entry,)))

    assert book.caller_of(spoilt) is None
    assert book.caller_of(token + "x") is None
    assert book.caller_of(entry.sha256) is None


def test_tokens_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    token, entry = new_token("probe", "viewer")
    monkeypatch.setenv("WATCHPOST_API__TOKENS", f"[{entry.model_dump_json()}]")

    assert TokenBook(load_settings(None).api).caller_of(token) == Caller("probe", Role.VIEWER)


def test_tokens_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "tokens.yaml"
    (first, first_entry), (second, second_entry) = new_token("first", "viewer"), new_token("second", "admin")
    write(path, first_entry)
    book = TokenBook(ApiSettings(tokens_file=path))
    before = (book.caller_of(first), book.caller_of(second))

    write(path, second_entry)

    assert before == (Caller("first", Role.VIEWER), None)
    assert (book.caller_of(first), book.caller_of(second)) == (None, Caller("second", Role.ADMIN))


@pytest.mark.parametrize("broken", ["- name: x", "{", "tokens: 1", "- {name: x, role: king, sha256: 0}"])
def test_broken_tokens_file_changes_nothing(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "tokens.yaml"
    token, entry = new_token("first", "viewer")
    write(path, entry)
    book = TokenBook(ApiSettings(tokens_file=path))

    path.write_text(broken)
    os.utime(path, (1, 1))

    assert book.caller_of(token) == Caller("first", Role.VIEWER)


def test_broken_tokens_file_at_the_start_is_an_error_that_shows_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "tokens.yaml"
    path.write_text("- {name: x, role: viewer, sha256: my-own-token}")

    with pytest.raises(ConfigError, match=r"api\.tokens_file: .* is no list of tokens \(look at 0\.sha256\)") as caught:
        TokenBook(ApiSettings(tokens_file=path))
    assert "my-own-token" not in str(caught.value)


def test_missing_tokens_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        TokenBook(ApiSettings(tokens_file=tmp_path / "none.yaml"))


def test_command_prints_a_token_and_an_entry_that_can_be_pasted() -> None:
    said, _, *entry = describe_new_token("till", "admin")

    (pasted,) = yaml.safe_load("\n".join(entry))
    book = TokenBook(ApiSettings(tokens=(TokenSettings(**pasted),)))
    assert book.caller_of(said.rpartition(" ")[2]) == Caller("till", Role.ADMIN)


def test_command_knows_no_other_role() -> None:
    with pytest.raises(ConfigError, match="name one of viewer, operator, admin"):
        new_token("till", "king")
