"""Where the model server of the `remote` analyzer is, and how it is asked."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from watchpost.errors import ConfigError
from watchpost.settings.described import text
from watchpost.settings.references import SecretReference, read_secret
from watchpost.settings.strict import StrictModel

__all__ = ["RemoteSettings"]

_URL = r"https?://[^@?#\s]+"


def _checked_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("holds more than an address; put a key behind remote.api_key: env:NAME")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{value!r} is no address; write http://host:8000/v1 or https://host/v1")
    return value.rstrip("/") if parts.path.rstrip("/").endswith("/v1") else f"{value.rstrip('/')}/v1"


class RemoteSettings(StrictModel):
    """A server with OpenAI's interface, such as vLLM, SGLang or llama.cpp's. Used with `model_params.model: remote`."""

    url: Annotated[str, AfterValidator(_checked_url), text(_URL)] = Field(description="up to /v1")
    model: str = Field(min_length=1, max_length=256, description="as the server's /v1/models calls it")
    api_key: SecretReference | None = None
    ca_file: Path | None = Field(default=None, description="who signed the server's certificate, if none that all know")
    timeout_s: float = Field(default=3, gt=0, le=60, description="for all questions of a batch together")
    max_concurrent: int = Field(default=64, ge=1, le=1024, description="requests at once, at most")
    jpeg_quality: int = Field(default=90, ge=30, le=100)
    max_side_px: int = Field(default=1280, ge=64, le=4096, description="larger pictures are scaled down before they go")
    prefill: bool = Field(default=True, description="false: the server cannot go on with a begun answer")
    fallback: bool = Field(default=True, description="the CPU analyzer answers alone while the server does not")

    def secret(self) -> str | None:
        """The key, read now, or None where none is needed. Raises ConfigError where it cannot be read."""
        if self.api_key is None:
            return None
        key = read_secret(self.api_key, "remote.api_key")
        if not key.isascii():
            raise ConfigError(
                "remote.api_key",
                f"{self.api_key} holds no secret of one line in ASCII",
                "set the variable, or mend the file",
            )
        return key
