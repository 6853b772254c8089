"""Pictures that are drawn here, of things whose boxes are known: shapes of any colour on backgrounds of any colours."""

from __future__ import annotations

import json
import random
from importlib.util import find_spec
from math import cos, pi, sin
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import Unsupported

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

WIDTH, HEIGHT = 160, 120
SIDES = (24, 56)
"""Least and greatest width of a shape, in pixels."""
MOST = 3
"""Shapes in a picture, at most; every tenth picture has none."""
TRAIN, TEST = 200, 60
"""Pictures to train on, and to judge by."""
CORNERS = {"circle": 0, "square": 4, "star": 10, "triangle": 3}
"""Corners of each shape; a star's are in and out in turn."""
Rectangle = tuple[int, int, int, int]
"""Left, top, right and bottom."""


def write_shapes(folder: Path) -> None:
    """Write pictures, and tables of the boxes in them.

        train.jsonl, test.jsonl    a picture in each row, with its boxes
        train/17.png, test/3.png

    Args:
        folder: made where it is missing.

    Raises:
        Unsupported: Pillow is not installed.
    """
    if find_spec("PIL") is None:
        raise Unsupported("drawing needs Pillow", "pip install zoo-torchvision")
    for part, count in (("train", TRAIN), ("test", TEST)):
        draw = random.Random(part)  # noqa: S311
        (folder / part).mkdir(parents=True, exist_ok=True)
        rows = []
        for number in range(count):
            picture, boxes = _picture(draw, 0 if number % 10 == 9 else draw.randint(1, MOST))
            picture.save(folder / part / f"{number}.png")
            rows.append(json.dumps({"file_name": f"{part}/{number}.png", "boxes": boxes}))
        (folder / f"{part}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _picture(draw: random.Random, count: int) -> tuple[Image.Image, list[dict[str, object]]]:
    """A picture, and the shapes in it."""
    from PIL import Image, ImageDraw

    colours = Image.frombytes("RGB", (8, 6), draw.randbytes(8 * 6 * 3))
    picture = colours.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    boxes: list[dict[str, object]] = []
    for place in _places(draw, count):
        label, colour = draw.choice(sorted(CORNERS)), tuple(draw.randbytes(3))
        left, top, right, bottom = _draw(ImageDraw.Draw(picture), label, place, colour)
        boxes.append({"label": label, "left": left, "top": top, "right": right, "bottom": bottom})
    return picture, boxes


def _places(draw: random.Random, count: int) -> list[Rectangle]:
    """Squares within a picture, of which no two overlap."""
    places: list[Rectangle] = []
    while len(places) < count:
        side = draw.randint(*SIDES)
        left, top = draw.randint(0, WIDTH - side), draw.randint(0, HEIGHT - side)
        if all(_apart((left, top, left + side, top + side), place) for place in places):
            places.append((left, top, left + side, top + side))
    return places


def _apart(one: Rectangle, other: Rectangle) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def _draw(canvas: ImageDraw.ImageDraw, label: str, place: Rectangle, colour: tuple[int, ...]) -> Rectangle:
    """Draw a shape as large as its place lets it be; returns the box around it."""
    if not CORNERS[label]:
        canvas.ellipse(place, fill=colour)
        return place
    x, y, radius = (place[0] + place[2]) / 2, (place[1] + place[3]) / 2, (place[2] - place[0]) / 2
    corners = []
    for i in range(CORNERS[label]):
        angle, length = (
            2 * pi * (i + 0.5 * (label == "square")) / CORNERS[label],
            radius * (0.45 if label == "star" and i % 2 else 1),
        )
        corners.append((round(x + length * sin(angle)), round(y - length * cos(angle))))
    canvas.polygon(corners, fill=colour)
    columns, rows = zip(*corners, strict=True)
    return min(columns), min(rows), max(columns), max(rows)
