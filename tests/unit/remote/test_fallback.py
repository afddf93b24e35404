"""Frames are answered while the model server is away: by the detector alongside, which says so."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.openai_server import Mode, OpenAiServer
from tests.fakes.specs import assignment
from tests.waiting import wait_for
from watchpost.analyze import captured_frame
from watchpost.contracts.records import CameraId, Provenance, Question
from watchpost.errors import ModelError, RetryableError
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.calibration import Calibration
from watchpost.inference.question_analyzer import QuestionAnalyzer
from watchpost.inference.remote import RemoteScorer
from watchpost.settings import RemoteSettings
from watchpost.vision.recording import RecordedFrame

BRIGHT = Question("bright", "Is it bright?", 0.7)
SEEN = Observation((), (), 3, Provenance("yolox-nano", "fp32", "d", "", "c", "v"))


class Detector:
    """Sees three people in every frame."""

    provenance = SEEN.provenance
    degraded: str | None = None

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
        """The same of each."""
        return [SEEN for _ in frames]

    def forget(self, camera: CameraId) -> None:
        """Nothing was remembered."""


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with OpenAiServer() as running:
        yield running


@pytest.fixture
def scorer(server: OpenAiServer) -> Iterator[RemoteScorer]:
    made = RemoteScorer(RemoteSettings(url=server.url, model=server.model, timeout_s=0.3))
    yield made
    made.close()


def frame() -> LoadedFrame:
    """A bright frame whose camera counts people and asks whether it is bright."""
    picture = np.full((360, 640, 3), 230, np.uint8)
    record = captured_frame(RecordedFrame(0, 0.0, picture), CameraId("door"))
    asked = replace(assignment(), tasks=("person_detection", "bright"), questions=(BRIGHT,))
    return LoadedFrame(replace(record, assignment=asked), picture)


def analyzer(scorer: RemoteScorer, *, falls_back: bool) -> QuestionAnalyzer:
    return QuestionAnalyzer(scorer, Detector(), Calibration(), "c", falls_back=falls_back)


def test_server_that_answers_is_what_counts(scorer: RemoteScorer) -> None:
    asking = analyzer(scorer, falls_back=True)

    (seen,) = asking.analyze([frame()])

    assert isinstance(seen, Observation)
    assert [(answer.task, answer.label) for answer in seen.answers] == [("person_detection", "1"), ("bright", "yes")]
    assert (seen.person_count, seen.provenance.model, asking.degraded) == (1, "tiny-vl", None)


@pytest.mark.parametrize("mode", [Mode.BROKEN, Mode.HANGS, Mode.BUSY, Mode.NO_LOGPROBS, Mode.GARBAGE])
def test_frames_are_answered_by_the_detector_while_the_server_fails(
    server: OpenAiServer, scorer: RemoteScorer, mode: Mode
) -> None:
    asking, server.mode = analyzer(scorer, falls_back=True), mode

    seen = asking.analyze([frame(), frame()])

    assert seen == [SEEN, SEEN]
    assert asking.degraded is not None
    assert asking.degraded.startswith("the model does not answer, the detector does: remote.")


def test_answers_come_again_with_the_server(server: OpenAiServer, scorer: RemoteScorer) -> None:
    asking, server.mode = analyzer(scorer, falls_back=True), Mode.BROKEN
    for _ in range(4):
        asking.analyze([frame()])
    server.mode = Mode.WELL

    (seen,) = wait_for(lambda: asking.analyze([frame()]), lambda found: found != [SEEN], within_s=5)

    assert isinstance(seen, Observation)
    assert len(seen.answers) == 2
    assert asking.degraded is None


@pytest.mark.parametrize(("mode", "error"), [(Mode.BROKEN, RetryableError), (Mode.NO_LOGPROBS, ModelError)])
def test_failure_is_raised_where_no_fallback_is_wanted(
    server: OpenAiServer, scorer: RemoteScorer, mode: Mode, error: type[Exception]
) -> None:
    asking, server.mode = analyzer(scorer, falls_back=False), mode

    with pytest.raises(error):
        asking.analyze([frame()])


def test_fallback_without_a_detector_is_refused(scorer: RemoteScorer) -> None:
    with pytest.raises(ValueError, match="nothing alongside"):
        QuestionAnalyzer(scorer, None, Calibration(), "c", falls_back=True)
