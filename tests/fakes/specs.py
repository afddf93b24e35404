"""Camera specs for tests, of which each names only what matters to it."""

from datetime import datetime

from watchpost.contracts.camera_parts import NOT_RECORDED, SOFTWARE, KeyRegion, Mask, Recording
from watchpost.contracts.records import Assignment, CameraId, CameraSpec, Question, SpecOrigin, Task, Zone
from watchpost.vision.geometry import FractionBox

__all__ = ["assignment", "camera_spec"]


def assignment(
    *tasks: str,
    zones: tuple[Zone, ...] = (),
    bandwidth_saving: bool = True,
    thumbnail_interval_s: float = 10,
    questions: tuple[Question, ...] = (),
) -> Assignment:
    """What is asked of a camera: all tasks that are built in, where none is named, and the questions."""
    names = (*(tasks or tuple(Task)), *(question.name for question in questions))
    return Assignment(names, zones, bandwidth_saving, thumbnail_interval_s, questions)


def camera_spec(  # noqa: PLR0913  (each test varies another of these)
    camera: str = "door",
    *,
    source: str = "sim:street",
    secret_ref: str | None = None,
    origin: SpecOrigin = SpecOrigin.CONFIG,
    expires_at: datetime | None = None,
    max_frames: float = 10,
    skip_frames: int = 0,
    height_px: int = 720,
    roi: FractionBox | None = None,
    regions: tuple[KeyRegion, ...] = (),
    masks: tuple[Mask, ...] = (),
    recording: Recording = NOT_RECORDED,
    config_version: str = "test",
    decoder: str = SOFTWARE,
    substream: str | None = None,
) -> CameraSpec:
    """A spec as the config loader would write it."""
    return CameraSpec(
        camera=CameraId(camera),
        source=source,
        secret_ref=secret_ref,
        origin=origin,
        expires_at=expires_at,
        max_frames=max_frames,
        skip_frames=skip_frames,
        height_px=height_px,
        roi=roi,
        assignment=assignment(),
        config_version=config_version,
        regions=regions,
        masks=masks,
        recording=recording,
        decoder=decoder,
        substream=substream,
    )
