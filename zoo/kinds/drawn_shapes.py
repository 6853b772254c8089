"""Pictures that are drawn here, of things whose places are known: shapes on backgrounds of any colours."""

from __future__ import annotations

import random
from math import cos, pi, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

CORNERS = {"circle": 48, "square": 4, "star": 10, "triangle": 3}
"""Corners of each shape; a star's are in and out in turn."""
PATCH = 20
"""Pixels from one colour of a background to the next, into which it fades."""
GREY = (128, 128, 128)
Rectangle = tuple[int, int, int, int]
"""Left, top, right and bottom."""
Corners = tuple[tuple[int, int], ...]
"""Columns and rows."""


def background(draw: random.Random, width: int, height: int, *, paleness: float = 0.0) -> Image.Image:
    """Colours that fade into each other.

    Args:
        draw: gives the random numbers.
        width: in pixels.
        height: in pixels.
        paleness: 1 is grey.
    """
    from PIL import Image

    columns, rows = max(2, width // PATCH), max(2, height // PATCH)
    colours = Image.frombytes("RGB", (columns, rows), draw.randbytes(columns * rows * 3))
    picture = colours.resize((width, height), Image.Resampling.BICUBIC)
    return Image.blend(picture, Image.new("RGB", picture.size, GREY), paleness) if paleness else picture


def free_places(draw: random.Random, size: tuple[int, int], count: int, sides: tuple[int, int]) -> list[Rectangle]:
    """Squares within a picture, of which no two overlap.

    Args:
        draw: gives the random numbers.
        size: width and height of the picture.
        count: of the squares; few enough to find room.
        sides: least and greatest width of one, in pixels.
    """
    places: list[Rectangle] = []
    while len(places) < count:
        side = draw.randint(*sides)
        left, top = draw.randint(0, size[0] - side), draw.randint(0, size[1] - side)
        if all(_apart((left, top, left + side, top + side), place) for place in places):
            places.append((left, top, left + side, top + side))
    return places


def _apart(one: Rectangle, other: Rectangle) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def draw_shape(picture: Image.Image, shape: str, place: Rectangle, colour: tuple[int, ...]) -> Corners:
    """Draw one of `CORNERS` as large as its place lets it be."""
    from PIL import ImageDraw

    x, y, radius = (place[0] + place[2]) / 2, (place[1] + place[3]) / 2, (place[2] - place[0]) / 2
    corners = []
    for i in range(CORNERS[shape]):
        angle = 2 * pi * (i + 0.5 * (shape == "square")) / CORNERS[shape]
        length = radius * (0.45 if shape == "star" and i % 2 else 1)
        corners.append((round(x + length * sin(angle)), round(y - length * cos(angle))))
    ImageDraw.Draw(picture).polygon(corners, fill=colour)
    return tuple(corners)


def box_around(corners: Corners) -> Rectangle:
    """The smallest rectangle that holds a shape."""
    columns, rows = zip(*corners, strict=True)
    return min(columns), min(rows), max(columns), max(rows)
