"""A whole site and its centre for tests: real brokers, and every service a process of its own that may be killed.

with SiteUnderTest(tmp_path, {"street": "sim:street?seed=7&falls=3&fps=10"}) as site:
    site.wait_for_central(lambda events: any(event.type == "fall_detected" for event in events))
    site.supervisor.kill("inference")
    site.drain()
    assert site.delivery() == …
"""

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from confluent_kafka import Message

from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventChanged, FrameAnalyzed, SiteId
from watchpost.errors import ContractError
from watchpost.events.logic import CameraState, initial_state, step
from watchpost.events.rules import rules_from
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.delivery import Delivery, compare_events, group_lag_records, read_topic
from watchpost.site.specs import publish_camera_specs
from watchpost.site.supervisor import Supervisor, service_command
from watchpost.site.topics import apply_site_topics
from watchpost.stream import client_config, value_of
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.stream.free_ports import free_ports

__all__ = ["SERVICES", "SiteUnderTest"]

SERVICES = ("ingest", "inference", "events", "bridge")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (frames live in memory; mkdtemp makes the folder)


class SiteUnderTest:
    """Brokers of site and centre, topics, cameras and supervised services, in folders of this test.

    Args:
        folder: for everything that is kept.
        cameras: name to source.
        more: further keys of config.yaml.
        api: keys of its `api`; without, the api does not run.
    """

    def __init__(
        self,
        folder: Path,
        cameras: Mapping[str, str],
        more: Mapping[str, Any] | None = None,
        api: Mapping[str, Any] | None = None,
    ) -> None:
        site_port, central_port, self.api_port, *ports = free_ports(3 + len(SERVICES))
        self._frames = tempfile.TemporaryDirectory(prefix="watchpost-test-", dir=_SHARED_MEMORY)
        self.config = folder / "config.yaml"
        self.config.write_text(
            yaml.safe_dump(
                {
                    "site": "shop",
                    "state_dir": str(folder / "state"),
                    "cameras": dict(cameras),
                    "max_streams": max(4, len(cameras)),
                    "kafka": {"embedded": {"port": site_port}},
                    "central": {"bootstrap": f"127.0.0.1:{central_port}"},
                    "frames": {"url": f"file://{self._frames.name}"},
                    "telemetry": {"ports": dict(zip(SERVICES, ports, strict=True))},
                    "api": {"port": self.api_port, **(api or {})},
                    **(more or {}),
                }
            )
        )
        self.site_kafka = EmbeddedKafka(folder / "site-kafka", port=site_port)
        self.central_kafka = EmbeddedKafka(folder / "central-kafka", port=central_port)
        self.run_dir = folder / "run"
        running = SERVICES if api is None else (*SERVICES, "api")
        self.supervisor = Supervisor([service_command(name, self.config) for name in running], self.run_dir)
        self._stop = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="supervisor")

    @property
    def settings(self) -> SiteSettings:
        """What config.yaml says."""
        return load_settings(self.config)

    @property
    def site(self) -> dict[str, Any]:
        """The way to the site's broker."""
        return client_config(self.site_kafka.bootstrap, {}, "test")

    @property
    def central(self) -> dict[str, Any]:
        """The way to the centre's broker."""
        return client_config(self.central_kafka.bootstrap, {}, "test")

    def __enter__(self) -> Self:
        self.site_kafka.start()
        self.central_kafka.start()
        apply_site_topics(self.settings, "site")
        apply_site_topics(self.settings, "central")
        publish_camera_specs(self.settings)
        self.supervisor.start()
        self._watching.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._watching.join()
        self.supervisor.stop()
        self.site_kafka.stop()
        self.central_kafka.stop()
        self._frames.cleanup()

    def central_events(self) -> list[EventChanged]:
        """Every event that is at the centre now."""
        return list(read_topic(self.central, TopicName.EVENTS, _event))

    def site_events(self) -> list[EventChanged]:
        """Every event that the site wrote, repeats included."""
        return list(read_topic(self.site, TopicName.EVENTS, _event))

    def observations(self) -> list[FrameAnalyzed]:
        """Every observation that can be read, in the order of its partition."""
        found = read_topic(self.site, TopicName.OBSERVATIONS, _observation)
        return [observation for observation in found if observation is not None]

    def wait_for_central(self, until: Callable[[list[EventChanged]], bool], *, within_s: float = 60) -> None:
        """Wait until the centre's events satisfy `until`."""
        wait_for(self.central_events, until, within_s=within_s)

    def drain(self, *, within_s: float = 60) -> None:
        """Stop the cameras and wait until everything that they gave rise to went all the way."""
        self.stop_watching("ingest")
        settings = self.settings
        stages = ((settings.inference.group, TopicName.FRAMES), (settings.events.app_id, TopicName.OBSERVATIONS))
        for group, topic in stages:
            wait_for(
                lambda group=group, topic=topic: group_lag_records(self.site, group, topic),  # type: ignore[misc]
                lambda lag: lag == 0,
                within_s=within_s,
            )
        wait_for(self.delivery, lambda delivery: delivery.lost == 0, within_s=within_s)

    def stop_watching(self, name: str) -> None:
        """Stop one service for good."""
        self.supervisor.stop(name)

    def delivery(self) -> Delivery:
        """The site's and the centre's events compared."""
        return compare_events(self.site, self.central)

    def truth(self) -> dict[tuple[str, int], EventChanged]:
        """The pure event logic folded over the observations: what must have happened, by (event_id, revision)."""
        rules = rules_from(self.settings)
        states: dict[str, CameraState] = {}
        events: dict[tuple[str, int], EventChanged] = {}
        for observation in self.observations():
            before = states.get(observation.camera) or initial_state(SiteId("shop"), observation.camera)
            states[observation.camera], outputs = step(before, observation, rules)
            events |= {(event.event_id, event.revision): event for event in outputs.events}
        return events

    def log_of(self, name: str) -> str:
        """What a service said."""
        return self.supervisor.log_of(name).read_text(errors="replace")

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self.supervisor.check()


def _event(message: Message) -> EventChanged:
    return decode(value_of(message) or b"", EventChanged)


def _observation(message: Message) -> FrameAnalyzed | None:
    try:
        return decode(value_of(message) or b"", FrameAnalyzed)
    except ContractError:
        return None
