"""Says what calls ask of a stream, each by itself and all that share its camera together.

wish = CallWish(source, asked, UplinkMode.SAMPLED, thumbnail_interval_s=10)
joint_assignment([wish.assignment, another.assignment])      # what serves both
"""

from collections.abc import Iterable
from dataclasses import dataclass

from watchpost.api.problems import ProblemKind, problem
from watchpost.api.source_guard import GuardedSource
from watchpost.contracts.asking import MOST_QUESTIONS
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import Assignment, Question
from watchpost.settings import Asked

__all__ = ["CallWish", "check_askable", "joint_assignment"]

# each sends what those before it send, and more
_FROM_LEAST = (UplinkMode.METADATA, UplinkMode.DIFFERENTIAL, UplinkMode.SAMPLED, UplinkMode.FULL)


@dataclass(frozen=True, slots=True)
class CallWish:
    """What one call asks of a stream."""

    source: GuardedSource
    asked: Asked
    uplink: UplinkMode
    thumbnail_interval_s: float

    @property
    def assignment(self) -> Assignment:
        """The same as what travels with each frame."""
        return Assignment(
            tasks=self.asked.tasks,
            zones=(),
            bandwidth_saving=self.uplink is not UplinkMode.FULL,
            thumbnail_interval_s=self.thumbnail_interval_s,
            questions=self.asked.questions,
            uplink=self.uplink,
        )


def check_askable(joint: Assignment) -> None:
    """Raise CallError where calls that share a camera cannot all be served."""
    names = [question.name for question in joint.questions]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            raise problem(
                ProblemKind.INVALID_REQUEST,
                f"another call asks something else of this stream as {name!r}",
                field="tasks",
                remedy="choose another name",
            )
    if len(joint.tasks) > MOST_QUESTIONS:
        raise problem(
            ProblemKind.INVALID_REQUEST,
            f"with what other calls ask of this stream these are {len(joint.tasks)} tasks",
            field="tasks",
            remedy=f"a picture can be asked {MOST_QUESTIONS}; leave some out, or call again when another call is over",
        )


def joint_assignment(asked: Iterable[Assignment]) -> Assignment:
    """What serves all of these at once: every task, the shortest interval, and the most pictures that anybody wants."""
    every = list(asked)
    uplink = max((one.uplink_mode for one in every), key=_FROM_LEAST.index)
    return Assignment(
        tasks=tuple(sorted({task for one in every for task in one.tasks})),
        zones=(),
        bandwidth_saving=uplink is not UplinkMode.FULL,
        thumbnail_interval_s=min(one.thumbnail_interval_s for one in every),
        questions=tuple(sorted({question for one in every for question in one.questions}, key=_by_name)),
        uplink=uplink,
    )


def _by_name(question: Question) -> tuple[str, str, float]:
    return question.name, question.question, question.threshold
