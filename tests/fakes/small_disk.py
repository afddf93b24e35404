"""A disk of a few megabytes that tests fill: a tmpfs, which only root may mount."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.requirements import require

__all__ = ["SmallDisk", "small_disk"]


class SmallDisk:
    """Where it is mounted, and a file of somebody else's that takes what a test wants taken.

    Example:
        with small_disk(tmp_path) as disk:
            disk.leave(4096)
            disk.leave_all()

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._others = path / "others"

    def leave(self, free_bytes: int) -> None:
        """Leave this much free, to the page."""
        self._others.unlink(missing_ok=True)
        taken = self.free_bytes() - free_bytes
        with self._others.open("wb") as file:
            while taken > 0:
                try:
                    taken -= file.write(b"x" * min(taken, 4096))
                    file.flush()
                except OSError:
                    return

    def leave_all(self) -> None:
        """Delete what others have."""
        self._others.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """What is free."""
        done = subprocess.run(["stat", "-f", "-c", "%a %S", str(self.path)], capture_output=True, text=True, check=True)
        blocks, size = done.stdout.split()
        return int(blocks) * int(size)


@contextmanager
def small_disk(folder: Path, *, size_kib: int = 4096, inodes: int = 100) -> Iterator[SmallDisk]:
    """Mount it below `folder` while the block runs."""
    path = folder / "disk"
    path.mkdir()
    options = f"size={size_kib}k,nr_inodes={inodes}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], capture_output=True, check=False
    )
    require("a disk of its own", "run the tests as root, who may mount a tmpfs", found=mounted.returncode == 0)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
