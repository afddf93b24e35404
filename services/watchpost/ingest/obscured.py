"""Tells a camera that was covered, painted over or turned away: the scene it knows is gone from its picture for long.

What it knows is learned over minutes, while it sees it, and by day and night alike: only where there are edges counts,
not how bright they are. Two things are told apart by how they came: a picture that darkened slowly and shows nothing
any more is a night without light; one that did so at once is covered, or the last lamp is out.
"""

import math
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from watchpost.ingest.scene_memory import LostScene
from watchpost.vision.scene_edges import Edges, kept_edges

__all__ = ["ObscuredTurn", "ObscuredWatch", "SceneLook"]

_LEARNED_LOOKS = 60
_LEARNING_TAU_US = 600_000_000
_AVERAGED = 10  # noise averages out: in the dark, a single picture shows a third of the edges that ten show
_TELLS_FROM = 0.9
_LOST, _BACK = 0.4, 0.6
_LOST_FOR_US = 15_000_000
_BACK_FOR_US = 5_000_000
_BLACK = 16.0
_DARK = 32.0
_LIGHT_TAU_US = 30_000_000
_LESS_AT_ONCE = 0.5


@dataclass(frozen=True, slots=True)
class SceneLook:
    """What one picture shows: its edges (NaN where hidden), and its mean brightness in grey levels from 16 to 235."""

    edges: Edges
    brightness: float


@dataclass(frozen=True, slots=True)
class ObscuredTurn:
    """The camera is obscured, or is no longer: the `number`-th time in this watch's life, `since_us`.

    Number 0 ends what the watch began with. `scene` is what is gone, for whoever goes on with this.
    """

    number: int
    obscured: bool
    since_us: int
    at_us: int
    kept: float
    dark: bool
    scene: LostScene | None = field(default=None, compare=False)

    @property
    def detail(self) -> str:
        """What is the matter, and what to do about it."""
        if not self.obscured:
            return "the scene is back in the picture"
        if self.dark:
            return "the picture went black at once: the lens is covered, or the last light is out; look at the camera"
        return "what the camera usually sees is gone: it is covered, painted over or turned away; look at the camera"


class ObscuredWatch:
    """Watches one camera over all its connections: one look a second, 0.3 ms each.

    turn = watch.look(SceneLook(edges, brightness), at_us)

    Args:
        lost: what another watch told to be gone, and that has not been seen since.
    """

    def __init__(self, lost: LostScene | None = None) -> None:
        self._known: Edges | None = None
        self._recent: deque[Edges] = deque(maxlen=_AVERAGED)
        self._looks = 0
        self._at_us = 0
        self._usual = 1.0
        self._light = 0.0
        self._lost_us: int | None = None
        self._back_us: int | None = None
        self._is_night = False
        self._open_us: int | None = None
        self._number = 0
        if lost is not None:
            self._known, self._looks = lost.edges.copy(), _LEARNED_LOOKS
            self._usual, self._light = lost.usual, lost.brightness
            self._lost_us = self._open_us = lost.since_us

    def look(self, seen: SceneLook, at_us: int) -> ObscuredTurn | None:
        """What this picture changes, if anything. A picture of another shape begins everything anew."""
        if self._known is None or self._known.shape != seen.edges.shape:
            self._known, self._looks, self._light = seen.edges.copy(), 0, seen.brightness
            self._recent.clear()
        self._recent.append(seen.edges)
        elapsed_us, self._at_us = max(0, at_us - self._at_us), at_us
        now: Edges = np.stack(self._recent).mean(axis=0, dtype=np.float32)
        kept = kept_edges(self._known, now, is_dark=seen.brightness < _DARK)
        turn = self._judged(seen, kept, at_us)
        if self._looks < _LEARNED_LOOKS or (self._lost_us is None and kept >= self._level(_BACK)):
            self._learn(seen.edges, kept, elapsed_us)
        self._light += (seen.brightness - self._light) * (1 - math.exp(-elapsed_us / _LIGHT_TAU_US))
        return turn

    def _judged(self, seen: SceneLook, kept: float, at_us: int) -> ObscuredTurn | None:
        if self._looks < _LEARNED_LOOKS or self._usual < _TELLS_FROM:
            return None
        if kept < self._level(_LOST):
            self._back_us = None
            if self._lost_us is None:
                self._lost_us, self._is_night = at_us, self._darkened_slowly(seen.brightness)
            is_due = at_us - self._lost_us >= _LOST_FOR_US and not self._is_night
            return self._opened(seen, kept, at_us) if is_due and self._open_us is None else None
        if kept >= self._level(_BACK):
            self._back_us = at_us if self._back_us is None else self._back_us
            if at_us - self._back_us >= _BACK_FOR_US:
                return self._ended(seen, kept, at_us)
        return None

    def _opened(self, seen: SceneLook, kept: float, at_us: int) -> ObscuredTurn:
        self._open_us = self._lost_us or at_us
        self._number += 1
        is_dark = seen.brightness < _DARK
        turn = ObscuredTurn(self._number, True, self._open_us, at_us, kept, is_dark)
        if self._known is None:
            return turn
        return replace(turn, scene=LostScene(self._known.copy(), self._usual, self._light, self._open_us))

    def _ended(self, seen: SceneLook, kept: float, at_us: int) -> ObscuredTurn | None:
        since_us, self._open_us, self._lost_us = self._open_us, None, None
        if since_us is None:
            return None
        return ObscuredTurn(
            self._number, obscured=False, since_us=since_us, at_us=at_us, kept=kept, dark=seen.brightness < _DARK
        )

    def _darkened_slowly(self, brightness: float) -> bool:
        return brightness < _DARK and brightness - _BLACK >= _LESS_AT_ONCE * (self._light - _BLACK)

    def _level(self, share: float) -> float:
        """What is kept where this share of what is usually kept above chance is left."""
        return 0.5 + share * (self._usual - 0.5)

    def _learn(self, edges: Edges, kept: float, elapsed_us: int) -> None:
        self._looks += 1
        rate = max(1 / self._looks, 1 - math.exp(-elapsed_us / _LEARNING_TAU_US))
        known = self._known
        if known is not None:
            hidden = np.isnan(known)
            known[hidden] = edges[hidden]
            # by the share of each picture's own edges: a bright hour counts no more than a dark one
            scale = np.nanmean(known) / max(1e-6, float(np.nanmean(edges)))
            step = edges * scale - known
            known += np.where(np.isnan(step), 0, rate * step)
        self._usual += (kept - self._usual) * rate
