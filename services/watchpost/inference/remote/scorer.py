"""The scorer whose model runs elsewhere: for who outgrows one GPU.

scorer = RemoteScorer(settings.remote)
scorer.score([Look(picture, sheet)])
"""

import asyncio
import hashlib
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import structlog

from watchpost.errors import RetryableError
from watchpost.inference.remote.answers import label_scores, no_evidence
from watchpost.inference.remote.breaker import Admission, CircuitBreaker
from watchpost.inference.remote.client import ModelServer
from watchpost.inference.remote.failures import Failure, error_of
from watchpost.inference.remote.gate import Gate
from watchpost.inference.remote.latency_limit import LatencyLimit
from watchpost.inference.remote.pictures import data_url
from watchpost.inference.remote.prompt import ONLY, chat_request
from watchpost.inference.scorer import LabelScores, Look, ScorerIdentity
from watchpost.settings import RemoteSettings

__all__ = ["RemoteScorer"]

_LOG = structlog.get_logger()
_BEYOND_TIMEOUT_S = 5.0
_Scores = tuple[LabelScores, ...]
_T = TypeVar("_T")


class RemoteScorer:
    """Puts each question of each look to the server, many at once.

    Its requests run in an event loop in a thread of its own, rather than in a pool of threads: a request that is no
    longer wanted ends at once, its connection closed, which tells the server to stop working on it; and hundreds cost
    no threads.

    `before_bgr` of a look is not sent: OpenAI's interface has no way to say that two pictures are one temporal patch.

    Raises ConfigError where the key or the certificate authority cannot be read. The server need not be there yet.
    """

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings
        self._server = ModelServer(settings)
        self._limit = LatencyLimit(settings.max_concurrent)
        self._gate = Gate(self._limit)
        self._breaker = CircuitBreaker()
        self._probes: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="remote-scorer", daemon=True)
        self._thread.start()

    @property
    def identity(self) -> ScorerIdentity:
        """The model by its address and name: what lies behind these, and how precisely, the server does not tell."""
        asked = (self._settings.url, self._settings.model, "" if self._settings.prefill else ONLY)
        digest = hashlib.sha256("\0".join(asked).encode()).hexdigest()
        return ScorerIdentity(self._settings.model, "as_served", f"sha256:{digest}")

    def score(self, looks: Sequence[Look]) -> list[_Scores]:
        """The scores of each look's questions, within `timeout_s` for all of them.

        While the server is away it raises at once, and looks by itself now and then whether the server is back.

        Raises:
            RetryableError: the server is away, has no room, or was too slow.
            ModelError: somebody must mend something; asking goes on, seldom.
        """
        if not looks:
            return []
        outcome = self._run(self._admitted(tuple(looks)))
        if isinstance(outcome, Failure):
            raise error_of(outcome)
        return outcome

    def check(self) -> None:
        """Whether the server is there and knows the model: what to tell an operator at the start.

        Raises RetryableError where it is away, ModelError where somebody must mend something.
        """
        known = self._run(self._server.models())
        if isinstance(known, Failure):
            raise error_of(known)
        if self._settings.model not in known:
            _LOG.warning("remote_model_not_listed", model=self._settings.model, listed=list(known))

    def close(self) -> None:
        """End its requests and its thread."""
        if self._loop.is_closed():
            return
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_BEYOND_TIMEOUT_S)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result(self._settings.timeout_s + _BEYOND_TIMEOUT_S)
        except TimeoutError as error:
            running.cancel()
            raise RetryableError("remote: the thread that asks the server is stuck; restart this service") from error

    async def _end(self) -> None:
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)
        await self._server.close()

    async def _admitted(self, looks: tuple[Look, ...]) -> list[_Scores] | Failure:
        admission, reason = self._breaker.admit(), self._breaker.reason
        if admission is Admission.ALL or reason is None:
            return self._told(await self._in_time(looks))
        if admission is Admission.ONE:
            # nobody waits for it: frames that expire meanwhile would pay for a server that is away
            probe = self._loop.create_task(self._probe(looks[0]))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)
        return reason

    async def _probe(self, look: Look) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                url = await self._url(look)
                self._told(await self._answer(look, 0, url))
        except TimeoutError:
            self._told(self._too_slow())

    def _told(self, outcome: _T | Failure) -> _T | Failure:
        """Let the breaker know, and the log where something changed."""
        before = self._breaker.reason
        if isinstance(outcome, Failure):
            self._breaker.failed(outcome)
            if before != outcome:
                _LOG.warning("remote_server_fails", problem=str(outcome))
        else:
            self._breaker.passed()
            if before is not None:
                _LOG.info("remote_server_is_back", url=self._settings.url)
        return outcome

    async def _in_time(self, looks: tuple[Look, ...]) -> list[_Scores] | Failure:
        tasks = [self._loop.create_task(self._look(look)) for look in looks]
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
        return self._whole(looks, [task.result() for task in tasks])

    def _whole(self, looks: tuple[Look, ...], outcomes: Sequence[_Scores | Failure]) -> list[_Scores] | Failure:
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

    async def _look(self, look: Look) -> _Scores | Failure:
        url = await self._url(look)
        # the first question alone: when it is answered the picture lies in the server's prefix cache for the others
        answers = [await self._answer(look, 0, url)]
        if not isinstance(answers[0], Failure):
            rest = range(1, len(look.sheet.questions))
            answers += await asyncio.gather(*(self._answer(look, question, url) for question in rest))
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
        if isinstance(top, Failure) and top.retry_after_s is not None:
            # where its time is longer than what is left, the whole call's time-out would say less than this answer
            if top.retry_after_s > self._settings.timeout_s / 2:
                return top
            await asyncio.sleep(top.retry_after_s)
            top = await self._asked(body, is_first=False)
        return top if isinstance(top, Failure) else label_scores(top, look.sheet.questions[question].kind)

    async def _asked(self, body: dict[str, Any], *, is_first: bool) -> dict[str, float] | Failure:
        async with self._gate.passed() as begun:
            sent_s = self._loop.time()
            top = await self._server.ask(body)
            if not isinstance(top, Failure):
                if is_first:  # the others find the picture in the cache: another kind of request
                    self._limit.took(begun, self._loop.time() - sent_s)
            elif top.is_overload:
                self._limit.failed(begun)
            return top

    def _too_slow(self) -> Failure:
        problem = f"the server has not answered all within {self._settings.timeout_s:g} s"
        return Failure("remote.timeout_s", problem, "raise it, or ask less: fewer cameras, a lower max_side_px")
