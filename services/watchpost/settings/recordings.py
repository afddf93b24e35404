"""Whether, where and how long a site keeps its cameras' packets and the clips of its events."""

from pathlib import Path

from pydantic import Field, model_validator

from watchpost.settings.strict import StrictModel

__all__ = ["ClipSettings", "RecordingSettings"]

_GIB = 1024**3


class ClipSettings(StrictModel):
    """What is kept of a confirmed event."""

    keep_days: float = Field(default=30, gt=0, le=3650, description="how long a clip is kept")
    before_s: float = Field(default=10, ge=0, le=600, description="how much of the time before the event it shows")
    after_s: float = Field(default=10, ge=0, le=600, description="and of the time after")
    max_bytes: int = Field(default=10 * _GIB, ge=1024**2, description="of all clips together; the oldest go first")


class RecordingSettings(StrictModel):
    """The ring of recordings. Bounded by hours, by bytes and by what must stay free on its disk, whichever is first."""

    enabled: bool = Field(default=False, description="of every camera that says nothing else")
    path: Path | None = Field(default=None, description="a folder; recordings under state_dir unless given")
    keep_hours: float = Field(default=24, gt=0, le=8760, description="how far back recordings reach at most")
    max_bytes: int = Field(default=50 * _GIB, ge=64 * 1024**2, description="of all recordings together")
    min_free_bytes: int = Field(default=2 * _GIB, ge=0, description="what recordings leave free on their disk")
    clips: ClipSettings = ClipSettings()

    @model_validator(mode="after")
    def _clips_lie_in_the_ring(self) -> "RecordingSettings":
        if self.clips.before_s + self.clips.after_s > self.keep_hours * 3600:
            raise ValueError(
                f"a clip of {self.clips.before_s:g} s before and {self.clips.after_s:g} s after an event is longer "
                f"than what keep_hours ({self.keep_hours:g}) keeps; raise keep_hours, or lower clips.before_s"
            )
        return self

    def folder(self, state_dir: Path) -> Path:
        """Where the recordings lie."""
        return state_dir / "recordings" if self.path is None else self.path
