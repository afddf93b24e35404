"""Adds cameras for as long as calls look at them: each once, however many calls there are, and gone with the last.

async with calls.hold(calls.name_of(source), CallWish(source, asked, …)):
    …                          # the camera is watched
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from watchpost.api.call_wishes import CallWish, check_askable, joint_assignment
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.room import check_keeps_up
from watchpost.api.secrets import SecretFiles
from watchpost.api.site_view import SiteView
from watchpost.api.source_guard import GuardedSource
from watchpost.api.spec_writer import SpecWriter
from watchpost.clock import Clock
from watchpost.contracts.records import Assignment, CameraId, CameraSpec, SpecOrigin
from watchpost.errors import CallError
from watchpost.settings import CameraSettings, SiteSettings, versioned

__all__ = ["CallCameras"]

_LOG = structlog.get_logger()
# a camera whose api died without a word is read for this long at most
_LEASE = timedelta(seconds=15)
_RENEWED_EVERY_S = 5.0


@dataclass(slots=True)
class _Held:
    spec: CameraSpec
    since: datetime
    asked: dict[object, Assignment] = field(default_factory=dict)


class CallCameras:
    """The cameras that calls of this process look at. To be used inside the event loop alone.

    Args:
        settings: the site's; a call's camera is watched as its parameters say.
        view: what cameras there are.
        writer: writes them.
        files: keep callers' credentials from their specs.
        clock: what leases end by.
    """

    def __init__(
        self, settings: SiteSettings, view: SiteView, writer: SpecWriter, files: SecretFiles, clock: Clock
    ) -> None:
        self._settings = settings
        self._view = view
        self._writer = writer
        self._files = files
        self._clock = clock
        self._held: dict[CameraId, _Held] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._keeping: asyncio.Task[None] | None = None
        # names travel to the centre: without a key, passwords could be tried against them there
        self._key = secrets.token_bytes(16)

    def name_of(self, source: GuardedSource) -> CameraId:
        """The camera that calls to this stream with these credentials share."""
        seal = b"" if source.credentials is None else hmac.digest(self._key, source.credentials.encode(), "sha256")
        return CameraId(f"call-{hashlib.sha256(source.source.encode() + b'#' + seal).hexdigest()[:16]}")

    @asynccontextmanager
    async def hold(self, camera: CameraId, wish: CallWish) -> AsyncIterator[datetime]:
        """The camera is there while the block runs; it goes as soon as nobody holds it, without being waited for.

        Yields since when it has been there: what was captured earlier is left over from a call before.

        Raises:
            CallError: the site has `max_streams` cameras already or does not keep up with those it has, Kafka does not
            take this one, or other calls ask the camera what cannot be asked beside this.
        """
        holder = object()
        try:
            await asyncio.shield(self._in_background(self._enter(camera, holder, wish)))
            yield self._held[camera].since
        finally:
            self._in_background(self._leave(camera, holder))

    def _in_background(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Go through with `work` even when the call that wants it is cancelled. The writer's lock keeps the order."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # the call that waits for it answers with it, unless that has hung up
            _LOG.info("call_without_camera", error=str(error))

    async def _keep(self) -> None:
        """Renew the leases while anything is held."""
        while self._held:
            await asyncio.sleep(_RENEWED_EVERY_S)
            async with self._writer.changing:
                for held in list(self._held.values()):
                    await self._renew(held)

    async def _enter(self, camera: CameraId, holder: object, wish: CallWish) -> None:
        async with self._writer.changing:
            held = self._held.get(camera)
            if held is None:
                self._check_room(camera)
                held = _Held(await self._new_spec(camera, wish), self._clock.now())
            joint = joint_assignment([*held.asked.values(), wish.assignment])
            check_askable(joint)
            if not held.asked or joint != held.spec.assignment:
                await self._put(held, joint)
            held.asked[holder] = wish.assignment
        if self._keeping is None or self._keeping.done():
            self._keeping = self._in_background(self._keep())
        _LOG.info("call_holds_camera", camera=camera, source=wish.source.shown, holders=len(held.asked))

    async def _put(self, held: _Held, assignment: Assignment) -> None:
        """Have the camera watched as assigned. What nobody could be told of as added is taken back."""
        self._held[held.spec.camera] = held
        spec = self._leased(held.spec, assignment)
        try:
            await self._writer.put(spec)
        except CallError:
            if not held.asked:
                await self._remove(held)
            raise
        held.spec = spec

    async def _leave(self, camera: CameraId, holder: object) -> None:
        async with self._writer.changing:
            held = self._held.get(camera)
            if held is None or held.asked.pop(holder, None) is None:
                return
            if not held.asked:
                await self._remove(held)
                return
            joint = joint_assignment(held.asked.values())
            if joint != held.spec.assignment:
                await self._renew(held, joint)

    async def _renew(self, held: _Held, assignment: Assignment | None = None) -> None:
        spec = self._leased(held.spec, assignment or held.spec.assignment)
        try:
            await self._writer.put(spec)
        except CallError as error:
            _LOG.warning("call_camera_not_renewed", camera=spec.camera, error=error.detail)
        else:
            held.spec = spec

    def _leased(self, spec: CameraSpec, assignment: Assignment) -> CameraSpec:
        return versioned(replace(spec, assignment=assignment, expires_at=self._clock.now() + _LEASE))

    async def _remove(self, held: _Held) -> None:
        camera = held.spec.camera
        del self._held[camera]
        try:
            await self._writer.remove(camera)
        except CallError as error:
            _LOG.warning("call_camera_not_removed", camera=camera, error=error.detail, until="its lease ends")
            return  # its secret stays until then, too
        await asyncio.to_thread(self._files.remove, held.spec.secret_ref)
        _LOG.info("call_camera_removed", camera=camera)

    def _check_room(self, camera: CameraId) -> None:
        most = self._settings.max_streams
        running = (self._view.cameras().keys() | self._held.keys()) - {camera}
        if len(running) >= most:
            raise problem(
                ProblemKind.MAX_STREAMS,
                f"{len(running)} cameras are watched, and max_streams is {most}",
                field="stream_url",
                remedy="name the stream of one of them, call again when another call is over, or raise max_streams",
            )
        check_keeps_up(self._view, "stream_url")

    async def _new_spec(self, camera: CameraId, wish: CallWish) -> CameraSpec:
        wanted = CameraSettings(source=wish.source.source)
        spec = replace(self._settings.spec_of(camera, wanted), origin=SpecOrigin.ANALYZE)
        credentials = wish.source.credentials
        if credentials is None:
            return spec
        return replace(spec, secret_ref=await asyncio.to_thread(self._files.write, camera, credentials))
