"""Says which clips still have to go up: those without a mark, so that no crash or outage forgets one."""

from pathlib import Path

from watchpost.recordings.segment_file import sync_folder

__all__ = ["ClipMarks"]


class ClipMarks:
    """Marks beside the clips below `root`, one empty file each: `ROOT/clips/uploaded/EVENT_ID`."""

    def __init__(self, root: Path) -> None:
        self._clips = root / "clips"
        self._marks = self._clips / "uploaded"

    def unmarked(self) -> list[Path]:
        """The clips that have no mark, those of the oldest events first. Raises OSError."""
        if not self._clips.is_dir():
            return []
        marked = self._marked()
        found = [path for path in self._clips.glob("*.mp4") if path.stem not in marked]
        return sorted(found, key=_taken_ns)

    def mark(self, clip: Path) -> None:
        """Remember durably that a clip is at the centre. Raises OSError."""
        self._marks.mkdir(mode=0o750, exist_ok=True)
        (self._marks / clip.stem).touch(mode=0o640)
        sync_folder(self._marks)

    def sweep(self) -> None:
        """Delete the marks of clips that are gone. Raises OSError."""
        for event_id in self._marked():
            if not (self._clips / f"{event_id}.mp4").exists():
                (self._marks / event_id).unlink(missing_ok=True)

    def _marked(self) -> set[str]:
        return {path.name for path in self._marks.iterdir()} if self._marks.is_dir() else set()


def _taken_ns(clip: Path) -> int:
    """When its event was, as `Clips.keep` left it; 0 where it is gone by now."""
    try:
        return clip.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
