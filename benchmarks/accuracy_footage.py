"""Falls found and false on a folder of real clips with a labels.json. Evaluation only: never in CI, never published."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.looking import TimedAnalyzer
from watchpost.analyze import analyze_file
from watchpost.errors import SourceError
from watchpost.events.logic import EventRules

__all__ = ["Clip", "FootageScore", "footage_falls", "labelled_clips", "scored"]

_BEFORE_S = 0.5
_NEVER_FALLS = "street.avi"


@dataclass(frozen=True, slots=True)
class Clip:
    """A labelled clip. `fall_start_s` is None where nobody falls."""

    path: Path
    fall_start_s: float | None


@dataclass(frozen=True, slots=True)
class FootageScore:
    """How a detector of falls did on a folder of clips."""

    falls: int
    missed: tuple[str, ...]
    false: tuple[str, ...]
    delays_s: tuple[float, ...]

    def as_plain(self) -> dict[str, Any]:
        """For the JSON line."""
        delays = sorted(self.delays_s)
        return {
            "falls": self.falls,
            "found": self.falls - len(self.missed),
            "missed": list(self.missed),
            "false_falls": len(self.false),
            "false_in": list(self.false),
            "median_delay_s": round(delays[len(delays) // 2], 2) if delays else None,
        }


def labelled_clips(footage: Path) -> list[Clip]:
    """The clips of `footage/labels.json` and, where nobody falls, the street."""
    folder = footage / "footage" if (footage / "footage").is_dir() else footage
    labels = json.loads((folder / "labels.json").read_text())
    clips = [Clip(folder / label["file"], label.get("fall_start_s")) for label in labels]
    street = footage / _NEVER_FALLS
    return [*clips, Clip(street, None)] if street.exists() else clips


def scored(clips: list[Clip], events_of: Callable[[Path], list[float]]) -> FootageScore:
    """Score the times at which falls are told: found from 0.5 s before the fall begins to the clip's end."""
    missed, false, delays = [], [], []
    for clip in clips:
        times = events_of(clip.path)
        begins_s = float("inf") if clip.fall_start_s is None else clip.fall_start_s
        after = [time_s for time_s in times if time_s >= begins_s - _BEFORE_S]
        false += [f"{clip.path.name} at {time_s:.1f} s" for time_s in times if time_s < begins_s - _BEFORE_S]
        if after:
            delays.append(after[0] - begins_s)
        elif clip.fall_start_s is not None:
            missed.append(clip.path.name)
    falls = sum(clip.fall_start_s is not None for clip in clips)
    return FootageScore(falls, tuple(missed), tuple(false), tuple(delays))


def footage_falls(clips: list[Clip], analyzer: TimedAnalyzer) -> dict[str, Any]:
    """The site's own analyzer and event logic on these clips, and what they cost beside YOLOX alone."""

    def events_of(path: Path) -> list[float]:
        times: list[float] = []
        lines = analyze_file(path, analyzer=analyzer, rules=EventRules("benchmark"))
        try:
            times.extend(line["time_s"] for line in lines if line.get("event") == "fall_detected")
        except SourceError as problem:
            print(f"{path.name}: {problem}")
        return times

    return {**scored(clips, events_of).as_plain(), **analyzer.cost()}
