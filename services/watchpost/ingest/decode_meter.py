"""Shows how much of a camera is decoded, why, and what it costs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from watchpost.contracts.records import CameraId
from watchpost.ingest.decode_choice import Choice, DecodeMode
from watchpost.telemetry import metrics

__all__ = ["DecodeMeter"]


class DecodeMeter:
    """One camera's metrics. For the camera's thread, whose CPU time is the cost."""

    def __init__(self, camera: CameraId) -> None:
        self._camera = camera
        self._choice: Choice | None = None
        self._false_wakes = 0
        self._cost: Counter | None = None

    @contextmanager
    def under(self, choice: Choice, *, decodes: bool) -> Iterator[None]:
        """What is done inside the block is done under this choice; not timed where nothing is decoded.

        Of a quiet camera that is 49 packets of 50, and asking for a thread's time costs more than passing one over.
        """
        if choice != self._choice or self._cost is None:
            self._turn(choice)
            self._cost = metrics.DECODE_CPU_SECONDS.labels(self._camera, choice.mode, choice.cause)
        if not decodes:
            yield
            return
        began_s = time.thread_time()
        try:
            yield
        finally:
            self._cost.inc(time.thread_time() - began_s)

    def false_wakes(self, so_far: int) -> None:
        """So many times packets woke the camera for nothing."""
        if so_far != self._false_wakes:
            metrics.CAMERA_WAKES_FALSE.labels(self._camera).inc(so_far - self._false_wakes)
            self._false_wakes = so_far

    def _turn(self, choice: Choice) -> None:
        before, self._choice = self._choice, choice
        for mode in DecodeMode:
            metrics.DECODE_MODE.labels(self._camera, mode).set(mode is choice.mode)
        if before is not None and before.mode is DecodeMode.IDLE and choice.mode is not DecodeMode.IDLE:
            metrics.CAMERA_WAKES.labels(self._camera, choice.cause).inc()
