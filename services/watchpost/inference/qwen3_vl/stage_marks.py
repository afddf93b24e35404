"""Measures how long stages take where they run: on a GPU by its own events, which nobody waits for."""

import time

import torch

__all__ = ["StageMarks"]


class StageMarks:
    """Moments between the stages of one batch.

    marks = StageMarks(device)
    marks.mark("begun"); …; marks.mark("seen")
    marks.wait("seen")
    marks.between_s("begun", "seen")
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._events: dict[str, torch.cuda.Event] = {}
        self._moments_s: dict[str, float] = {}

    def mark(self, name: str) -> None:
        """This moment: of the current stream, as soon as it gets there, or of the clock."""
        if self._on_gpu:
            self._events[name] = torch.cuda.Event(enable_timing=True)
            self._events[name].record()
        else:
            self._moments_s[name] = time.monotonic()

    def wait(self, name: str) -> None:
        """Until the moment is past."""
        if self._on_gpu:
            self._events[name].synchronize()

    def between_s(self, earlier: str, later: str) -> float:
        """The time between two moments, both of which are past."""
        if self._on_gpu:
            return self._events[earlier].elapsed_time(self._events[later]) / 1000
        return self._moments_s[later] - self._moments_s[earlier]
