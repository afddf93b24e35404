"""A broker that lets nobody do what was not granted: TLS, SCRAM and client certificates, Kafka's own authorizer."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.fakes.tls_front import Certificate
from tests.requirements import require
from watchpost.stream.broker_files import BrokerFiles, Detour
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.stream.free_ports import free_port

__all__ = ["Authority", "Right", "SecuredKafka"]


class Authority:
    """A certificate authority of a test's own."""

    def __init__(self, folder: Path) -> None:
        require("openssl", "apt-get install -y openssl")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.path = folder / "ca.pem"
        self._openssl(
            "req", "-x509", *_NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority",
            "-addext", "basicConstraints=critical,CA:TRUE",
        )  # fmt: skip

    def certificate(self, name: str, days: int = 2) -> Certificate:
        """For a server on loopback, or for the client `name`; with `days` below 0 it is over already."""
        self._openssl(
            "req", *_NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", str(days), "-copy_extensions", "copy", "-out", f"{name}.pem",
        )  # fmt: skip
        return Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self._folder)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Right:
    """One line of `kafka-acls`: `operation` on `resource` of this `name`."""

    operation: str
    resource: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation} {self.resource} {self.name}"

    def bindings(self, principals: Iterable[str]) -> list[AclBinding]:
        """For each of `principals`."""
        return [
            AclBinding(
                ResourceType[self.resource], self.name, ResourcePatternType.LITERAL, f"User:{each}", "*",
                AclOperation[self.operation], AclPermissionType.ALLOW,
            )
            for each in principals
        ]  # fmt: skip


class SecuredKafka:
    """An embedded broker with two more listeners: `scram` (SASL_SSL) and `mutual` (SSL with client certificates).

    Who comes to its plain listener, `bootstrap`, may do everything: the tests themselves.

    Example:
        with SecuredKafka(tmp_path, Authority(tmp_path / "ca")) as central:
            central.user("shop", "secret")
            central.grant(["shop"], [Right("WRITE", "TOPIC", "watchpost.events.v1")])
    """

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._scram_port, self._mutual_port = free_port(), free_port()
        self._kafka = EmbeddedKafka(folder / "secured")
        self._kafka._files = _SecuredFiles(
            self._kafka.data_dir, self._scram_port, self._mutual_port, authority.path, _key_store(folder, authority)
        )

    def __enter__(self) -> Self:
        self._kafka.start()
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kafka.stop()

    @property
    def bootstrap(self) -> str:
        """Where everything is allowed."""
        return self._kafka.bootstrap

    @property
    def scram(self) -> str:
        """Where user and password are asked for."""
        return f"127.0.0.1:{self._scram_port}"

    @property
    def mutual(self) -> str:
        """Where a client's certificate is asked for."""
        return f"127.0.0.1:{self._mutual_port}"

    def user(self, name: str, password: str) -> None:
        """Let `name` in with `password`."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(name, credential, password.encode())
        for outcome in self._admin.alter_user_scram_credentials([change]).values():
            outcome.result(20)

    def grant(self, principals: Iterable[str], rights: Iterable[Right]) -> None:
        """Allow each of `principals` all of `rights`."""
        names = list(principals)
        bindings = [binding for right in rights for binding in right.bindings(names)]
        # the client refuses an empty list
        for outcome in self._admin.create_acls(bindings).values() if bindings else ():
            outcome.result(20)

    def take(self, right: Right) -> None:
        """Take `right` from everybody."""
        wanted = AclBindingFilter(
            ResourceType[right.resource], right.name, ResourcePatternType.LITERAL, _ANYBODY, _ANYWHERE,
            AclOperation[right.operation], AclPermissionType.ANY,
        )  # fmt: skip
        for outcome in self._admin.delete_acls([wanted]).values():
            assert outcome.result(20), f"nobody had {right}"


# the client's types say str; its filter means "any" by None
_ANYBODY = _ANYWHERE = cast("str", None)


def _key_store(folder: Path, authority: Authority) -> Path:
    shown = authority.certificate("localhost")
    store = folder / "keystore.pem"
    store.write_text(shown.key_path.read_text() + shown.path.read_text())
    return store


@dataclass(frozen=True, slots=True)
class _SecuredFiles(BrokerFiles):
    """The broker's settings, with what a later line of a properties file overrides."""

    scram_port: int
    mutual_port: int
    authority: Path
    key_store: Path

    def write_settings(
        self, advertised_host: str, port: int, controller_port: int, detour: Detour | None = None
    ) -> None:
        BrokerFiles.write_settings(self, advertised_host, port, controller_port, detour)
        reached = (
            f"PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{self.scram_port},SSL://127.0.0.1:{self.mutual_port}"
        )
        more: Mapping[str, object] = {
            "listeners": f"{reached},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": reached,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.key_store,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority,
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        with self.properties.open("a") as file:
            file.writelines(f"{key}={value}\n" for key, value in more.items())
