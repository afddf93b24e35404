"""The analyzer that puts questions to a model, with a detector alongside for boxes and postures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import structlog

from watchpost.contracts.records import Answer, CameraId, Provenance, SkipReason
from watchpost.errors import BatchTooLargeError, ModelError, RetryableError
from watchpost.inference.alongside import Alongside
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.inference.answering import LEAST_MASS, answer_of, person_count
from watchpost.inference.asking import asks_for_bodies, sheet_of
from watchpost.inference.calibration import Calibration
from watchpost.inference.pairing import pairs_of
from watchpost.inference.questions import COUNT_PEOPLE, FALLEN_PERSON, PromptOrder, QuestionSheet
from watchpost.inference.scorer import LabelScores, Look, Scorer
from watchpost.vision.canvas_crops import Canvas, changed_part

__all__ = ["LookRules", "QuestionAnalyzer"]

_LOG = structlog.get_logger()
# who is counted may stand still, and who lies still changes nothing
_WHOLE_PICTURE = frozenset({COUNT_PEOPLE.task, FALLEN_PERSON.task})


@dataclass(frozen=True, slots=True)
class LookRules:
    """How frames become looks, and what looks say answers.

    Args:
        pair_frames: whether two neighbours of a camera are one look; the earlier one is then answered `paired`.
        canvases: what a picture that changed in one place may be cut to; none: it never is.
        order: where the questions stand.
        least_mass: an answer is unsure where less probability lies on all that may be answered.

    """

    pair_frames: bool = False
    canvases: tuple[Canvas, ...] = ()
    order: PromptOrder = PromptOrder.QUESTIONS_FIRST
    least_mass: float = LEAST_MASS


class QuestionAnalyzer:
    """Asks of each frame what its camera's tasks ask.

    Args:
        scorer: weighs the answers.
        alongside: finds people and postures while the model answers, where a camera's tasks need them, and counts where
            the model is unsure; without it the model is asked for falls too.
        calibration: what the weights are corrected by.
        config_version: of what it was told.
        rules: how frames become looks.
        falls_back: answer as the detector alongside does alone while the model cannot, and say so by `degraded`.

    """

    def __init__(
        self,
        scorer: Scorer,
        alongside: Analyzer | None,
        calibration: Calibration,
        config_version: str,
        rules: LookRules | None = None,
        *,
        falls_back: bool = False,
    ) -> None:
        if falls_back and alongside is None:
            raise ValueError("there is nothing alongside to fall back to")
        self._falls_back = falls_back
        self._unanswered: str | None = None
        self._scorer = scorer
        self._alongside = Alongside(alongside) if alongside else None
        self._calibration = calibration
        self._rules = rules or LookRules()
        self._told: set[tuple[str, str]] = set()
        identity = scorer.identity
        digests = (identity.digest, *([alongside.provenance.model_digest] if alongside else []))
        self.provenance = Provenance(
            identity.model, identity.precision, ",".join(digests), "", config_version, version("watchpost")
        )

    @property
    def degraded(self) -> str | None:
        """Why it does less than it should."""
        return self._unanswered or (self._alongside.analyzer.degraded if self._alongside else None)

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        """One observation per frame, in the same order; `PAIRED` for the earlier frame of a pair.

        Raises what the scorer raises. The same frames may come again: the detector does not see them twice.
        """
        sheets = [self._sheet(frame) for frame in frames]
        pairs = pairs_of(frames) if self._rules.pair_frames else {}
        earlier = {before for place, before in pairs.items() if sheets[place] is not None}
        asked = [(place, sheet) for place, sheet in enumerate(sheets) if sheet is not None and place not in earlier]
        looks = [
            self._look(frames[place], frames[pairs[place]] if place in pairs else None, sheet) for place, sheet in asked
        ]
        scores, beside = self._scored(looks, frames)
        if scores is None:
            self._see_too(range(len(frames)), frames, beside)
            return [self._observation(None, (), seen) for seen in beside]
        answers = {
            place: self._answers(sheet, its, frames[place].record.camera)
            for (place, sheet), its in zip(asked, scores, strict=True)
        }
        self._see_too([place for place, sheet in asked if _leaves_count_open(sheet, answers[place])], frames, beside)
        return [
            SkipReason.PAIRED if place in earlier else self._observation(sheets[place], answers.get(place, ()), seen)
            for place, seen in enumerate(beside)
        ]

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera."""
        if self._alongside:
            self._alongside.forget(camera)

    def _scored(
        self, looks: Sequence[Look], frames: Sequence[LoadedFrame]
    ) -> tuple[list[tuple[LabelScores, ...]] | None, list[Observation | SkipReason | None]]:
        """The scores of each look (None: falls back), and what was seen alongside in each frame that needs it."""
        beside: list[Observation | SkipReason | None] = [None] * len(frames)
        places = [place for place, frame in enumerate(frames) if asks_for_bodies(frame.record.assignment)]
        watched = [frames[place] for place in places]
        seen = self._alongside.begin(watched) if self._alongside and watched else None
        try:
            scores = self._answered(looks)
        except Exception:
            if self._alongside and seen:
                self._alongside.keep(watched, seen)
            raise
        for place, its in zip(places, seen.result() if seen else (), strict=False):
            beside[place] = its
        return scores, beside

    def _see_too(
        self, places: Sequence[int], frames: Sequence[LoadedFrame], beside: list[Observation | SkipReason | None]
    ) -> None:
        """Let the detector look at frames for which the model has no answer, unless it has."""
        unseen = [place for place in places if beside[place] is None]
        if self._alongside and unseen:
            found = self._alongside.begin([frames[place] for place in unseen]).result()
            for place, seen in zip(unseen, found, strict=True):
                beside[place] = seen

    def _answered(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]] | None:
        if not looks:
            return []
        try:
            scores = self._scorer.score(looks)
        except BatchTooLargeError:
            raise
        except (ModelError, RetryableError) as error:
            if not self._falls_back:
                raise
            self._unanswered = f"the model does not answer, the detector does: {error}"
            return None
        self._unanswered = None
        return scores

    def _sheet(self, frame: LoadedFrame) -> QuestionSheet | None:
        assignment = frame.record.assignment
        return sheet_of(
            assignment.tasks, assignment.questions, asks_falls=self._alongside is None, order=self._rules.order
        )

    def _look(self, frame: LoadedFrame, before: LoadedFrame | None, sheet: QuestionSheet) -> Look:
        cut = None
        if all(question.task not in _WHOLE_PICTURE for question in sheet.questions):
            changed = (*frame.record.motion.boxes, *(before.record.motion.boxes if before else ()))
            height_px, width_px = frame.bgr.shape[:2]
            cut = changed_part((width_px, height_px), changed, self._rules.canvases, frame.record.roi)

        def seen(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
            if cut is None:
                return picture
            return np.ascontiguousarray(picture[int(cut.y0) : int(cut.y1), int(cut.x0) : int(cut.x1)])

        return Look(seen(frame.bgr), sheet, seen(before.bgr) if before else None)

    def _answers(self, sheet: QuestionSheet, scores: Sequence[LabelScores], camera: CameraId) -> tuple[Answer, ...]:
        digest = sheet.digest
        for question in sheet.questions:
            self._tell_if_outdated(digest, question.task)
        return tuple(
            answer_of(
                question,
                its,
                self._calibration.scaling(digest, self._scorer.identity, question.task, camera),
                self._rules.least_mass,
            )
            for question, its in zip(sheet.questions, scores, strict=True)
        )

    def _tell_if_outdated(self, digest: str, task: str) -> None:
        if (digest, task) in self._told:
            return
        self._told.add((digest, task))
        if self._calibration.is_outdated(digest, self._scorer.identity, task):
            _LOG.warning(
                "calibration_not_used",
                task=task,
                reason="it is of other questions or another model",
                remedy="calibrate",
            )

    def _observation(
        self, sheet: QuestionSheet | None, answers: tuple[Answer, ...], seen: Observation | SkipReason | None
    ) -> Observation | SkipReason:
        if sheet is None:
            return Observation((), (), 0, self.provenance) if seen is None else seen
        beside = seen if isinstance(seen, Observation) else None
        counted = person_count(answers)
        if counted is None:
            counted = beside.person_count if beside else 0
        provenance = replace(self.provenance, prompt_digest=sheet.digest)
        return Observation(beside.objects if beside else (), answers, counted, provenance)


def _leaves_count_open(sheet: QuestionSheet, answers: tuple[Answer, ...]) -> bool:
    return COUNT_PEOPLE in sheet.questions and person_count(answers) is None
