"""Asks a disk that may hang, in threads that hold up neither the loop nor the end of the process.

disk = PatientDisk("the recordings' disk")
size = await disk.ask(path_size)
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from watchpost.api.problems import ProblemKind, problem
from watchpost.errors import CallError

__all__ = ["PatientDisk"]

T = TypeVar("T")

_AT_ONCE = 8
_WITHIN_S = 10.0


class PatientDisk:
    """Runs what reads a disk. Where it hangs, callers are told so, and no more than a few threads hang with it.

    Args:
        name: what callers are told.
        within_s: how long an answer may take.
    """

    def __init__(self, name: str, within_s: float = _WITHIN_S) -> None:
        self._name, self._within_s = name, within_s
        self._asking = 0

    async def ask(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises.

        Raises:
            CallError: not ready: there is no answer in time.
        """
        if self._asking >= _AT_ONCE:
            raise self._silent()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                told = partial(self._given, answer, work())
            except Exception as error:  # noqa: BLE001  (it is raised where it was asked for)
                told = partial(self._failed, answer, error)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(told)

        self._asking += 1
        # a daemon: a pool's thread would hold up the end of the process for as long as the disk hangs
        threading.Thread(target=run, name="disk", daemon=True).start()
        try:
            # shielded: a thread that answers late must find its answer as it was
            return await asyncio.wait_for(asyncio.shield(answer), self._within_s)
        except TimeoutError:
            raise self._silent() from None

    def _given(self, answer: "asyncio.Future[T]", result: T) -> None:
        self._asking -= 1
        answer.set_result(result)

    def _failed(self, answer: "asyncio.Future[T]", error: Exception) -> None:
        self._asking -= 1
        answer.set_exception(error)
        answer.exception()  # who asked may have left: nobody then needs to hear of it

    def _silent(self) -> CallError:
        return problem(
            ProblemKind.NOT_READY,
            f"{self._name} does not answer",
            remedy="try again; if it stays so, look at the disk of recordings.path",
            headers={"Retry-After": "10"},
        )
