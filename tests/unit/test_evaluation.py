"""Evaluations and calibrations of a fake model on pictures whose truth is known."""

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.labelled import DOG, Labelled, seen_in, write_labels
from tests.fakes.scorer import FakeScorer, Pixels
from watchpost.contracts.records import CameraId
from watchpost.errors import BatchTooLargeError, ConfigError
from watchpost.evaluation.commands import BuildScorer, calibrate, evaluate, precisions_of, with_model
from watchpost.evaluation.reports import TaskReport
from watchpost.inference.calibration_file import calibration_path, read_calibration
from watchpost.inference.questions import AskedQuestion
from watchpost.inference.scorer import LabelScores, Look, Scorer, ScorerIdentity
from watchpost.settings import SiteSettings, settings_from


def settings(tmp_path: Path) -> SiteSettings:
    """A site whose state lies in the test's folder, with a model that is no detector."""
    return with_model(settings_from({"state_dir": str(tmp_path / "state")}), "qwen3-vl-4b")


def build(scorer: Scorer) -> BuildScorer:
    """The one model, whatever is asked for."""
    return lambda _settings: scorer


def dogs(number: int, cameras: tuple[str, ...] = ("door",)) -> list[Labelled]:
    """Every second picture has a dog; cameras take turns by twos."""
    return [Labelled(cameras[place // 2 % len(cameras)], dog=place % 2 == 0) for place in range(number)]


def misled(share: float) -> FakeScorer:
    """A model that is quite sure of each answer, and wrong in this share."""
    numbers = count()

    def sees(picture: Pixels, question: AskedQuestion) -> int:
        wrong = np.random.default_rng(next(numbers)).random() < share
        right = seen_in(picture, question)
        return 1 - right if wrong else right

    return FakeScorer(sees, sureness=4.0, noise=0.3)


def report_of(task: str, labels: Path, tmp_path: Path, scorer: Scorer) -> TaskReport:
    """The report of one task."""
    (run,) = evaluate(labels, settings(tmp_path), build(scorer)).runs
    return next(report for report in run.reports if report.task == task)


def test_model_that_sees_right_is_right_in_all_figures(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, [Labelled(people=n % 12, dog=n % 3 == 0) for n in range(48)], [DOG])
    scorer = FakeScorer(seen_in)

    dog = report_of("dog_loose", labels, tmp_path, scorer)
    people = report_of("person_detection", labels, tmp_path, scorer)

    assert (dog.n, dog.precision, dog.recall, dog.f1, dog.average_precision) == (48, 1, 1, 1, 1)
    assert (people.precision, people.recall, people.average_precision, people.abstained) == (1, 1, 1, 0)
    assert people.mean_absolute_error == pytest.approx(4 / 48)  # eleven are counted as ten and more


def test_threshold_of_the_task_decides_what_is_said(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(20), [{**DOG, "threshold": 0.999}])

    dog = report_of("dog_loose", labels, tmp_path, FakeScorer(seen_in))

    assert (dog.precision, dog.recall, dog.average_precision) == (None, 0, 1)


def test_model_that_would_say_something_else_abstains(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(20), [DOG])

    dog = report_of("dog_loose", labels, tmp_path, FakeScorer(seen_in, mass=0.3))

    assert (dog.abstained, dog.recall, dog.average_precision, dog.ece_before) == (1, 0, None, None)


def test_site_that_is_content_with_less_evidence_is_judged_so(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(20), [DOG])
    told = settings(tmp_path)
    content = told.model_copy(update={"inference": told.inference.model_copy(update={"unsure_below": 0.2})})

    (run,) = evaluate(labels, content, build(FakeScorer(seen_in, mass=0.3))).runs

    assert [(report.task, report.abstained, report.recall) for report in run.reports] == [("dog_loose", 0, 1)]


def test_calibration_error_is_told_before_and_after_on_pictures_held_out(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(400), [DOG])

    dog = report_of("dog_loose", labels, tmp_path, misled(0.25))

    assert dog.ece_before is not None
    assert dog.ece_after is not None
    assert dog.ece_before > 0.15
    assert dog.ece_after < dog.ece_before / 2


def test_batch_that_does_not_fit_is_asked_in_parts(tmp_path: Path) -> None:
    class Small(FakeScorer):
        def score(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
            if len(looks) > 1:
                raise BatchTooLargeError("two pictures")
            return super().score(looks)

    scorer = Small(seen_in)

    assert report_of("dog_loose", write_labels(tmp_path, dogs(20), [DOG]), tmp_path, scorer).f1 == 1
    assert len(scorer.looks) == 20


def test_precisions_and_orders_stand_side_by_side(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(40), [DOG])

    def rounded(picture: Pixels, question: AskedQuestion) -> int:
        return 1 - seen_in(picture, question) if picture[0, 0, 0] < 4 else seen_in(picture, question)

    def built(told: SiteSettings) -> Scorer:
        precision = told.model_params.precision or ""
        identity = ScorerIdentity(told.model_params.model, precision, "sha256:1")
        return FakeScorer(rounded if precision == "int4" else seen_in, identity=identity)

    told = with_model(settings(tmp_path), "qwen3-vl-4b-int8")
    found = evaluate(labels, told, built, precisions_of("fp16,int4"))

    assert [run.name for run in found.runs] == [
        "qwen3-vl-4b fp16 questions_first",
        "qwen3-vl-4b fp16 image_first",
        "qwen3-vl-4b int4 questions_first",
        "qwen3-vl-4b int4 image_first",
    ]
    assert [(one.agreement, one.flips) for one in found.agreements] == [(1, 0), (0.9, 4), (0.9, 4)]
    assert found.runs[0].as_plain()["prompt_digests"] != found.runs[1].as_plain()["prompt_digests"]
    assert json.loads(json.dumps(found.as_plain()))["frames"] == 40
    assert "int4 image_first against qwen3-vl-4b fp16 questions_first: dog_loose: 90.0%" in found.lines()[-1]


def test_calibration_is_written_and_is_in_force_in_the_next_evaluation(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(400, ("door", "yard")), [DOG])
    told = settings(tmp_path)

    done = calibrate(labels, told, build(misled(0.25)))
    (run,) = evaluate(labels, told, build(misled(0.25))).runs

    assert [fit.key.camera for fit in done.fits] == [None, "door", "yard"]
    assert [fit.entry.samples for fit in done.fits] == [400, 200, 200]
    assert read_calibration(calibration_path(told.state_dir)).entries == {fit.key: fit.entry for fit in done.fits}
    assert all(fit.entry.scaling.temperature > 2 for fit in done.fits)
    assert max(one.yes for one in run.judged if one.yes is not None) < 0.9


def test_camera_alone_is_calibrated_and_others_entries_stay(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(400, ("door", "yard")), [DOG])
    told = settings(tmp_path)

    calibrate(labels, told, build(misled(0.25)), camera="door")
    calibrate(labels, told, build(misled(0.25)), camera="yard")

    assert [key.camera for key in read_calibration(calibration_path(told.state_dir)).entries] == ["door", "yard"]


def test_camera_of_the_site_is_asked_what_it_is_asked_there(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, [Labelled(camera, dog=True) for camera in ("door", "elsewhere")])
    site = {"tasks": [DOG], "cameras": {"door": {"source": "sim:street", "tasks": ["person_detection", "dog_loose"]}}}
    scorer = FakeScorer(seen_in)

    evaluate(labels, with_model(settings_from(site), "qwen3-vl-4b"), build(scorer))

    asked = [[question.task for question in look.sheet.questions] for look in scorer.looks]
    assert asked == [["person_detection", "dog_loose"], ["dog_loose"]]


def test_task_that_nothing_answers_is_named(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, [Labelled(dog=True, people=1)], [DOG])
    site = {"cameras": {"door": {"source": "sim:street", "tasks": ["person_detection"]}}}

    found = evaluate(labels, with_model(settings_from(site), "qwen3-vl-4b"), build(FakeScorer(seen_in)))

    assert found.runs[0].unanswered == ("dog_loose",)
    assert "dog_loose is labelled, and nothing answers it" in found.lines()


def test_too_few_labels_are_told(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(19), [DOG])

    with pytest.raises(ConfigError, match=r"20 answers with evidence are needed of a task, and the most .* are 19"):
        calibrate(labels, settings(tmp_path), build(FakeScorer(seen_in)))


def test_unknown_camera_is_told(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(100), [DOG])

    with pytest.raises(ConfigError, match="of a task of camera roof"):
        calibrate(labels, settings(tmp_path), build(FakeScorer(seen_in)), camera=CameraId("roof"))


def test_detector_is_neither_compared_nor_calibrated(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, dogs(20), [DOG])
    told = with_model(settings(tmp_path), "yolox-nano")

    with pytest.raises(ConfigError, match="a detector has one precision and no prompt"):
        evaluate(labels, told, build(FakeScorer(seen_in)), ("fp16",))
    with pytest.raises(ConfigError, match="yolox-nano weighs no answers"):
        calibrate(labels, told, build(FakeScorer(seen_in)))


def test_precision_that_is_none_is_told() -> None:
    assert precisions_of(None) == ()
    with pytest.raises(ConfigError, match="'int3' is no precision"):
        precisions_of("fp16,int3")
