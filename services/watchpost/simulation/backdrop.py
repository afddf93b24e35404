"""What stands behind the people: a place drawn once for a scene."""

import numpy as np

from watchpost.simulation.spec import Place
from watchpost.simulation.sprites import Picture
from watchpost.simulation.viewpoint import Viewpoint

__all__ = ["draw_backdrop"]


def draw_backdrop(place: Place, viewpoint: Viewpoint, random: np.random.Generator) -> Picture:
    """The empty place as a BGR picture."""
    del place, random
    picture = np.full((viewpoint.height_px, viewpoint.width_px, 3), 150, np.uint8)
    picture[int(viewpoint.horizon_px) + 100 :] = 120
    return picture
