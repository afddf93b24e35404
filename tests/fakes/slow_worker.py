"""An inference worker as a process of its own, real but for its analyzer, which a test holds, lets go and kills.

with SlowWorker(config, folder) as worker:
    worker.hold()                                # it looks on until it is let go
    wait_for(lambda: worker.steps("look"))
    worker.let_go()
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from watchpost.contracts.records import CameraId, ImageRef, Provenance, Record, SkipReason
from watchpost.frames import FrameStore
from watchpost.inference import pipeline
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.inference.stages import StageListener
from watchpost.settings import SiteSettings, load_settings
from watchpost.stream import RecordConsumer, RecordProducer

__all__ = ["SlowWorker"]

_PROVENANCE = Provenance("slow", "fp32", "sha256:0", "", "1", "1")


class SlowWorker:
    """The worker's process. What it does it writes down, a line a step: `look`, `seen` and `loaded` name frames."""

    def __init__(self, config: Path, folder: Path) -> None:
        self._config, self._folder = config, folder
        self._folder.mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self, dies_at: str = "") -> None:
        """Start it (again). It ends itself as kill -9 does when it comes to the step `dies_at` for the third time."""
        command = [sys.executable, "-m", "tests.fakes.slow_worker", str(self._config), str(self._folder), dies_at]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it with kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait_until_dead(self, within_s: float = 60.0) -> int:
        """Its exit code, once it has ended itself."""
        assert self._process is not None
        return self._process.wait(within_s)

    def hold(self) -> None:
        """Let it look on and on."""
        (self._folder / "hold").touch()

    def let_go(self) -> None:
        """Let it see."""
        (self._folder / "hold").unlink()

    def lines(self) -> list[list[str]]:
        """All that it did in all its lives: the step, and the frames."""
        written = self._folder / "steps"
        return [line.split() for line in written.read_text().splitlines()] if written.exists() else []

    def steps(self, step: str) -> list[list[str]]:
        """The frames of each time that it came to a step."""
        return [frames for name, *frames in self.lines() if name == step]


class _Steps:
    """Writes down what the process does, and ends it at one of its steps."""

    def __init__(self, folder: Path, dies_at: str) -> None:
        self.folder = folder
        self._dies_at, self._left = dies_at, 3
        self._file = os.open(folder / "steps", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, step: str, *frames: str) -> None:
        os.write(self._file, f"{' '.join([step, *frames])}\n".encode())
        if step == self._dies_at:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


class _SlowAnalyzer:
    """Sees nothing in anything, 20 ms later or when it is let go."""

    provenance = _PROVENANCE
    degraded = None

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        names = [frame.record.frame_id for frame in frames]
        self._steps("look", *names)
        time.sleep(0.02)
        while (self._steps.folder / "hold").exists():
            time.sleep(0.005)
        self._steps("seen", *names)
        return [Observation((), (), 0, _PROVENANCE) for _ in frames]

    def forget(self, camera: CameraId) -> None:
        self._steps("forget", camera)


def _work(settings: SiteSettings, steps: _Steps) -> None:
    """The real worker, whose steps are written down."""
    sent: list[str] = []
    load, send, flush, commit = FrameStore.load_bgr, RecordProducer.send, RecordProducer.flush, RecordConsumer.commit

    def load_told(store: FrameStore, image: ImageRef) -> Any:
        pixels = load(store, image)
        steps("loaded", Path(image.uri).stem)
        return pixels

    def send_told(producer: RecordProducer, topic: str, record: Record, **options: Any) -> None:
        send(producer, topic, record, **options)
        sent.append(getattr(record, "frame_id", ""))

    def flush_told(producer: RecordProducer, timeout_s: float = 30.0) -> None:
        if sent:
            steps("sent", *sent)
        flush(producer, timeout_s)
        if sent:
            steps("flushed", *sent)

    def commit_told(consumer: RecordConsumer[Any], unanswered: Any = ()) -> None:
        commit(consumer, unanswered)
        if sent:
            steps("committed", *sent)
        sent.clear()

    def build(_settings: SiteSettings, _told: StageListener) -> Analyzer:
        return _SlowAnalyzer(steps)

    with (
        patch.object(FrameStore, "load_bgr", load_told),
        patch.object(RecordProducer, "send", send_told),
        patch.object(RecordProducer, "flush", flush_told),
        patch.object(RecordConsumer, "commit", commit_told),
    ):
        pipeline.run(settings, build)


if __name__ == "__main__":
    _work(load_settings(Path(sys.argv[1])), _Steps(Path(sys.argv[2]), sys.argv[3]))
