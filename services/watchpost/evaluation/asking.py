"""Puts the questions of labelled pictures to a model, or shows them to an analyzer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from watchpost.analyze import captured_frame
from watchpost.contracts.records import Answer, Assignment, CameraId, Posture, Task
from watchpost.errors import BatchTooLargeError
from watchpost.evaluation.labels import LabelledFrame, Labels
from watchpost.evaluation.pictures import shots_of
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.inference.answering import LEAST_MASS, UNSURE, answer_of, probability_of_yes
from watchpost.inference.asking import sheet_of
from watchpost.inference.calibration import Calibration
from watchpost.inference.fitting import LabelledScores
from watchpost.inference.questions import COUNT_PEOPLE, FALLEN_PERSON, AnswerKind, PromptOrder, QuestionSheet
from watchpost.inference.scaling import probabilities
from watchpost.inference.scorer import LabelScores, Look, Scorer

__all__ = ["Judged", "assignments_of", "judged_by_analyzer", "judged_by_scorer"]

_BATCH = 8
# what a camera's memory needs to be as it is at a site
_CONTEXT_FPS = 5.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One task's answer to one labelled picture.

    Args:
        frame: the picture and its labels.
        task: of whose answer this is.
        answer: with the calibration that is in force.
        yes: P(yes), of a count P(anybody), likewise; None where the answer is unsure, or an analyzer's count.
        sample: the model's scores before that, and the truth; None of an analyzer.
        prompt_digest: of all that was asked of the picture.

    """

    frame: LabelledFrame
    task: str
    answer: Answer
    yes: float | None
    sample: LabelledScores | None
    prompt_digest: str

    @property
    def truth(self) -> int | bool:
        """What is true."""
        return self.frame.truth[self.task]


def assignments_of(labels: Labels, configured: Mapping[CameraId, Assignment]) -> dict[CameraId, Assignment]:
    """What is asked of each camera: what the site asks of it, and of one that it does not know, all that is labelled.

    A calibration holds for one wording of all questions together: a camera is asked here what it is asked there.
    """
    falls = (Task.ABNORMAL_BEHAVIOR,) if FALLEN_PERSON.task in labels.tasks else ()
    counts = (Task.PERSON_DETECTION,) if COUNT_PEOPLE.task in labels.tasks else ()
    worded = tuple(labels.questions[task] for task in labels.tasks if task in labels.questions)
    names = (*counts, *falls, *(question.name for question in worded))
    everything = Assignment(names, (), bandwidth_saving=True, thumbnail_interval_s=0, questions=worded)
    return {frame.camera: configured.get(frame.camera, everything) for frame in labels.frames}


def judged_by_scorer(
    scorer: Scorer,
    labels: Labels,
    assignments: Mapping[CameraId, Assignment],
    calibration: Calibration,
    order: PromptOrder = PromptOrder.QUESTIONS_FIRST,
    least_mass: float = LEAST_MASS,
) -> list[Judged]:
    """An answer for each label whose task is asked of its camera; `unsure` as `answer_of` says."""
    asks_falls = FALLEN_PERSON.task in labels.tasks
    sheets = {
        camera: sheet_of(asked.tasks, asked.questions, asks_falls=asks_falls, order=order)
        for camera, asked in assignments.items()
    }
    looks = (
        (labelled, Look(shot.bgr, sheet))
        for camera, shots in shots_of(labels.frames, None)
        for shot, labelled in shots
        if labelled is not None and (sheet := sheets[camera]) is not None
    )
    judged: list[Judged] = []
    while batch := list(islice(looks, _BATCH)):
        for (frame, look), scores in zip(batch, _scored(scorer, [look for _, look in batch]), strict=True):
            judged += _answers(frame, look.sheet, scores, scorer, calibration, least_mass)
    return judged


def judged_by_analyzer(analyzer: Analyzer, labels: Labels, assignments: Mapping[CameraId, Assignment]) -> list[Judged]:
    """The same of an analyzer, which is shown clips as a site shows them: 5 frames a second and those with labels."""
    judged: list[Judged] = []
    for camera, shots in shots_of(labels.frames, _CONTEXT_FPS):
        analyzer.forget(camera)
        for shot, labelled in shots:
            record = replace(captured_frame(shot, camera), assignment=assignments[camera])
            (seen,) = analyzer.analyze([LoadedFrame(record, shot.bgr)])
            if labelled is not None and isinstance(seen, Observation):
                judged += _observed(labelled, seen)
    return judged


def _scored(scorer: Scorer, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
    try:
        return scorer.score(looks)
    except BatchTooLargeError:
        if len(looks) == 1:
            raise
    half = len(looks) // 2
    return [*_scored(scorer, looks[:half]), *_scored(scorer, looks[half:])]


def _answers(
    frame: LabelledFrame,
    sheet: QuestionSheet,
    scores: Sequence[LabelScores],
    scorer: Scorer,
    calibration: Calibration,
    least_mass: float,
) -> Iterator[Judged]:
    digest = sheet.digest
    for question, its in zip(sheet.questions, scores, strict=True):
        if question.task in frame.truth:
            scaling = calibration.scaling(digest, scorer.identity, question.task, frame.camera)
            place = _place(question.kind, frame.truth[question.task])
            sample = LabelledScores(question.kind, its, place, frame.camera, str(frame.path))
            answer = answer_of(question, its, scaling, least_mass)
            first = probabilities(its, scaling)[0]  # of yes, or of nobody
            yes = first if question.kind is AnswerKind.YES_NO else 1 - first
            yield Judged(frame, question.task, answer, None if answer.label == UNSURE else yes, sample, digest)


def _place(kind: AnswerKind, truth: int | bool) -> int:  # noqa: FBT001  (a label is true or false)
    if kind is AnswerKind.YES_NO:
        return 0 if truth else 1
    return min(int(truth), len(kind.labels) - 1)


def _observed(frame: LabelledFrame, seen: Observation) -> Iterator[Judged]:
    said = {answer.task: answer for answer in seen.answers}
    lying = max((one.posture_score for one in seen.objects if one.posture is Posture.LYING), default=None)
    said.setdefault(COUNT_PEOPLE.task, Answer(COUNT_PEOPLE.task, str(seen.person_count), 1.0))
    said.setdefault(
        FALLEN_PERSON.task,
        Answer(FALLEN_PERSON.task, "no", 1.0) if lying is None else Answer(FALLEN_PERSON.task, "yes", lying),
    )
    for task in frame.truth:
        if task in said:
            yes = None if task == COUNT_PEOPLE.task else probability_of_yes(said[task])
            yield Judged(frame, task, said[task], yes, None, seen.provenance.prompt_digest)
