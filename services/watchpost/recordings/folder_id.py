"""Names a folder of recordings, so that processes which share a disk know that they do."""

import os
import secrets
from pathlib import Path

from watchpost.recordings.segment_file import sync_folder

__all__ = ["folder_id"]


def folder_id(root: Path) -> str:
    """The id of the folder, the same for everybody and for as long as it is there. Raises OSError."""
    path = root / "id"
    if not path.exists():
        mine = root / f".id.{os.getpid()}.{secrets.token_hex(4)}"
        mine.write_text(secrets.token_hex(6))
        try:
            os.link(mine, path)  # whoever is first: a name that is there is not replaced
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        sync_folder(root)
    return path.read_text().strip()
