"""Where the REST interface listens, and who may call it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from watchpost.settings.strict import StrictModel

__all__ = ["ApiSettings", "TokenSettings"]

# YAML reads an unquoted `off` as false
_Anonymous = Annotated[
    Literal["none", "analyze"],
    BeforeValidator(
        lambda value: "none" if value is False else value, json_schema_input_type=Literal["none", "analyze", False]
    ),
]


class TokenSettings(StrictModel):
    """One caller. Only a digest is kept: `watchpost token new` makes a token and this entry."""

    name: str = Field(min_length=1, max_length=64)
    role: Literal["viewer", "operator", "admin"]
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the token")


class ApiSettings(StrictModel):
    """The REST interface."""

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    loopback: bool = Field(default=True, description="callers on this machine need no token")
    anonymous: _Anonymous = Field(default="none", description="analyze: POST /analyze needs no token from anywhere")
    tokens: tuple[TokenSettings, ...] = ()
    tokens_file: Path | None = Field(default=None, description="more tokens: a YAML list of the same entries")
    allowed_sources: tuple[str, ...] = Field(
        default=(), description="networks and hosts that a stream_url may name although they are refused by default"
    )
    max_body_bytes: int = Field(default=65_536, ge=1024)
    calls_per_minute: int = Field(default=120, ge=1, description="of one caller, to /analyze")
    window_max_s: float = Field(default=300, gt=0, le=3600, description="the longest window_seconds of a call")
