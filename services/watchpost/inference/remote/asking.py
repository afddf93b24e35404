"""Puts looks to a model server in one event loop: many requests at once, within a time, and not while it is away."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

import structlog

from watchpost.inference.remote.answers import label_scores, no_evidence
from watchpost.inference.remote.breaker import Admission, CircuitBreaker
from watchpost.inference.remote.client import ModelServer
from watchpost.inference.remote.failures import Failure
from watchpost.inference.remote.gate import Gate
from watchpost.inference.remote.latency_limit import LatencyLimit
from watchpost.inference.remote.pictures import data_url
from watchpost.inference.remote.prompt import chat_request
from watchpost.inference.scorer import LabelScores, Look
from watchpost.settings import RemoteSettings
from watchpost.telemetry import metrics

__all__ = ["Asking", "Scores"]

_LOG = structlog.get_logger()
# of a server that says to come again at once
_SHORTEST_WAIT_S = 0.05
Scores = tuple[LabelScores, ...]
_T = TypeVar("_T")


class Asking:
    """What is known of the server: how many requests it takes, and whether it is away. For one event loop."""

    def __init__(self, settings: RemoteSettings, server: ModelServer) -> None:
        self._settings, self._server = settings, server
        self._limit = LatencyLimit(settings.max_concurrent)
        self._gate = Gate(self._limit)
        self._breaker = CircuitBreaker()
        self._probes: set[asyncio.Task[None]] = set()

    async def scores(self, looks: Sequence[Look]) -> list[Scores] | Failure:
        """The scores of each look; at once the failure that was, while the server is away."""
        admission, reason = self._breaker.admit(), self._breaker.reason
        if admission is Admission.ALL or reason is None:
            return self._told(await self._in_time(looks))
        if admission is Admission.ONE:
            # nobody waits for it: frames that expire meanwhile would pay for a server that is away
            probe = asyncio.create_task(self._probe(looks[0]))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)
        return reason

    async def end(self) -> None:
        """Let no request go on."""
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)

    async def _probe(self, look: Look) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                self._told(await self._answer(look, 0, await self._url(look)))
        except TimeoutError:
            self._told(self._too_slow())

    def _told(self, outcome: _T | Failure) -> _T | Failure:
        """Let the breaker know, and the log where something changed."""
        before = self._breaker.reason
        if isinstance(outcome, Failure):
            self._breaker.failed(outcome)
            metrics.REMOTE_FAILURES.labels(outcome.key).inc()
            if before is None or before.key != outcome.key:
                _LOG.warning("remote_server_fails", problem=str(outcome))
        else:
            self._breaker.passed()
            if before is not None:
                _LOG.info("remote_server_is_back", url=self._settings.url)
        return outcome

    async def _in_time(self, looks: Sequence[Look]) -> list[Scores] | Failure:
        tasks = [asyncio.create_task(self._look(look)) for look in looks]
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                for finished in asyncio.as_completed(tasks):
                    outcome = await finished
                    if isinstance(outcome, Failure) and not outcome.is_of_picture:
                        return outcome
        except TimeoutError:
            self._limit.failed()
            return self._too_slow()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return _whole(looks, [task.result() for task in tasks])

    async def _look(self, look: Look) -> Scores | Failure:
        url = await self._url(look)
        # the first question alone: when it is answered the picture lies in the server's prefix cache for the others
        answers = [await self._answer(look, 0, url)]
        if not isinstance(answers[0], Failure):
            others = range(1, len(look.sheet.questions))
            answers += await asyncio.gather(*(self._answer(look, question, url) for question in others))
        scores = []
        for answer in answers:
            if isinstance(answer, Failure):
                return answer
            scores.append(answer)
        return tuple(scores)

    async def _url(self, look: Look) -> str:
        return await asyncio.to_thread(data_url, look.bgr, self._settings.max_side_px, self._settings.jpeg_quality)

    async def _answer(self, look: Look, question: int, url: str) -> LabelScores | Failure:
        body = chat_request(look.sheet, question, url, self._settings.model, prefill=self._settings.prefill)
        top = await self._asked(body, is_first=question == 0)
        # a wait that leaves no time for the answer is the breaker's: it asks nothing until then
        waits_s, may_wait_s = _SHORTEST_WAIT_S, self._settings.timeout_s / 2
        while isinstance(top, Failure) and top.retry_after_s is not None:
            wait_s = max(top.retry_after_s, waits_s)
            if wait_s > may_wait_s:
                break
            await asyncio.sleep(wait_s)
            waits_s, may_wait_s = 2 * waits_s, may_wait_s - wait_s
            top = await self._asked(body, is_first=False)
        return top if isinstance(top, Failure) else label_scores(top, look.sheet.questions[question].kind)

    async def _asked(self, body: dict[str, Any], *, is_first: bool) -> dict[str, float] | Failure:
        loop = asyncio.get_running_loop()
        async with self._gate.passed() as begun:
            sent_s = loop.time()
            top = await self._server.ask(body)
            metrics.REMOTE_SECONDS.observe(loop.time() - sent_s)
            if not isinstance(top, Failure):
                if is_first:  # the others find the picture in the cache: another kind of request
                    self._limit.took(begun, loop.time() - sent_s)
            elif top.is_overload:
                self._limit.failed(begun)
            metrics.REMOTE_LIMIT_REQUESTS.set(self._limit.most_now)
            return top

    def _too_slow(self) -> Failure:
        problem = f"the server has not answered all within {self._settings.timeout_s:g} s"
        return Failure("remote.timeout_s", problem, "raise it, or ask less: fewer cameras, a lower max_side_px")


def _whole(looks: Sequence[Look], outcomes: Sequence[Scores | Failure]) -> list[Scores] | Failure:
    """A picture that the server will not look at leaves no evidence; the others keep their answers."""
    refused = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if len(refused) == len(outcomes):
        return refused[0]
    for failure in refused:
        _LOG.warning("remote_server_refuses_picture", problem=str(failure))
    return [
        tuple(no_evidence(question.kind) for question in look.sheet.questions)
        if isinstance(outcome, Failure)
        else outcome
        for look, outcome in zip(looks, outcomes, strict=True)
    ]
