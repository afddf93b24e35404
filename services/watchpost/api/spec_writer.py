"""Writes cameras to their topic and waits until the site's view shows them: the answer to a call is then true."""

import asyncio
from collections.abc import Mapping
from typing import Any

from watchpost.api.problems import ProblemKind, problem
from watchpost.api.site_view import SiteView
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId, CameraSpec
from watchpost.errors import RetryableError
from watchpost.stream import RecordProducer

__all__ = ["SpecWriter"]

_ACKNOWLEDGED_WITHIN_S = 5.0
_SEEN_WITHIN_S = 5.0
# what was on its way when Kafka stopped answering may have been taken nevertheless
_LOOK_FIRST = "look at GET /cameras before trying again; GET /readyz says what the site waits for"


class SpecWriter:
    """The one writer of specs in this process.

    Hold `changing` from looking at the view to writing, so that two calls do not decide by the same view.

    Args:
        client: `client_config(…)` of the site's Kafka.
        view: shows what was written.
    """

    def __init__(self, client: Mapping[str, Any], view: SiteView) -> None:
        # what never left this process must not leave it after its caller was told that it failed
        self._producer = RecordProducer(client, {"message.timeout.ms": round(_ACKNOWLEDGED_WITHIN_S * 1000)})
        self._view = view
        self._sending = asyncio.Lock()
        self.changing = asyncio.Lock()

    async def put(self, spec: CameraSpec) -> None:
        """Write `spec`, and return when the view shows it.

        Raises:
            CallError: Kafka did not take it, or it was not seen in time.
        """
        await self._send(spec.camera, spec)
        await self._seen(spec.camera, spec)

    async def remove(self, camera: CameraId) -> None:
        """Remove a camera, and return when the view shows it no more.

        Raises:
            CallError: likewise.
        """
        await self._send(camera, None)
        await self._seen(camera, None)

    async def _send(self, camera: CameraId, spec: CameraSpec | None) -> None:
        async with self._sending:  # a flush tells the failures of all that was sent
            try:
                await asyncio.to_thread(self._send_now, camera, spec)
            except RetryableError as error:
                raise problem(
                    ProblemKind.NOT_READY,
                    str(error),
                    remedy=_LOOK_FIRST,
                    headers={"Retry-After": "5"},
                ) from error

    def _send_now(self, camera: CameraId, spec: CameraSpec | None) -> None:
        if spec is None:
            self._producer.send_bytes(TopicName.CAMERAS, None, key=camera.encode())
        else:
            self._producer.send(TopicName.CAMERAS, spec, key=camera)
        self._producer.flush(_ACKNOWLEDGED_WITHIN_S + 1)

    async def _seen(self, camera: CameraId, spec: CameraSpec | None) -> None:
        if not await self._view.until(lambda: self._view.cameras().get(camera) == spec, _SEEN_WITHIN_S):
            raise problem(
                ProblemKind.NOT_READY,
                f"Kafka took the change of {camera}, but it was not read back within {_SEEN_WITHIN_S:g} s",
                remedy=_LOOK_FIRST,
                headers={"Retry-After": "5"},
            )
