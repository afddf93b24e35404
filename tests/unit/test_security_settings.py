"""The password of a Kafka connection comes from a variable or a file, and shows nowhere else."""

from pathlib import Path

import pytest

from watchpost.errors import ConfigError
from watchpost.settings import SecuritySettings

SCRAM = {"protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "username": "shop"}


def test_password_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRE_LOGIN", "hunter2\n")
    security = SecuritySettings.model_validate({**SCRAM, "password": "env:CENTRE_LOGIN"})

    assert security.client_config()["sasl.password"] == "hunter2"
    assert "hunter2" not in repr(security) + security.model_dump_json()


@pytest.mark.parametrize("key", ["password", "password_file"])
def test_password_is_read_from_a_file_each_time(tmp_path: Path, key: str) -> None:
    file = tmp_path / "login"
    file.write_text("first\n")
    security = SecuritySettings.model_validate({**SCRAM, key: f"file:{file}" if key == "password" else file})
    first = security.client_config()["sasl.password"]
    file.write_text("second\n")

    assert (first, security.client_config()["sasl.password"]) == ("first", "second")


@pytest.mark.parametrize("reference", ["env:NOT_SET_HERE", "file:/nowhere/login"])
def test_password_that_cannot_be_read_is_told_with_its_place(reference: str) -> None:
    security = SecuritySettings.model_validate({**SCRAM, "password": reference})

    with pytest.raises(ConfigError, match=f"security.password: {reference} cannot be read"):
        security.client_config()


def test_certificate_needs_no_password() -> None:
    security = SecuritySettings(
        protocol="SSL", ca_file=Path("/ca"), certificate_file=Path("/cert"), key_file=Path("/key")
    )

    assert security.client_config() == {
        "security.protocol": "SSL",
        "ssl.ca.location": "/ca",
        "ssl.certificate.location": "/cert",
        "ssl.key.location": "/key",
    }
