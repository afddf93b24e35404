"""A centre behind a link that a test may cut, slow down or leave half-open."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchpost.simulation.wan import WanLink
from watchpost.stream.embedded import Detour, EmbeddedKafka
from watchpost.stream.free_ports import free_ports

__all__ = ["WanBroker", "wan_broker"]


@dataclass(frozen=True, slots=True)
class WanBroker:
    """A broker and the link to it."""

    kafka: EmbeddedKafka
    link: WanLink
    wan_bootstrap: str

    @property
    def direct_bootstrap(self) -> str:
        """For who stands at the centre, and does not feel the link."""
        return self.kafka.bootstrap


@contextmanager
def wan_broker(folder: Path) -> Iterator[WanBroker]:
    """An embedded broker that is reached through a link, and directly.

    Example:
        with wan_broker(tmp_path / "central") as central:
            bridge_to(central.wan_bootstrap)
            central.link.half_open()

    """
    detour_port, relay_port = free_ports(2)
    with (
        WanLink(detour_port, relay_port) as link,
        EmbeddedKafka(folder, detour=Detour(detour_port, relay_port)) as kafka,
    ):
        yield WanBroker(kafka, link, f"127.0.0.1:{relay_port}")
