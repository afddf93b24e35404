"""How single answers to one question become an event: so many of yes among so many, and as many of no end it.

An answer votes as probable as it says yes: at the question's threshold or above for the event, clearly below it (by
`hysteresis`) against it, in between for neither. One wrong answer makes no event, and one ends none.
"""

from dataclasses import dataclass, replace
from statistics import fmean

from watchpost.contracts.records import EventPhase, Question
from watchpost.events.rules import AnswerRules
from watchpost.events.stays import Incident
from watchpost.events.telling import Notice

__all__ = ["Ballot", "Vote", "dissolved", "vote_step"]

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Vote:
    """How probable one frame's answer makes yes."""

    at_us: int
    yes: float


@dataclass(frozen=True, slots=True)
class Ballot:
    """What the latest answers to a question come to.

    Args:
        question: what was asked.
        votes: the latest, no more than the rules look at.
        quiet_until_us: before this nothing is opened: an event has just ended.
        wary_until_us: before this no candidate is told: one was just withdrawn.
        incident: the event under way ...
        confidence: ... and the mean probability of the answers that spoke for it when it was told last.

    """

    question: Question
    votes: tuple[Vote, ...] = ()
    quiet_until_us: int = 0
    wary_until_us: int = 0
    incident: Incident | None = None
    confidence: float = 0.0


def vote_step(ballot: Ballot, vote: Vote, event_id: str | None, rules: AnswerRules) -> tuple[Ballot, Notice | None]:
    """The ballot after one more answer, and what is to be told of it.

    `event_id` names the event if one opens; None where none may.
    """
    ballot = replace(ballot, votes=_latest((*ballot.votes, vote), rules))
    if ballot.incident is not None and _share(ballot.votes, _against(ballot, ballot.incident, rules), rules) >= 1:
        return dissolved(ballot, vote.at_us, rules)
    if vote.yes < ballot.question.threshold:
        return ballot, None
    return _advanced(ballot, vote.at_us, event_id, rules)


def dissolved(ballot: Ballot, at_us: int, rules: AnswerRules) -> tuple[Ballot, Notice | None]:
    """The ballot without its votes, and the end of its event if it had one."""
    empty = replace(ballot, votes=(), incident=None, confidence=0.0)
    if ballot.incident is None:
        return empty, None
    quiet_until_us = at_us + round(rules.cool_down_s * _MICROSECONDS)
    last = replace(ballot.incident, revision=ballot.incident.revision + 1)
    if last.confirmed:
        return replace(empty, quiet_until_us=quiet_until_us), _notice(ballot, last, EventPhase.ENDED)
    return replace(empty, wary_until_us=quiet_until_us), _notice(ballot, last, EventPhase.WITHDRAWN)


def _latest(votes: tuple[Vote, ...], rules: AnswerRules) -> tuple[Vote, ...]:
    """The last `of` votes, and so many before as it takes to span the time that the rules ask for."""
    span_us, now_us = rules.span_s * _MICROSECONDS, votes[-1].at_us
    recent = [vote for vote in votes if now_us - vote.at_us < rules.lost_s * _MICROSECONDS]
    first = max(0, len(recent) - rules.of)
    while first > 0 and now_us - recent[first].at_us < span_us:
        first -= 1
    return tuple(recent[first:])


def _against(ballot: Ballot, incident: Incident, rules: AnswerRules) -> list[bool]:
    """Which votes speak against the event: none that was cast before it opened."""
    threshold = ballot.question.threshold
    below = threshold - min(rules.hysteresis, threshold / 2)
    return [vote.yes < below and vote.at_us > incident.opened_us for vote in ballot.votes]


def _share(votes: tuple[Vote, ...], speaks: list[bool], rules: AnswerRules) -> float:
    """How much of what it takes these votes come to: 1 and more is enough.

    It takes `needed` of `of`, of more votes as many more, and the span since the first of those that speak.
    """
    count = sum(speaks)
    needed = max(rules.needed, rules.needed * len(votes) / rules.of)
    if not count:
        return 0.0
    span_us = votes[-1].at_us - votes[speaks.index(True)].at_us
    # what is half way there may be told of as a candidate; without its span it is never all the way
    return count / needed if span_us >= rules.span_s * _MICROSECONDS else min(count / needed, 0.99)


def _advanced(ballot: Ballot, at_us: int, event_id: str | None, rules: AnswerRules) -> tuple[Ballot, Notice | None]:
    incident = ballot.incident
    if incident is not None and incident.confirmed:
        return ballot, None
    if incident is None:
        if event_id is None or at_us < ballot.quiet_until_us:
            return ballot, None
        incident = Incident(event_id, 0, at_us, confirmed=False)
    speaks = [vote.yes >= ballot.question.threshold for vote in ballot.votes]
    share = _share(ballot.votes, speaks, rules)
    told = replace(incident, revision=incident.revision + 1)
    confidence = fmean(vote.yes for vote, counts in zip(ballot.votes, speaks, strict=True) if counts)
    if share >= 1:
        opened = replace(ballot, incident=replace(told, confirmed=True), confidence=confidence)
        return opened, _notice(opened, told, EventPhase.CONFIRMED)
    if ballot.incident is None and share >= rules.candidate_share and at_us >= ballot.wary_until_us:
        opened = replace(ballot, incident=told, confidence=confidence)
        return opened, _notice(opened, told, EventPhase.CANDIDATE)
    return ballot, None


def _notice(ballot: Ballot, incident: Incident, phase: EventPhase) -> Notice:
    return Notice(incident.event_id, incident.revision, phase, incident.opened_us, None, ballot.confidence)
