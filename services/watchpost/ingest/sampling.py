"""Which decoded pictures are published: few while nothing moves, enough for a fall while something does.

- *idle*: `idle_fps`;
- *moving*: up to `max_fps`;
- *held*, for `active_hold_us` after the last motion: `active_fps`. Who fell and lies still changes nothing: the hold
  must outlast the fall's confirmation (0.6 s of lying, DESIGN section 6) by some seconds; 5 s does. Held as well while
  somebody is followed, however still they keep.

`max_fps` caps them all. `skip_frames: n` comes on top and knows no exception: after each picture kept, the next n
decoded ones are dropped whatever the rates say, so a camera of 25 fps with n = 4 gives 5 a second at most.
"""

from dataclasses import dataclass, replace

from watchpost.contracts.records import CameraSpec, CaptureReason
from watchpost.settings import IngestSettings

__all__ = ["SamplingRules", "SamplingState", "sample", "sampling_rules"]


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """Rates in pictures a second."""

    idle_fps: float
    active_fps: float
    active_hold_us: int
    max_fps: float
    skip_frames: int


@dataclass(frozen=True, slots=True)
class SamplingState:
    """What is remembered between pictures.

    `slot_us` is when the last kept picture was due, which is a little before it was there: counting on from there, and
    not from the picture, keeps a rate of 10 from becoming 8.3 on a camera of 25.
    """

    slot_us: int | None = None
    moved_us: int | None = None
    dropped: int = 0


def sampling_rules(ingest: IngestSettings, spec: CameraSpec) -> SamplingRules:
    """The site's rates, capped by what the camera's spec allows."""
    return SamplingRules(
        idle_fps=min(ingest.idle_fps, spec.max_frames),
        active_fps=min(ingest.active_fps, spec.max_frames),
        active_hold_us=round(ingest.active_hold_s * 1_000_000),
        max_fps=spec.max_frames,
        skip_frames=spec.skip_frames,
    )


def sample(
    state: SamplingState, at_us: int, *, moving: bool, rules: SamplingRules, followed: bool = False
) -> tuple[SamplingState, CaptureReason | None]:
    """The state after one more decoded picture, and why it is to be published (None: it is not)."""
    moved_us = at_us if moving else state.moved_us
    held = followed or (moved_us is not None and at_us - moved_us <= rules.active_hold_us)
    fps = rules.max_fps if moving else rules.active_fps if held else rules.idle_fps
    period_us = round(1_000_000 / fps)
    if state.slot_us is not None and (at_us - state.slot_us < period_us or state.dropped < rules.skip_frames):
        return replace(state, moved_us=moved_us, dropped=state.dropped + 1), None
    slot_us = at_us
    if state.slot_us is not None and at_us - state.slot_us < 2 * period_us:
        slot_us = state.slot_us + period_us
    return SamplingState(slot_us, moved_us), CaptureReason.MOTION if held else CaptureReason.INTERVAL
