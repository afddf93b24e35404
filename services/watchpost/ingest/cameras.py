"""Keeps one worker for each camera that the specs name, so that changing one leaves the others alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from watchpost.contracts import TopicName
from watchpost.contracts.recording_rules import may_hear
from watchpost.contracts.records import CameraId, CameraSpec, Command, CommandKind
from watchpost.ingest.camera_worker import CameraWorker, Surroundings
from watchpost.ingest.decoder_fallbacks import DecoderFallbacks
from watchpost.ingest.sources import analysed
from watchpost.ingest.wishes import is_outdated
from watchpost.stream import Received
from watchpost.telemetry import Health, metrics

__all__ = ["Cameras"]

_LOG = structlog.get_logger()
_PART = "cameras"
_RECORDING = "recording"
_WITHOUT_PARTITIONS_S = 30.0
_READ_AGAIN_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class _Known:
    partition: int
    spec: CameraSpec
    assignment: int


class Cameras:
    """The cameras of this process's partitions. Used by the service's loop alone, the rebalance callbacks included.

    A rebalance takes all partitions away before it deals them out again. What comes back to this process was read on
    meanwhile: stopping at once would leave the site blind for the 11 s that a rebalance took after a broker's restart.
    The others stop with the new assignment, or when none comes.

    Args:
        around: what their workers share.
        max_streams: more cameras than this are refused; those that run already keep their place.
        health: told when cameras are refused.
    """

    def __init__(self, around: Surroundings, max_streams: int, health: Health) -> None:
        self._around = around
        self._max_streams = max_streams
        self._health = health
        self._fallbacks = DecoderFallbacks(health)
        self._known: dict[CameraId, _Known] = {}
        self._workers: dict[CameraId, CameraWorker] = {}
        self._refused: frozenset[CameraId] = frozenset()
        self._assignment = 0
        self._assigned_s = 0.0
        self._without_s: float | None = time.monotonic()

    def assigned(self, topic: str, partitions: frozenset[int]) -> None:
        """Partitions of `topic` are this process's now: their specs will follow."""
        if topic != TopicName.CAMERAS:
            return
        self._assignment += 1
        self._assigned_s, self._without_s = time.monotonic(), None
        _LOG.info("cameras_assigned", partitions=sorted(partitions))
        self._forget("revoked", lambda known: known.partition not in partitions)

    def revoked(self, topic: str, _partitions: frozenset[int]) -> None:
        """All partitions are taken away, until they are dealt out again."""
        if topic == TopicName.CAMERAS:
            self._without_s = time.monotonic()

    def take(self, received: Received[CameraSpec | Command]) -> None:
        """Take in a spec (or its removal) or a command. Specs come into force with `reconcile`."""
        match received.record:
            case CameraSpec() as spec:
                self._known[spec.camera] = _Known(received.partition, spec, self._assignment)
            case Command() as command:
                self._ask(command)
            case None:
                if received.topic == TopicName.CAMERAS:
                    self._known.pop(CameraId(received.key), None)

    def reconcile(self, now: datetime) -> None:
        """Start, change and stop workers until they are what the specs say, and look after those that run."""
        self._forget_what_is_gone()
        wanted = {camera: known.spec for camera, known in self._known.items() if not _is_over(known.spec, now)}
        for camera in list(self._workers):
            self._fit(camera, wanted.get(camera))
        new = sorted(wanted.keys() - self._workers.keys())
        room = self._max_streams - len(self._workers)
        for camera in new[: max(0, room)]:
            self._start(wanted[camera])
        self._refuse(frozenset(new[max(0, room) :]))
        for worker in self._workers.values():
            worker.check()
        if self._without_s is None:
            self._around.obscured.settle(self._workers, time.monotonic())
        fallbacks = ((camera, worker.fallback) for camera, worker in self._workers.items())
        self._fallbacks.show({camera: fallback for camera, fallback in fallbacks if fallback is not None})
        self._note_lost_recordings()

    def _note_lost_recordings(self) -> None:
        losses = ((camera, worker.main_lost) for camera, worker in self._workers.items())
        said = [f"the main stream of {camera} is not recorded: {lost}" for camera, lost in losses if lost is not None]
        self._health.note(_RECORDING, "; ".join(sorted(said)) or None)

    def stop(self, within_s: float) -> None:
        """Stop all workers; those that do not end in time (a call into libav may hang) end with the process."""
        deadline_s = time.monotonic() + within_s
        workers = list(self._workers.values())
        for camera in list(self._workers):
            self._stop(camera, "service_ends")
        for worker in workers:
            worker.join(max(0.0, deadline_s - time.monotonic()))

    def _forget_what_is_gone(self) -> None:
        now_s = time.monotonic()
        if self._without_s is not None and now_s - self._without_s > _WITHOUT_PARTITIONS_S:
            self._forget("no_partitions", lambda _: True)
        elif self._without_s is None and now_s - self._assigned_s > _READ_AGAIN_WITHIN_S:
            # a camera was removed while nobody here looked, and its tombstone is compacted away
            self._forget("removed", lambda known: known.assignment < self._assignment)

    def _forget(self, why: str, is_gone: Callable[[_Known], bool]) -> None:
        for camera in [camera for camera, known in self._known.items() if is_gone(known)]:
            del self._known[camera]
            self._stop(camera, why)

    def _fit(self, camera: CameraId, spec: CameraSpec | None) -> None:
        worker = self._workers[camera]
        if spec is None:
            self._stop(camera, "removed")
        elif _reading(spec) != _reading(worker.spec):
            self._stop(camera, "changed")
        elif spec != worker.spec:
            # a call renews its camera's lease every few seconds: that is no news
            is_news = spec != replace(worker.spec, expires_at=spec.expires_at)
            worker.update(spec)
            if is_news:
                _LOG.info("camera_updated", camera=camera, config_version=spec.config_version)

    def _start(self, spec: CameraSpec) -> None:
        _LOG.info("camera_starts", camera=spec.camera)
        self._workers[spec.camera] = worker = CameraWorker(spec, self._around)
        worker.start()

    def _stop(self, camera: CameraId, why: str) -> None:
        worker = self._workers.pop(camera, None)
        if worker is not None:
            _LOG.info("camera_stops", camera=camera, why=why)
            worker.stop()

    def _refuse(self, refused: frozenset[CameraId]) -> None:
        if refused != self._refused:
            self._refused = refused
            metrics.CAMERAS_REFUSED.set(len(refused))
            if refused:
                _LOG.error("cameras_refused", cameras=sorted(refused), max_streams=self._max_streams)
        if refused:
            names = ", ".join(sorted(refused))
            self._health.waiting(_PART, f"max_streams ({self._max_streams}) refuses {names}; raise it or remove some")
        elif self._without_s is None:
            self._health.ready(_PART)
        else:
            self._health.waiting(_PART, "no partition is assigned to this process")

    def _ask(self, command: Command) -> None:
        worker = self._workers.get(command.camera)
        if worker is None or is_outdated(command, self._around.clock.now()):
            # of those to follow somebody there are thousands where the events service reads an hour again
            tell = _LOG.debug if command.kind is CommandKind.FOLLOW else _LOG.info
            tell("command_ignored", camera=command.camera, command_id=command.command_id, kind=command.kind)
        else:
            worker.ask(command)


def _is_over(spec: CameraSpec, now: datetime) -> bool:
    return spec.expires_at is not None and spec.expires_at <= now


def _reading(spec: CameraSpec) -> tuple[str | bool | None, ...]:
    """What another worker is needed for where it changes."""
    read = analysed(spec)
    return read.source, read.secret_ref, read.decoder, may_hear(read)
