"""The outage that the demo shows on request: the uplink is cut while events flow, and comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, assert_never

from confluent_kafka import Consumer

from watchpost.contracts import TopicName
from watchpost.simulation.wan import WanLink
from watchpost.stream import watermarks

__all__ = ["Outage", "OutagePhase", "SiteEvents"]

# so that the page shows for a while how it is with the link, before and after
_BEFORE_S = 10.0
_AFTER_S = 5.0
# a bridge that has not caught up by then never will: the demo ends, and says what is lost
_CATCHING_UP_S = 120.0


class OutagePhase(StrEnum):
    """How far the outage is."""

    AHEAD = "ahead"
    CUT = "cut"
    CATCHING_UP = "catching_up"
    OVER = "over"


@dataclass(slots=True)
class Outage:
    """A cut of the uplink, which begins once events have arrived through it.

    Args:
        link: the uplink.
        lasts_s: for how long it is cut.
    """

    link: WanLink
    lasts_s: float
    phase: OutagePhase = OutagePhase.AHEAD
    most_waiting: int = 0
    # None until the centre has caught up
    caught_up_after_s: float | None = None
    _since_s: float = 0.0

    def look(self, now_s: float, arrived: int, waiting: int) -> None:
        """Do what it is time for.

        Args:
            now_s: how long the demo has been running.
            arrived: how many events are at the centre.
            waiting: how many of the site's are not there yet.
        """
        self.most_waiting = max(self.most_waiting, 0 if self.phase is OutagePhase.AHEAD else waiting)
        match self.phase:
            case OutagePhase.AHEAD if arrived and now_s >= _BEFORE_S:
                self.link.cut()
                self._turn(OutagePhase.CUT, now_s)
            case OutagePhase.CUT if self.left_s(now_s) <= 0:
                self.link.restore()
                self._turn(OutagePhase.CATCHING_UP, now_s)
            case OutagePhase.CATCHING_UP if waiting == 0:
                self.caught_up_after_s = now_s - self._since_s
                self._turn(OutagePhase.OVER, now_s)
            case OutagePhase.CATCHING_UP if now_s - self._since_s > _CATCHING_UP_S:
                self._turn(OutagePhase.OVER, now_s)

    def left_s(self, now_s: float) -> float:
        """How long the cut lasts still."""
        return self._since_s + self.lasts_s - now_s

    def is_shown(self, now_s: float) -> bool:
        """Whether there is nothing more to see."""
        return self.phase is OutagePhase.OVER and now_s - self._since_s > _AFTER_S

    def words(self, now_s: float) -> str:
        """The link's state, for a person."""
        match self.phase:
            case OutagePhase.AHEAD:
                return f"uplink up, will be cut for {self.lasts_s:.0f} s"
            case OutagePhase.CUT:
                return f"uplink CUT, back in {max(0.0, self.left_s(now_s)):.0f} s"
            case OutagePhase.CATCHING_UP:
                return "uplink is back, catching up"
            case OutagePhase.OVER if self.caught_up_after_s is None:
                return f"uplink is back, not caught up within {_CATCHING_UP_S:.0f} s"
            case OutagePhase.OVER:
                return f"uplink up, caught up {self.caught_up_after_s:.1f} s after it came back"
            case _:
                assert_never(self.phase)

    def _turn(self, phase: OutagePhase, now_s: float) -> None:
        self.phase, self._since_s = phase, now_s


class SiteEvents:
    """Counts the events that the site wrote, at its own Kafka: the bridge cannot tell what it has not read.

    Args:
        site: the settings that lead to the site's cluster.
    """

    def __init__(self, site: Mapping[str, Any]) -> None:
        self._consumer = Consumer({**site, "group.id": "watchpost-demo"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def count(self) -> int:
        """All up to now."""
        return sum(end for _, end in watermarks(self._consumer, TopicName.EVENTS).values())
