"""Tells when a configuration file has changed, however that is done: editors replace it, Kubernetes swaps a link."""

import os
from pathlib import Path

__all__ = ["ConfigWatch"]

_Seen = tuple[int, int, int, int] | None


class ConfigWatch:
    """Looks at a file each time that it is asked; a change counts once it has come to rest.

    watch = ConfigWatch(Path("config.yaml"))
    watch.changed()          # about twice a second
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = self._before = self._look()

    def changed(self) -> bool:
        """Whether the file is another than when this was last said, and was the same at the look before this one."""
        now = self._look()
        rests, self._before = now == self._before, now
        if now == self._told or not rests:
            return False
        self._told = now
        return True

    def _look(self) -> _Seen:
        try:
            seen = os.stat(self._path)  # noqa: PTH116  (it follows links, which is the point, and says so shorter)
        except OSError:
            return None
        return seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size
