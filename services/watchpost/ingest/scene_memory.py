"""Keeps what a camera usually sees beyond the life of who watches it: who comes after could not learn it any more."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from watchpost.vision.scene_edges import Edges

__all__ = ["LostScene", "scene_in"]


@dataclass(frozen=True, slots=True)
class LostScene:
    """A scene that is gone from its camera's picture `since_us`, as it was known until then.

    `usual`: how much of it was usually kept from picture to picture. `brightness`: as of late. Compared by identity.
    """

    edges: Edges
    usual: float
    brightness: float
    since_us: int

    def to_bytes(self, source: str) -> bytes:
        """About 4 KB; `source` names what the camera was read from."""
        file = io.BytesIO()
        figures = np.array([self.usual, self.brightness, self.since_us], np.float64)
        np.savez_compressed(file, source=np.array(source), edges=self.edges, figures=figures)
        return file.getvalue()


def scene_in(memory: bytes, source: str) -> LostScene | None:
    """What `to_bytes` made of a scene; None where that was another source's, or cannot be read."""
    try:
        with np.load(io.BytesIO(memory), allow_pickle=False) as kept:
            usual, brightness, since_us = (float(figure) for figure in kept["figures"])
            edges, its_source = np.asarray(kept["edges"], np.float32), str(kept["source"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if its_source != source or edges.ndim != 2:  # noqa: PLR2004  (rows and columns)
        return None
    return LostScene(edges, usual, brightness, int(since_us))
