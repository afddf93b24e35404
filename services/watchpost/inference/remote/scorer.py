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
from watchpost.inference.remote.asking import Asking, Scores
from watchpost.inference.remote.client import ModelServer
from watchpost.inference.remote.failures import Failure, error_of
from watchpost.inference.remote.prompt import ONLY
from watchpost.inference.scorer import Look, ScorerIdentity
from watchpost.settings import RemoteSettings

__all__ = ["RemoteScorer"]

_LOG = structlog.get_logger()
_BEYOND_TIMEOUT_S = 5.0
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
        self._asking = Asking(settings, self._server)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="remote-scorer", daemon=True)
        self._thread.start()

    @property
    def identity(self) -> ScorerIdentity:
        """The model by its address and name: what lies behind these, and how precisely, the server does not tell."""
        asked = (self._settings.url, self._settings.model, "" if self._settings.prefill else ONLY)
        digest = hashlib.sha256("\0".join(asked).encode()).hexdigest()
        return ScorerIdentity(self._settings.model, "as_served", f"sha256:{digest}")

    def score(self, looks: Sequence[Look]) -> list[Scores]:
        """The scores of each look's questions, within `timeout_s` for all of them.

        While the server is away it raises at once, and looks by itself now and then whether the server is back.

        Raises:
            RetryableError: the server is away, has no room, or was too slow.
            ModelError: somebody must mend something; asking goes on, seldom.
        """
        if not looks:
            return []
        outcome = self._run(self._asking.scores(tuple(looks)))
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
            # no error: llama.cpp's server answers to any name
            _LOG.warning("remote_model_not_listed", model=self._settings.model, listed=list(known))

    def close(self) -> None:
        """End its requests and its thread."""
        if self._loop.is_closed():
            return
        self._run(self._asking.end())
        self._run(self._server.close())
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
