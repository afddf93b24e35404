"""The empty places that scenes play in."""

import numpy as np

from watchpost.simulation.painting import Canvas
from watchpost.simulation.places.room import paint_room
from watchpost.simulation.places.shop import paint_shop
from watchpost.simulation.places.street import paint_street
from watchpost.simulation.spec import Place
from watchpost.simulation.sprites import Picture
from watchpost.simulation.viewpoint import Viewpoint

__all__ = ["draw_place"]


def draw_place(place: Place, viewpoint: Viewpoint, random: np.random.Generator) -> Picture:
    """The empty place as a BGR picture (H, W, 3) of the viewpoint's size; each seed paints another one."""
    canvas = Canvas.blank(viewpoint, random)
    _PAINTERS[place](canvas)
    return canvas.finish()


_PAINTERS = {Place.STREET: paint_street, Place.ROOM: paint_room, Place.SHOP: paint_shop}
