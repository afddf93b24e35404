"""A camera's recording through ingest's decisions as fast as it can be decoded: its own time is the site's."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from av.container import InputContainer

from tests.fakes.specs import camera_spec
from watchpost.contracts.records import CameraSpec
from watchpost.errors import SourceError
from watchpost.ingest.containers import container_packets, libav_opened, video_of
from watchpost.ingest.decode_choice import Choice, DecodeMode
from watchpost.ingest.decode_path import DecodePath
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.packets import CodedPacket, DecodedPicture, SourceLimits, Stamp
from watchpost.ingest.publishing import Capture
from watchpost.ingest.watching import PictureWatch
from watchpost.ingest.wishes import Wishes
from watchpost.settings import IngestSettings

__all__ = ["BEGINS_US", "Replay", "replayed"]

BEGINS_US = 1_800_000_000_000_000
"""When the first picture of every replay was taken."""


@dataclass(slots=True)
class Replay:
    """What happened, in seconds of stream time: turns of the choice, what was decoded, published and not decodable."""

    turns: list[tuple[float, Choice]] = field(default_factory=list)
    decoded_s: list[float] = field(default_factory=list)
    moving_s: list[float] = field(default_factory=list)
    captures: list[tuple[float, Capture]] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)
    lasts_s: float = 0.0

    def idle_share(self) -> float:
        """The share of the time in which only keyframes were decoded."""
        idle_s = 0.0
        ends = [at_s for at_s, _ in self.turns[1:]] + [self.lasts_s]
        for (at_s, choice), end_s in zip(self.turns, ends, strict=True):
            idle_s += end_s - at_s if choice.mode is DecodeMode.IDLE else 0
        return idle_s / self.lasts_s

    def mode_at(self, at_s: float) -> Choice:
        """The choice in force then."""
        return [choice for turn_s, choice in self.turns if turn_s <= at_s][-1]

    def wakes(self) -> list[tuple[float, Choice]]:
        """When the camera turned from idle to anything else, and to what."""
        pairs = zip(self.turns, self.turns[1:], strict=False)
        return [turn for (_, before), turn in pairs if before.mode is DecodeMode.IDLE is not turn[1].mode]


def replayed(
    path: Path,
    spec: CameraSpec | None = None,
    ingest: IngestSettings | None = None,
    places: LearningPlaces | None = None,
    wishes: Wishes | None = None,
) -> Replay:
    """The whole recording, as `CameraWorker` would have taken it live, with `wishes` that were there from the start."""
    spec, ingest = spec or camera_spec(source=f"file:{path}"), ingest or IngestSettings()
    wishes = wishes or Wishes()
    decode_path = DecodePath(spec.camera, ingest, wishes, places or LearningPlaces())
    watch, replay = PictureWatch(ingest, wishes), Replay()
    with libav_opened(str(path), None, (), SourceLimits()) as container, closing(_stamped(container)) as packets:
        for coded, stamp in packets:
            for outcome in decode_path.outcomes(coded, stamp):
                _take(outcome, stamp, spec, decode_path, watch, replay)
            replay.lasts_s = max(replay.lasts_s, (stamp.captured_us - BEGINS_US) / 1e6)
            if not replay.turns or replay.turns[-1][1] != decode_path.choice:
                replay.turns.append(((stamp.captured_us - BEGINS_US) / 1e6, decode_path.choice))
    return replay


def _stamped(container: InputContainer) -> Generator[tuple[CodedPacket, Stamp], None, None]:
    stamp, first_us = Stamp(0, 0, BEGINS_US), None
    for coded in container_packets(container, video_of(container), SourceLimits()):
        if coded.size_bytes and coded.stream_us is not None:
            first_us = coded.stream_us if first_us is None else first_us
            captured_us = BEGINS_US + coded.stream_us - first_us
            stamp = Stamp(stamp.number + 1, captured_us, captured_us)
            coded.packet.opaque = stamp
        yield coded, stamp


def _take(
    outcome: DecodedPicture | SourceError,
    stamp: Stamp,
    spec: CameraSpec,
    path: DecodePath,
    watch: PictureWatch,
    replay: Replay,
) -> None:
    if isinstance(outcome, SourceError):
        replay.failures.append(outcome)
        return
    stamp = outcome.stamp or stamp
    at_s = (stamp.captured_us - BEGINS_US) / 1e6
    replay.decoded_s.append(at_s)
    if watch.why_not_live(spec, outcome, stamp) is not None:
        return
    capture = watch.capture(spec, outcome, stamp.captured_us)
    path.looked(watch.looked_us, moving=watch.moving)
    if watch.moving and watch.looked_us == stamp.captured_us:
        replay.moving_s.append(at_s)
    if capture is not None:
        watch.published()
        replay.captures.append((at_s, capture))
