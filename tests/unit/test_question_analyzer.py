"""What is asked of which frame, which frames are one look, and what comes of the answers."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from structlog.testing import capture_logs

from tests.fakes.scorer import FakeScorer, always
from tests.fakes.specs import assignment
from watchpost.analyze import captured_frame
from watchpost.contracts.records import (
    CameraId,
    CaptureReason,
    DetectedObject,
    Motion,
    Posture,
    Provenance,
    Question,
    SkipReason,
)
from watchpost.errors import BatchTooLargeError, ModelError
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.inference.calibration import Calibration, CalibrationEntry, key_of
from watchpost.inference.question_analyzer import LookRules, QuestionAnalyzer
from watchpost.inference.scaling import Scaling
from watchpost.inference.scorer import LabelScores, Look
from watchpost.inference.yolox import YoloxAnalyzer
from watchpost.simulation import Scene
from watchpost.vision.geometry import FractionBox
from watchpost.vision.recording import RecordedFrame

_DOG = Question("dog_loose", "Is a dog without a leash in the picture?", 0.7)
_BOTH = ("person_detection", "abnormal_behavior")
_BOX = FractionBox(0.4, 0.4, 0.5, 0.5)
_SEEN = Observation(
    (DetectedObject("person", _BOX, 0.9, Posture.UPRIGHT, 0.8),), (), 3, Provenance("boxes", "fp32", "d", "", "c", "v")
)


class Detector:
    """An analyzer that sees the same three people in every frame, and writes down which frames those were."""

    def __init__(self) -> None:
        self.provenance = _SEEN.provenance
        self.degraded: str | None = None
        self.seen: list[str] = []
        self.forgotten: list[CameraId] = []

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
        """The same of each."""
        self.seen += [frame.record.frame_id for frame in frames]
        return [_SEEN for _ in frames]

    def forget(self, camera: CameraId) -> None:
        """Write down which."""
        self.forgotten.append(camera)


class Full(FakeScorer):
    """A model whose memory holds one picture."""

    def score(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
        """Refuse two."""
        if len(looks) > 1:
            raise BatchTooLargeError("two pictures")
        return super().score(looks)


def frame(
    at_s: float = 0.0,
    camera: str = "door",
    *,
    tasks: tuple[str, ...] = ("person_detection", "dog_loose"),
    questions: tuple[Question, ...] = (_DOG,),
    reason: CaptureReason = CaptureReason.MOTION,
    size_px: tuple[int, int] = (640, 480),
    moved: tuple[FractionBox, ...] = (),
) -> LoadedFrame:
    """A grey frame whose camera is asked this."""
    picture = np.full((size_px[1], size_px[0], 3), 90 + round(10 * at_s) % 100, np.uint8)
    record = captured_frame(RecordedFrame(round(at_s * 10), at_s, picture), CameraId(camera))
    asked = replace(assignment(), tasks=tasks, questions=questions)
    return LoadedFrame(replace(record, assignment=asked, reason=reason, motion=Motion(0.0, moved)), picture)


def analyzer(
    scorer: FakeScorer,
    alongside: Analyzer | None = None,
    rules: LookRules | None = None,
    calibration: Calibration | None = None,
) -> QuestionAnalyzer:
    """The analyzer under test, with all that a test does not name left out."""
    return QuestionAnalyzer(scorer, alongside, calibration or Calibration(), "c", rules)


def asked_of(look: Look) -> list[str]:
    """The tasks of a look."""
    return [question.task for question in look.sheet.questions]


def test_frame_is_asked_what_its_camera_is_asked() -> None:
    scorer = FakeScorer(always(1))

    (seen,) = analyzer(scorer).analyze([frame()])

    assert asked_of(scorer.looks[0]) == ["person_detection", "dog_loose"]
    assert isinstance(seen, Observation)
    assert [(answer.task, answer.label) for answer in seen.answers] == [("person_detection", "1"), ("dog_loose", "no")]
    assert seen.person_count == 1
    assert seen.provenance.prompt_digest == scorer.looks[0].sheet.digest
    assert seen.provenance.model == "fake"


@pytest.mark.parametrize(("alongside", "asked"), [(None, ["fall_detected"]), (Detector(), [])])
def test_model_is_asked_for_falls_only_where_no_detector_sees_them(
    alongside: Detector | None, asked: list[str]
) -> None:
    scorer = FakeScorer(always(0))

    analyzer(scorer, alongside).analyze([frame(tasks=("abnormal_behavior",), questions=())])

    assert [task for look in scorer.looks for task in asked_of(look)] == asked


def test_boxes_come_from_alongside_and_the_count_from_the_answer() -> None:
    (seen,) = analyzer(FakeScorer(always(7)), Detector()).analyze([frame(tasks=_BOTH, questions=())])

    assert isinstance(seen, Observation)
    assert seen.objects == _SEEN.objects
    assert seen.person_count == 7


@pytest.mark.parametrize(
    ("tasks", "questions"),
    [(("dog_loose",), (_DOG,)), (("person_detection",), ()), (("person_detection", "dog_loose"), (_DOG,)), ((), ())],
)
def test_camera_that_needs_no_bodies_costs_no_detector(tasks: tuple[str, ...], questions: tuple[Question, ...]) -> None:
    beside = Detector()
    asking = analyzer(FakeScorer(always(1)), beside)
    falls = frame(camera="yard", tasks=("abnormal_behavior",), questions=())

    (seen, _) = asking.analyze([frame(tasks=tasks, questions=questions), falls])

    assert beside.seen == [falls.record.frame_id]
    assert isinstance(seen, Observation)
    assert seen.objects == ()
    assert seen.person_count == (1 if "person_detection" in tasks else 0)


@pytest.mark.parametrize("tasks", [("person_detection",), _BOTH])
def test_count_that_is_unsure_leaves_that_of_the_boxes(tasks: tuple[str, ...]) -> None:
    beside = Detector()
    other = frame(camera="yard", tasks=("dog_loose",))
    asked = frame(tasks=tasks, questions=())

    (_, seen) = analyzer(FakeScorer(always(1), mass=0.2), beside).analyze([other, asked])

    assert isinstance(seen, Observation)
    assert seen.answers[0].label == "unsure"
    assert seen.person_count == 3
    assert beside.seen == [asked.record.frame_id]


def test_frame_of_which_nobody_asks_anything_costs_no_look() -> None:
    scorer = FakeScorer(always(0))
    quiet = frame(tasks=(), questions=())

    assert analyzer(scorer, Detector()).analyze([frame(tasks=("abnormal_behavior",), questions=())]) == [_SEEN]
    (alone,) = analyzer(scorer).analyze([quiet])

    assert isinstance(alone, Observation)
    assert (alone.answers, alone.person_count, scorer.looks) == ((), 0, [])


def test_neighbours_of_a_camera_are_one_look_and_the_detector_sees_both() -> None:
    scorer, beside = FakeScorer(always(0)), Detector()
    frames = [
        frame(at_s, camera, tasks=_BOTH) for at_s, camera in ((0, "door"), (0, "yard"), (0.2, "door"), (0.4, "door"))
    ]

    seen = analyzer(scorer, beside, LookRules(pair_frames=True)).analyze(frames)

    assert [one if isinstance(one, SkipReason) else "seen" for one in seen] == [
        SkipReason.PAIRED,
        "seen",
        "seen",
        "seen",
    ]
    paired = [look for look in scorer.looks if look.before_bgr is not None]
    assert len(scorer.looks) == 3
    assert [(look.before_bgr is frames[0].bgr, look.bgr is frames[2].bgr) for look in paired] == [(True, True)]
    assert beside.seen == [one.record.frame_id for one in frames]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (frame(0.0), frame(1.1)),
        (frame(0.2), frame(0.0)),
        (frame(0.0), frame(0.2, size_px=(320, 240))),
        (frame(0.0), frame(0.2, questions=())),
        (frame(0.0), frame(0.2, "yard")),
        (frame(0.0, reason=CaptureReason.BURST), frame(0.2)),
        (frame(0.0), frame(0.2, reason=CaptureReason.BURST)),
        (frame(0.0, reason=CaptureReason.ON_DEMAND), frame(0.2)),
    ],
)
def test_frames_that_do_not_belong_together_are_two_looks(first: LoadedFrame, second: LoadedFrame) -> None:
    scorer = FakeScorer(always(0))

    seen = analyzer(scorer, rules=LookRules(pair_frames=True)).analyze([first, second])

    assert SkipReason.PAIRED not in seen
    assert [look.before_bgr for look in scorer.looks] == [None, None]


def test_pairs_without_questions_are_both_seen() -> None:
    frames = [frame(at_s, tasks=("abnormal_behavior",), questions=()) for at_s in (0.0, 0.2)]

    assert analyzer(FakeScorer(always(0)), Detector(), LookRules(pair_frames=True)).analyze(frames) == [_SEEN, _SEEN]


@pytest.mark.parametrize(("least_mass", "label"), [(0.25, "yes"), (0.35, "unsure")])
def test_answer_is_unsure_below_the_mass_that_the_rules_ask_for(least_mass: float, label: str) -> None:
    rules = LookRules(least_mass=least_mass)

    (seen,) = analyzer(FakeScorer(always(0), mass=0.3), rules=rules).analyze([frame(tasks=("dog_loose",))])

    assert isinstance(seen, Observation)
    assert [answer.label for answer in seen.answers] == [label]


def test_local_change_is_looked_at_pixel_by_pixel_unless_people_are_counted() -> None:
    scorer, rules = FakeScorer(always(0)), LookRules(canvases=((320, 192), (480, 352)))
    small = frame(tasks=("dog_loose",), moved=(_BOX,))
    counting = frame(tasks=("person_detection", "dog_loose"), moved=(_BOX,))

    analyzer(scorer, rules=rules).analyze([small, counting])

    assert [look.bgr.shape for look in scorer.looks] == [(192, 320, 3), (480, 640, 3)]


def test_pair_is_cut_to_what_moved_in_either() -> None:
    scorer, rules = FakeScorer(always(0)), LookRules(pair_frames=True, canvases=((320, 192), (480, 352)))
    left, right = FractionBox(0.2, 0.4, 0.3, 0.5), FractionBox(0.6, 0.4, 0.7, 0.5)
    frames = [frame(0.0, tasks=("dog_loose",), moved=(left,)), frame(0.2, tasks=("dog_loose",), moved=(right,))]

    analyzer(scorer, rules=rules).analyze(frames)

    (look,) = scorer.looks
    assert look.before_bgr is not None
    assert look.bgr.shape == look.before_bgr.shape == (352, 480, 3)


def test_frames_of_a_refused_batch_come_again_and_the_detector_sees_each_once() -> None:
    beside = Detector()
    asking = analyzer(Full(always(0)), beside)
    frames = [frame(0.0, tasks=_BOTH), frame(0.0, "yard", tasks=_BOTH)]

    with pytest.raises(BatchTooLargeError):
        asking.analyze(frames)
    again = [asking.analyze([one])[0] for one in frames]

    assert [one.objects for one in again if isinstance(one, Observation)] == [_SEEN.objects] * 2
    assert beside.seen == [one.record.frame_id for one in frames]


def test_detector_looks_while_the_model_answers() -> None:
    looking, answering = threading.Event(), threading.Event()

    class Meeting(Detector):
        def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
            looking.set()
            assert answering.wait(10)
            return super().analyze(frames)

    class Met(FakeScorer):
        def score(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
            answering.set()
            assert looking.wait(10)
            return super().score(looks)

    (seen,) = analyzer(Met(always(0)), Meeting()).analyze([frame(tasks=_BOTH)])

    assert isinstance(seen, Observation)
    assert seen.objects == _SEEN.objects


def test_detector_that_fails_takes_the_frame_with_it() -> None:
    class Broken(Detector):
        def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
            raise ModelError(f"cannot look at {len(frames)} frames")

    with pytest.raises(ModelError, match="cannot look at 1 frames"):
        analyzer(FakeScorer(always(0)), Broken()).analyze([frame(tasks=_BOTH)])


def test_answers_are_calibrated_for_their_camera() -> None:
    scorer = FakeScorer(always(0), sureness=1.0)
    analyzer(scorer).analyze([frame()])
    key = key_of(scorer.looks[0].sheet.digest, scorer.identity, "dog_loose", CameraId("door"))
    table = Calibration({key: CalibrationEntry(Scaling(1.0, -3.0), 99)})

    door, yard = analyzer(scorer, calibration=table).analyze([frame(), frame(camera="yard")])

    assert isinstance(door, Observation)
    assert isinstance(yard, Observation)
    assert [door.answers[1].label, yard.answers[1].label] == ["no", "yes"]


def test_calibration_of_other_words_is_told_once() -> None:
    scorer = FakeScorer(always(0))
    table = Calibration({key_of("old", scorer.identity, "dog_loose", None): CalibrationEntry(Scaling(2.0), 99)})
    asking = analyzer(scorer, calibration=table)

    with capture_logs() as logs:
        asking.analyze([frame(0.0)])
        asking.analyze([frame(0.2)])

    assert [(line["event"], line["task"]) for line in logs] == [("calibration_not_used", "dog_loose")]


def test_forgotten_camera_is_forgotten_alongside_too() -> None:
    beside = Detector()

    analyzer(FakeScorer(always(0)), beside).forget(CameraId("door"))

    assert beside.forgotten == [CameraId("door")]


def test_tracks_of_the_real_detector_stay_whole_across_pairs(fresh_analyzer: Callable[[], YoloxAnalyzer]) -> None:
    shots = [
        RecordedFrame(round(10 * shot.time_s), shot.time_s, shot.bgr)
        for shot in islice(Scene.from_uri("sim:street?seed=4&people=2&seconds=30&fps=5").frames(), 20, 24)
    ]
    frames = [LoadedFrame(captured_frame(shot, CameraId("door")), shot.bgr) for shot in shots]

    seen = analyzer(FakeScorer(always(0)), fresh_analyzer(), LookRules(pair_frames=True)).analyze(frames)

    plain = fresh_analyzer().analyze(frames)
    assert [one if isinstance(one, SkipReason) else one.objects for one in seen] == [
        SkipReason.PAIRED,
        plain[1].objects,
        SkipReason.PAIRED,
        plain[3].objects,
    ]
