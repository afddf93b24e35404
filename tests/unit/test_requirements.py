"""A missing part skips a test on a person's machine, and fails it in CI."""

import pytest

from tests.requirements import require


def test_a_part_that_is_there_lets_the_test_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    require("sh", "apt-get install -y dash")
    require("the footage", "lay it there", found=True)


def test_a_missing_part_skips_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="no-such-program is not on this machine; to get it: brew it"):
        require("no-such-program", "brew it")


def test_a_missing_part_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="the footage is not on this machine"):
        require("the footage", "lay it there", found=False)
