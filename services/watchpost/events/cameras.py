"""What this process holds of each camera between its records: state, debts, and how far its partition may be committed.

cameras.take(partition, offset, observation)     # folds it in
for camera in cameras.due(now_s): …              # save camera.snapshot(), send what it owes, then camera.paid(frame_id)
commit(cameras.settled())                        # partition -> next offset
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import structlog

from watchpost.contracts.records import CameraId, FrameAnalyzed, SiteId
from watchpost.events.logic import initial_state, step
from watchpost.events.owed import Owed, decode_snapshot, encode_snapshot, owed_by
from watchpost.events.rules import EventRules
from watchpost.events.state import CameraState

__all__ = ["Camera", "Cameras"]

_LOG = structlog.get_logger()


@dataclass(slots=True)
class Camera:
    """One camera in memory. `unsent` are the frames in `owed` of which nothing is on its way yet."""

    partition: int
    name: CameraId
    state: CameraState
    owed: dict[str, Owed] = field(default_factory=dict)
    unsent: list[str] = field(default_factory=list)
    unsaved_from: int | None = None
    unsaved_since_s: float = 0.0

    def snapshot(self) -> bytes:
        """The bytes for the changelog. What comes after this call counts as unsaved again."""
        self.unsaved_from = None
        return encode_snapshot(self.state, iter(self.owed.values()))

    def take_unsent(self) -> list[Owed]:
        """What has to go out now."""
        unsent, self.unsent = self.unsent, []
        return [self.owed[frame_id] for frame_id in unsent]

    def records_paid(self, frame_id: str) -> None:
        """The events and commands of this frame are acknowledged."""
        self.owed[frame_id] = replace(self.owed[frame_id], records=())

    def paid(self, frame_id: str) -> None:
        """All that this frame gave rise to is acknowledged."""
        del self.owed[frame_id]

    def outstanding(self) -> Iterator[int]:
        """The offsets that must be read again if this process died now."""
        if self.unsaved_from is not None:
            yield self.unsaved_from
        yield from (owed.offset for owed in self.owed.values())


class Cameras:
    """The cameras of the partitions that this worker owns. Offsets must come in their order, without a hole.

    Args:
        site: whose cameras they are.
        rules: how observations become events.
        load: the changelog's newest snapshot of a camera, None where there is none.
        save_every_s: a camera that owes nothing is saved this often; until then its frames stay uncommitted.

    """

    def __init__(
        self,
        site: SiteId,
        rules: EventRules,
        load: Callable[[CameraId], bytes | None],
        save_every_s: float,
    ) -> None:
        self._site = site
        self._rules = rules
        self._load = load
        self._save_every_s = save_every_s
        self._cameras: dict[tuple[int, CameraId], Camera] = {}
        self._next: dict[int, int] = {}
        self._read_from: dict[int, int] = {}
        self._done: dict[int, int] = {}

    def forget(self) -> None:
        """Drop everything: after a rebalance the changelog knows better."""
        self._cameras.clear()
        self._next.clear()
        self._read_from.clear()
        self._done.clear()

    def passed(self, partition: int, offset: int) -> None:
        """This offset was read, and nothing of it is kept."""
        if partition not in self._next:
            self._read_from[partition] = offset
        self._next[partition] = offset + 1

    def take(self, partition: int, offset: int, frame: FrameAnalyzed, now_s: float) -> bool:
        """Fold a frame in; True when its camera now owes something."""
        self.passed(partition, offset)
        camera = self._cameras.get((partition, frame.camera)) or self._opened(partition, frame.camera)
        state, outputs = step(camera.state, frame, self._rules)
        if state is not camera.state:
            camera.state = state
            if camera.unsaved_from is None:
                camera.unsaved_from, camera.unsaved_since_s = offset, now_s
        owed = owed_by(frame, offset, outputs)
        if owed is not None:
            camera.owed[frame.frame_id] = owed
            camera.unsent.append(frame.frame_id)
        return bool(camera.unsent)

    def due(self, now_s: float, *, everything: bool = False) -> list[Camera]:
        """The cameras to be saved now: those that owe something, and those long unsaved (or unsaved at all)."""
        limit_s = now_s if everything else now_s - self._save_every_s
        return [
            camera
            for camera in self._cameras.values()
            if camera.unsent or (camera.unsaved_from is not None and camera.unsaved_since_s <= limit_s)
        ]

    def settled(self) -> dict[int, int]:
        """The offset before which nothing is outstanding, of each partition where it has moved since `committed`.

        Ask only when no save is under way.
        """
        settled = dict(self._next)
        for camera in self._cameras.values():
            for offset in camera.outstanding():
                settled[camera.partition] = min(settled[camera.partition], offset)
        return {
            part: offset for part, offset in settled.items() if offset > self._done.get(part, self._read_from[part])
        }

    def committed(self, offsets: Mapping[int, int]) -> None:
        """Remember that these were committed."""
        self._done.update(offsets)

    def owing(self) -> int:
        """How many frames have outputs that are not acknowledged."""
        return sum(len(camera.owed) for camera in self._cameras.values())

    def _opened(self, partition: int, name: CameraId) -> Camera:
        camera = Camera(partition, name, initial_state(self._site, name))
        saved = self._load(name)
        if saved is not None:
            snapshot = decode_snapshot(saved)
            if snapshot.state is None:
                _LOG.error("state of another version, beginning anew", camera=name)
            camera.state = snapshot.state or camera.state
            # what lies before the commit, where reading began, was acknowledged before it was committed
            owed = [one for one in snapshot.owed if one.offset >= self._read_from[partition]]
            camera.owed = {one.frame_id: one for one in owed}
            camera.unsent = list(camera.owed)
        self._cameras[partition, name] = camera
        return camera
