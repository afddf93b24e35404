"""The topic catalogue: one reviewed YAML a topic says what it is for, who writes, who reads and how it is made."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Literal

import cattrs
import yaml

from watchpost.contracts.records import SiteId
from watchpost.contracts.schemas import schemas_root
from watchpost.errors import ContractError

__all__ = ["Cluster", "Compatibility", "Topic", "TopicName", "site_topics", "topics"]

Cluster = Literal["site", "central"]
Compatibility = Literal["FULL_TRANSITIVE", "BACKWARD", "NONE"]

_DEAD_LETTER_RETENTION_MS = 7 * 24 * 3600 * 1000


class TopicName(StrEnum):
    """The topics that services open, so that a misspelt name is a type error. A test holds it against the files."""

    CAMERAS = "watchpost.cameras.v1"
    FRAMES = "watchpost.frames.v1"
    OBSERVATIONS = "watchpost.observations.v1"
    EVENTS = "watchpost.events.v1"
    THUMBNAILS = "watchpost.thumbnails.v1"
    COMMANDS = "watchpost.commands.v1"
    VERDICTS = "watchpost.verdicts.v1"
    SCHEMAS = "watchpost.schemas.v1"
    BRIDGE_LOCK = "watchpost.bridge-lock.v1"
    CHECKPOINTS = "watchpost.checkpoints.<site>.v1"
    SITE_VERDICTS = "watchpost.verdicts.<site>.v1"
    RELEASES = "watchpost.releases.v1"

    def of(self, site: SiteId) -> str:
        """The name with the site filled in."""
        return self.value.replace("<site>", site)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of one cluster, as its YAML describes it. `record` is None where the value is no Avro record."""

    name: str
    cluster: Cluster
    purpose: str
    key: str
    record: str | None
    compatibility: Compatibility
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: int
    settings: dict[str, str]
    dead_letters: str | None = None

    def of(self, site: SiteId) -> "Topic":
        """The topic with the site filled into its name."""
        return replace(self, name=self.name.replace("<site>", site))

    def dead_letter_topic(self) -> "Topic | None":
        """The topic that takes what cannot be read of this one, settings included."""
        if self.dead_letters is None:
            return None
        return Topic(
            name=self.dead_letters,
            cluster=self.cluster,
            purpose=f"What could not be read of {self.name}, byte for byte, the reason in the headers.",
            key=self.key,
            record=None,
            compatibility="NONE",
            producers=self.consumers,
            consumers=("operator",),
            partitions=1,
            settings={"retention.ms": str(_DEAD_LETTER_RETENTION_MS), "segment.ms": str(24 * 3600 * 1000)},
        )


@cache
def topics(cluster: Cluster) -> tuple[Topic, ...]:
    """Every topic of `cluster`, site names not yet filled in, without dead-letter topics."""
    return tuple(sorted(_read(cluster), key=lambda topic: topic.name))


def site_topics(cluster: Cluster, site: SiteId) -> tuple[Topic, ...]:
    """What must exist on `cluster` for `site`: its topics and their dead-letter topics."""
    named = [topic.of(site) for topic in topics(cluster)]
    return (*named, *(buried for topic in named if (buried := topic.dead_letter_topic()) is not None))


def _read(cluster: Cluster) -> Iterator[Topic]:
    for entry in (schemas_root() / "topics" / cluster).iterdir():
        raw: dict[str, Any] = yaml.safe_load(entry.read_text("utf-8"))
        raw["settings"] = {key: _as_kafka(value) for key, value in raw["settings"].items()}
        try:
            yield _CONVERTER.structure({**raw, "name": entry.name.removesuffix(".yaml"), "cluster": cluster}, Topic)
        except (TypeError, ValueError, cattrs.BaseValidationError, KeyError) as error:
            raise ContractError(f"schemas/topics/{cluster}/{entry.name}: {error!r}") from error


_CONVERTER = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)


def _as_kafka(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
