"""Where a site's Kafka and the centre are."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from watchpost.settings.references import SecretReference, read_secret
from watchpost.settings.strict import StrictModel

__all__ = [
    "CentralSettings",
    "ClipUploadSettings",
    "EmbeddedKafkaSettings",
    "KafkaSettings",
    "SchemaRegistrySettings",
    "SecuritySettings",
]


class SecuritySettings(StrictModel):
    """How a Kafka connection is protected. Passwords come from the environment or a file, never from here."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: str | None = None
    password: SecretReference | None = Field(default=None, description="where it is: env:NAME, or file:/path")
    password_file: Path | None = Field(default=None, description="the same as password: file:/path")
    ca_file: Path | None = Field(
        default=None, description="who signed the brokers' certificates, if none that all know"
    )
    certificate_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> "SecuritySettings":
        if self.password is not None and self.password_file is not None:
            raise ValueError("password and password_file both say where the password is; keep one")
        has_password = self.password is not None or self.password_file is not None
        if self.protocol.startswith("SASL") and not (self.sasl_mechanism and self.username and has_password):
            raise ValueError(f"{self.protocol} needs sasl_mechanism, username, and password or password_file as well")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together; set both or none")
        return self

    def secret(self) -> str | None:
        """The password, read now, or None where none is needed. Raises ConfigError where it cannot be read."""
        if self.password is not None:
            return read_secret(self.password, "security.password")
        if self.password_file is not None:
            return read_secret(f"file:{self.password_file.absolute()}", "security.password_file")
        return None

    def client_config(self) -> dict[str, str]:
        """The same in librdkafka's words, the password read now. Raises ConfigError where it cannot be read."""
        config: dict[str, str] = {"security.protocol": self.protocol}
        password = self.secret() if self.protocol.startswith("SASL") else None
        if self.sasl_mechanism and self.username and password is not None:
            config |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.username,
                "sasl.password": password,
            }
        files = {
            "ssl.ca.location": self.ca_file,
            "ssl.certificate.location": self.certificate_file,
            "ssl.key.location": self.key_file,
        }
        return config | {key: str(path) for key, path in files.items() if path is not None}


class EmbeddedKafkaSettings(StrictModel):
    """The broker that `watchpost up` starts where none is configured."""

    port: int = Field(default=9092, ge=1, le=65535)
    heap_mb: int = Field(default=256, ge=128)


class KafkaSettings(StrictModel):
    """The site's own Kafka. Without `bootstrap` the embedded one is used."""

    bootstrap: str | None = None
    security: SecuritySettings = SecuritySettings()
    embedded: EmbeddedKafkaSettings = EmbeddedKafkaSettings()
    replication: int = Field(default=1, ge=1)

    @property
    def address(self) -> str:
        """Where clients of the site connect to."""
        return self.bootstrap or f"127.0.0.1:{self.embedded.port}"


class SchemaRegistrySettings(StrictModel):
    """A registry with Confluent's REST interface. With one, records go up in Confluent's wire format."""

    url: str = Field(pattern="^https?://", description="Apicurio's ends with /apis/ccompat/v7")
    auto_register: bool = Field(
        default=True, description="false: schemas are only looked up, and the bridge waits for those that are missing"
    )
    username: str | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> "SchemaRegistrySettings":
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together; set both or none")
        return self

    def credentials(self) -> tuple[str, str] | None:
        """User and password, read from its file now."""
        if self.username is None or self.password_file is None:
            return None
        return self.username, self.password_file.read_text("utf-8").strip()


class ClipUploadSettings(StrictModel):
    """Where the centre keeps clips, if it does."""

    upload: str | None = Field(
        default=None,
        pattern="^(s3|gs|az|abfs|https?|file)://",
        description="an object store such as s3://bucket/clips",
    )


class CentralSettings(StrictModel):
    """The centre's Kafka. Without it a site works alone and keeps its events until they expire."""

    bootstrap: str
    security: SecuritySettings = SecuritySettings()
    schema_registry: SchemaRegistrySettings | None = None
    clips: ClipUploadSettings = ClipUploadSettings()
