"""The typed records that travel between services: the Python side of `schemas/records/`.

A test holds each class against its `.avsc`, field by field. Times are aware UTC datetimes (timestamp-micros on the
wire), boxes are fractions of the full frame, origin top-left.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from watchpost.contracts.camera_parts import (
    NOT_RECORDED,
    SOFTWARE,
    KeyRegion,
    Mask,
    Recording,
    UplinkMode,
    UplinkReason,
)
from watchpost.vision.geometry import FractionBox, FractionPoint

__all__ = [
    "Answer",
    "Assignment",
    "BridgeCheckpoint",
    "CameraId",
    "CameraSpec",
    "CaptureReason",
    "Command",
    "CommandKind",
    "DetectedObject",
    "EventChanged",
    "EventPhase",
    "EventType",
    "FrameAnalyzed",
    "FrameCaptured",
    "ImageCodec",
    "ImageRef",
    "Motion",
    "OffsetSpan",
    "Posture",
    "Provenance",
    "Question",
    "Record",
    "Region",
    "ReleasePublished",
    "SiteId",
    "SkipReason",
    "SourcePosition",
    "SourceSize",
    "SpecOrigin",
    "Task",
    "ThumbnailReason",
    "ThumbnailTaken",
    "Verdict",
    "VerdictGiven",
    "Zone",
    "ZoneKind",
]

CameraId = NewType("CameraId", str)
SiteId = NewType("SiteId", str)


class ImageCodec(StrEnum):
    """How a frame's bytes lie in the frame store."""

    I420 = "i420"
    JPEG = "jpeg"


class CaptureReason(StrEnum):
    """Why ingest published a frame."""

    INTERVAL = "interval"
    MOTION = "motion"
    BURST = "burst"
    ON_DEMAND = "on_demand"


class Posture(StrEnum):
    """How a person holds the body, as one frame shows it."""

    UPRIGHT = "upright"
    BENT = "bent"
    LYING = "lying"
    UNKNOWN = "unknown"


class SkipReason(StrEnum):
    """Why a frame was answered without being analysed."""

    EXPIRED = "expired"
    OVERLOAD = "overload"
    PAIRED = "paired"
    FRAME_GONE = "frame_gone"
    FRAME_CORRUPT = "frame_corrupt"
    ANALYZER_FAILED = "analyzer_failed"


class EventPhase(StrEnum):
    """Where an event stands in its life. Readers of an older version see a newer phase as `unknown`."""

    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    SAMPLE = "sample"
    UNKNOWN = "unknown"


class EventType(StrEnum):
    """The event types that Watchpost itself knows. On the wire a type is a string: users add their own tasks."""

    PERSON_COUNT = "person_count"
    FALL_DETECTED = "fall_detected"
    INTRUSION = "intrusion"
    LOITERING = "loitering"
    CROWD = "crowd"
    CAMERA_OFFLINE = "camera_offline"
    CAMERA_ONLINE = "camera_online"
    CAMERA_OBSCURED = "camera_obscured"
    ANALYSIS_DEGRADED = "analysis_degraded"
    STORAGE_LOW = "storage_low"
    DELIVERY_GAP = "delivery_gap"


class Task(StrEnum):
    """The tasks that Watchpost itself knows. On the wire a task is a string: users add their own."""

    PERSON_DETECTION = "person_detection"
    """How many people there are: person_count."""
    ABNORMAL_BEHAVIOR = "abnormal_behavior"
    """Falls; and intrusion, loitering and crowds where the camera's zones say so."""


class ZoneKind(StrEnum):
    """What is told of a zone."""

    INTRUSION = "intrusion"
    LOITERING = "loitering"
    CROWD = "crowd"


class ThumbnailReason(StrEnum):
    """Why a thumbnail was taken."""

    INTERVAL = "interval"
    EVENT = "event"
    CHANGED = "changed"
    SAMPLED = "sampled"
    UNKNOWN = "unknown"


class SpecOrigin(StrEnum):
    """Who wrote a camera's spec: the config loader removes only what it wrote itself."""

    CONFIG = "config"
    REST = "rest"
    ANALYZE = "analyze"


class CommandKind(StrEnum):
    """What a command asks of ingest."""

    BURST = "burst"
    ANALYZE_NOW = "analyze_now"
    FOLLOW = "follow"


class Verdict(StrEnum):
    """What a second look at an event found."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNSURE = "unsure"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What produced a result, exactly enough to repeat it."""

    model: str
    precision: str
    model_digest: str
    prompt_digest: str
    config_version: str
    software_version: str


@dataclass(frozen=True, slots=True)
class SourceSize:
    """The size of the camera's own picture, in pixels, as shown (after rotation and pixel aspect)."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A claim check on pixels in the frame store."""

    uri: str
    codec: ImageCodec
    width: int
    height: int
    bytes: int
    crc32c: int
    kept_until: datetime


@dataclass(frozen=True, slots=True)
class Region:
    """A key region at a higher resolution than the frame's."""

    name: str
    box: FractionBox
    image: ImageRef


@dataclass(frozen=True, slots=True)
class Motion:
    """What changed since the camera's last published frame: the share of blocks and where they lie."""

    changed: float
    boxes: tuple[FractionBox, ...]


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the picture in which people are told of: a simple polygon over their feet.

    Told when at least `people` of them (1 but for crowds) have been in it for `after_s` seconds.
    """

    name: str
    kind: ZoneKind
    polygon: tuple[FractionPoint, ...]
    after_s: float
    people: int


@dataclass(frozen=True, slots=True)
class Question:
    """A task in the user's words, answered with yes or no: yes counts where its probability is `threshold` or more."""

    name: str
    question: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Assignment:
    """What was asked of a camera. It travels with each frame, so that what comes of a frame depends on it alone.

    `bandwidth_saving` false is what `uplink` full was before there were other modes: ask `uplink_mode`. The names of
    `questions` stand among `tasks` too.
    """

    tasks: tuple[str, ...]
    zones: tuple[Zone, ...]
    bandwidth_saving: bool
    thumbnail_interval_s: float
    questions: tuple[Question, ...] = ()
    uplink: UplinkMode = UplinkMode.METADATA

    @property
    def uplink_mode(self) -> UplinkMode:
        """Which pictures go up, also as writers that know `bandwidth_saving` alone say it."""
        return self.uplink if self.bandwidth_saving else UplinkMode.FULL


@dataclass(frozen=True, slots=True)
class FrameCaptured:
    """A frame that ingest put into the frame store.

    `stream_bytes`: read of the stream so far by this process. `uplink_reason`: why it is to go up as a picture, if so.
    `recorded`: whether the camera's packets were kept then.
    """

    frame_id: str
    site: SiteId
    camera: CameraId
    captured_at: datetime
    sequence: int
    source: SourceSize
    roi: FractionBox | None
    image: ImageRef
    regions: tuple[Region, ...]
    motion: Motion
    reason: CaptureReason
    assignment: Assignment
    stream_bytes: int
    expires_at: datetime
    uplink_reason: UplinkReason | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """One object of a frame. `posture` is said of persons only."""

    label: str
    box: FractionBox
    score: float
    posture: Posture
    posture_score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A task's answer: the most probable label and how probable it is.

    The label `unsure` is no evidence either way; its probability is the share that lay on all answers together.
    """

    task: str
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class FrameAnalyzed:
    """What inference saw in a frame, or why it did not look (`skipped`)."""

    frame_id: str
    site: SiteId
    camera: CameraId
    captured_at: datetime
    analyzed_at: datetime
    image: ImageRef
    reason: CaptureReason
    assignment: Assignment
    stream_bytes: int
    objects: tuple[DetectedObject, ...]
    answers: tuple[Answer, ...]
    person_count: int
    skipped: SkipReason | None
    provenance: Provenance
    uplink_reason: UplinkReason | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class EventChanged:
    """A revision of an event. (event_id, revision) names the record; consumers take the highest revision."""

    event_id: str
    revision: int
    site: SiteId
    camera: CameraId
    type: str
    phase: EventPhase
    opened_at: datetime
    at: datetime
    confidence: float
    person_count: int | None
    box: FractionBox | None
    thumbnail_id: str | None
    clip_uri: str | None
    verdict: Verdict | None
    detail: str | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ThumbnailTaken:
    """A small JPEG: the only pixels that travel through Kafka."""

    thumbnail_id: str
    site: SiteId
    camera: CameraId
    event_id: str | None
    taken_at: datetime
    reason: ThumbnailReason
    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """What a camera is and how it is watched. A null value on the topic removes the camera.

    `substream` is analysed in place of the source, which is then only recorded; `decoder` is `software` or the name
    of a hardware's.
    """

    camera: CameraId
    source: str
    secret_ref: str | None
    origin: SpecOrigin
    expires_at: datetime | None
    max_frames: float
    skip_frames: int
    height_px: int
    roi: FractionBox | None
    assignment: Assignment
    config_version: str
    substream: str | None = None
    decoder: str = SOFTWARE
    regions: tuple[KeyRegion, ...] = ()
    masks: tuple[Mask, ...] = ()
    recording: Recording = NOT_RECORDED


@dataclass(frozen=True, slots=True)
class Command:
    """Something that ingest is asked to do now with one camera."""

    command_id: str
    site: SiteId
    camera: CameraId
    kind: CommandKind
    requested_at: datetime
    around: datetime
    before_ms: int
    after_ms: int
    event_id: str | None
    requested_by: str


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """A second look at an event. It revises the event and never overwrites it."""

    verdict_id: str
    event_id: str
    site: SiteId
    camera: CameraId
    verdict: Verdict
    given_at: datetime
    given_by: str
    confidence: float
    note: str | None
    provenance: Provenance | None


@dataclass(frozen=True, slots=True)
class OffsetSpan:
    """Offsets of one partition, from the first up to, not including, the second."""

    from_offset: int
    to_offset: int


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """How far a bridge has brought one partition of the site to the centre, within one epoch of that partition.

    `leader_epoch` is Kafka's, of the last record brought (-1: none): it tells a log that lost its end. `sent_ahead`
    names what was brought beyond `next_offset`, in order, none adjoining another. `last_at_ms` is the latest Kafka
    timestamp of what was brought (-1: not known): it tells an older log that was put back.
    """

    topic: str
    topic_id: str
    partition: int
    epoch: int
    next_offset: int
    leader_epoch: int
    sent_ahead: tuple[OffsetSpan, ...] = ()
    last_at_ms: int = -1


@dataclass(frozen=True, slots=True)
class BridgeCheckpoint:
    """All source positions of one bridge producer, written in the same transaction as the records they count."""

    site: SiteId
    producer: str
    source_cluster_id: str
    positions: tuple[SourcePosition, ...]
    written_at: datetime


@dataclass(frozen=True, slots=True)
class ReleasePublished:
    """A model release that sites may take."""

    model: str
    version: str
    manifest_uri: str
    manifest_sha256: str
    published_at: datetime


Record = (
    FrameCaptured
    | FrameAnalyzed
    | EventChanged
    | ThumbnailTaken
    | CameraSpec
    | Command
    | VerdictGiven
    | BridgeCheckpoint
    | ReleasePublished
)
