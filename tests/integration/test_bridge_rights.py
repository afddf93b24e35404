"""A bridge at a centre that allows what docs/security.md lists and nothing else, over a password and a certificate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer

from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.bridged_site import BridgedSite, event, thumbnail
from tests.fakes.descents import Centre as Giving
from tests.fakes.descents import landed, verdict
from tests.fakes.secured_broker import Authority, Right, SecuredKafka
from tests.fakes.tls_front import TlsFront
from tests.waiting import wait_for
from watchpost.contracts import TopicName
from watchpost.contracts.records import SiteId
from watchpost.settings import CentralSettings
from watchpost.stream import client_config
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

# which part of the health names a right, by words in the name of what it is for
_LANES = {"thumbnails": ("thumbnails",), "downlink": ("verdicts", "releases")}
PASSWORD = "a-secret-of-this-test"  # noqa: S105


def rights_of(site: SiteId) -> list[Right]:
    """What docs/security.md grants a site's principal."""
    checkpoints = TopicName.CHECKPOINTS.of(site)
    return [
        *(Right("WRITE", "TOPIC", name) for name in ("watchpost.events.v1", "watchpost.thumbnails.v1")),
        *(Right(each, "TOPIC", "watchpost.schemas.v1") for each in ("READ", "WRITE")),
        *(Right(each, "TOPIC", checkpoints) for each in ("READ", "WRITE")),
        *(Right("WRITE", "TRANSACTIONAL_ID", f"watchpost-bridge-{site}-{lane}") for lane in ("events", "thumbnails")),
        *(Right("READ", "TOPIC", name) for name in (TopicName.SITE_VERDICTS.of(site), TopicName.RELEASES.value)),
    ]


@dataclass(frozen=True)
class Centre:
    """A secured centre, and how a site may log in there."""

    kafka: SecuredKafka
    authority: Authority
    site_bootstrap: str

    def site(self, folder: Path, way: str, rights: Sequence[Right] | None = None, **security: Any) -> BridgedSite:
        """A new site with the rights of the list, or `rights`, that comes by `way`."""
        site = BridgedSite(self.site_bootstrap, self.kafka.bootstrap, folder)
        login = self.login(folder, site.name, way) | security
        address = self.kafka.scram if way == "scram" else self.kafka.mutual
        site.options = {"central": {"bootstrap": address, "security": login}}
        self.kafka.grant([site.name], rights_of(site.name) if rights is None else rights)
        return site

    def login(self, folder: Path, name: SiteId, way: str) -> dict[str, str]:
        if way == "certificate":
            shown = self.authority.certificate(name)
            files = {"certificate_file": str(shown.path), "key_file": str(shown.key_path)}
            return {"protocol": "SSL", "ca_file": str(self.authority.path), **files}
        self.kafka.user(name, PASSWORD)
        (folder / "password").write_text(f"{PASSWORD}\n")
        return {
            "protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "username": name,
            "password": f"file:{folder / 'password'}",
            "ca_file": str(self.authority.path),
        }


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    authority = Authority(folder / "authority")
    with SecuredKafka(folder, authority) as kafka, EmbeddedKafka(folder / "site") as site_kafka:
        yield Centre(kafka, authority, site_kafka.bootstrap)


def central_of(site: BridgedSite) -> CentralSettings:
    central = site.settings().central
    assert central is not None
    return central


def written(site: BridgedSite, prefix: str) -> None:
    site.write([event(f"{prefix}-e"), thumbnail(f"{prefix}-t", jpeg_bytes=100)])


@pytest.mark.parametrize("way", ["scram", "certificate"])
def test_bridge_carries_everything_with_exactly_the_rights_that_are_listed(
    centre: Centre, tmp_path: Path, way: str
) -> None:
    site = centre.site(tmp_path, way)
    Giving(site).give([verdict(site.name, "v1")])

    with site.bridge() as bridge, site.reader() as events, site.reader(TopicName.THUMBNAILS) as thumbnails:
        for number in range(10):
            written(site, str(number))
        events.wait_for(10).assert_gapless()
        thumbnails.wait_for(10).assert_gapless()
        with landed(site) as verdicts:
            verdicts.wait_for(1)
        bridge.wait_until_ready()


def test_each_right_that_is_missing_is_named_and_with_it_everything_goes_on(centre: Centre, tmp_path: Path) -> None:
    """From none to all, the list's order: a start that lacks several names them, one that lacks none carries."""
    site = centre.site(tmp_path, "scram", rights=[])
    written(site, "before")

    with site.bridge() as bridge, site.reader() as events, site.reader(TopicName.THUMBNAILS) as thumbnails:
        for right in rights_of(site.name):
            wait_until_named(bridge, right)
            centre.kafka.grant([site.name], [right])
        bridge.wait_until_ready()

        assert events.wait_for(1).offsets()
        assert thumbnails.wait_for(1).offsets()


def test_rights_taken_from_a_bridge_at_work_are_named_and_given_back_nothing_is_lost(
    centre: Centre, tmp_path: Path
) -> None:
    site = centre.site(tmp_path, "scram")
    needed_at_work = [
        right for right in rights_of(site.name) if right.operation == "WRITE" and "schemas" not in right.name
    ]

    with site.bridge() as bridge, site.reader() as events, site.reader(TopicName.THUMBNAILS) as thumbnails:
        written(site, "first")
        events.wait_for(1)
        thumbnails.wait_for(1)
        for number, right in enumerate(needed_at_work):
            centre.kafka.take(right)
            written(site, f"{number}")
            wait_until_named(bridge, right)
            centre.kafka.grant([site.name], [right])
            bridge.wait_until_ready()

        events.wait_until_quiet(1 + len(needed_at_work)).assert_gapless()
        thumbnails.wait_until_quiet(1 + len(needed_at_work)).assert_gapless()


def test_another_site_s_checkpoint_and_transactional_id_are_refused(centre: Centre, tmp_path: Path) -> None:
    (tmp_path / "thief").mkdir()
    thief, robbed = centre.site(tmp_path / "thief", "scram"), centre.site(tmp_path, "scram")
    own_login, robbed.options = robbed.options, thief.options
    stealing = Producer(
        {
            **client_config(centre.kafka.scram, central_of(thief).security.client_config(), "thief"),
            "transactional.id": f"watchpost-bridge-{robbed.name}-events",
        }
    )

    with robbed.bridge() as bridge:
        waits = wait_for(bridge.waits_for, lambda seen: "does not allow this site to" in seen.get("events", ""))
    with pytest.raises(KafkaException, match="Transactional Id authorization failed"):
        stealing.init_transactions(20)
    robbed.options = own_login
    robbed.write([event("mine")])
    with robbed.bridge(), robbed.reader() as events:
        assert len(events.wait_for(1).messages) == 1

    checkpoints = TopicName.CHECKPOINTS.of(robbed.name)
    assert f"read {checkpoints}, write {checkpoints};" in waits["events"]


def test_wrong_password_is_said_without_the_password(centre: Centre, tmp_path: Path) -> None:
    site = centre.site(tmp_path, "scram")
    (tmp_path / "password").write_text("not-the-password")

    with site.bridge() as bridge:
        waits = wait_for(bridge.waits_for, lambda seen: "check user name and password" in seen.get("events", ""))
        log = bridge.log.read_text()

    assert "the centre does not let this site in" in waits["events"]
    assert not any(secret in log + str(waits) for secret in (PASSWORD, "not-the-password"))


def test_certificate_of_the_centre_that_is_over_is_said(centre: Centre, tmp_path: Path) -> None:
    over = centre.authority.certificate("over", days=-1)

    with TlsFront(int(centre.kafka.bootstrap.rpartition(":")[2]), over) as front:
        site = centre.site(tmp_path, "scram")
        site.options = {
            "central": {
                "bootstrap": f"127.0.0.1:{front.port}",
                "security": {"protocol": "SSL", "ca_file": str(centre.authority.path)},
            }
        }
        with site.bridge() as bridge:
            waits = wait_for(bridge.waits_for, lambda seen: "check the certificates" in seen.get("events", ""))

    assert "are they over" in waits["events"]


def wait_until_named(bridge: BridgeProcess, right: Right) -> None:
    """Return when the lane that needs `right` says that it is missing."""
    lane = next((lane for lane, words in _LANES.items() if any(word in right.name for word in words)), "events")

    def is_named(waits: dict[str, str]) -> bool:
        reason = waits.get(lane, "")
        if right.resource == "TRANSACTIONAL_ID":
            return "Transactional Id authorization failed" in reason
        return f"{right.operation.lower()} {right.name}" in reason

    wait_for(bridge.waits_for, is_named)
