"""What the answers of a frame do to the events of a camera's tasks in words, and to falls that no detector watches."""

from dataclasses import dataclass, replace

from watchpost.contracts.records import Answer, EventChanged, EventType, FrameAnalyzed, Question, Task
from watchpost.events.identity import event_id
from watchpost.events.rules import AnswerRules, EventRules
from watchpost.events.telling import Notice, told
from watchpost.events.votes import Ballot, Vote, dissolved, vote_step

__all__ = ["AnswerMemory", "answer_events"]

_MICROSECONDS = 1_000_000
_REMOVED = "the task was removed or changed"
_UNANSWERED = "it was not answered any more"


@dataclass(frozen=True, slots=True)
class AnswerMemory:
    """A ballot for each question of the camera that was answered, by its task's name."""

    ballots: tuple[Ballot, ...] = ()

    def told_of_a_fall(self, at_us: int) -> bool:
        """Whether a fall was told of by answers a moment ago, or is being told of: the detector tells it no more."""
        return any(
            ballot.question.name == EventType.FALL_DETECTED
            and (ballot.incident is not None or at_us < ballot.quiet_until_us)
            for ballot in self.ballots
        )


def answer_events(
    memory: AnswerMemory, frame: FrameAnalyzed, at_us: int, rules: EventRules, *, fall_is_known: bool
) -> tuple[AnswerMemory, tuple[EventChanged, ...]]:
    """The memory after a frame, and what is to be told of its answers.

    `fall_is_known`: the detector told of a fall, so that answers open none.
    """
    asked = {question.name: question for question in _asked(frame, rules.answers)}
    votes = {answer.task: vote for answer in frame.answers if (vote := _vote(answer, at_us)) is not None}
    known = {ballot.question.name: ballot for ballot in memory.ballots}
    ballots: list[Ballot] = []
    events: list[EventChanged] = []
    for name in sorted(known.keys() | asked.keys()):
        ballot, why = known.get(name), ""
        if ballot is not None and (why := _over(ballot, asked.get(name), at_us, rules.answers)):
            ballot, notice = dissolved(ballot, at_us, rules.answers)
            events += _told(ballot, notice, frame, rules, why)
        if name not in asked:
            continue
        ballot = replace(ballot, question=asked[name]) if ballot else Ballot(asked[name])
        if name in votes:
            barred = fall_is_known and name == EventType.FALL_DETECTED
            opening = None if barred else event_id(frame.site, frame.camera, name, frame.frame_id, 0)
            ballot, notice = vote_step(ballot, votes[name], opening, rules.answers)
            events += _told(ballot, notice, frame, rules)
        ballots.append(ballot)
    return AnswerMemory(tuple(ballot for ballot in ballots if ballot != Ballot(ballot.question))), tuple(events)


def _asked(frame: FrameAnalyzed, rules: AnswerRules) -> tuple[Question, ...]:
    """The tasks in words, and the question after falls where answers are to tell of them."""
    if Task.ABNORMAL_BEHAVIOR not in frame.assignment.tasks:
        return frame.assignment.questions
    fall = Question(EventType.FALL_DETECTED.value, "", rules.fall_threshold)
    return (*frame.assignment.questions, fall)


def _vote(answer: Answer, at_us: int) -> Vote | None:
    match answer.label:
        case "yes":
            return Vote(at_us, answer.probability)
        case "no":
            return Vote(at_us, 1 - answer.probability)
        case _:
            return None  # a count, or unsure: no evidence either way


def _over(ballot: Ballot, asked: Question | None, at_us: int, rules: AnswerRules) -> str:
    """Why nothing that was answered before counts any more; empty where it does."""
    if asked != ballot.question:
        return _REMOVED
    lost_us = rules.lost_s * _MICROSECONDS
    return _UNANSWERED if ballot.votes and at_us - ballot.votes[-1].at_us >= lost_us else ""


def _told(
    ballot: Ballot, notice: Notice | None, frame: FrameAnalyzed, rules: EventRules, why: str = ""
) -> list[EventChanged]:
    """The record of a notice, none of none. Its detail is what was asked."""
    if notice is None:
        return []
    detail = ": ".join(part for part in (ballot.question.question, why) if part) or None
    return [told(notice, ballot.question.name, frame, rules, frame.person_count, detail)]
