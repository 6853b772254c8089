"""Data for a detector: pictures of shapes of any colour, with the boxes around them."""

from __future__ import annotations

import json
import random
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import Unsupported
from zoo.kinds.drawn_shapes import CORNERS, background, box_around, draw_shape, free_places

if TYPE_CHECKING:
    from PIL import Image

WIDTH, HEIGHT = 160, 120
SIDES = (24, 56)
"""Least and greatest width of a shape, in pixels."""
MOST = 3
"""Shapes in a picture, at most; every tenth picture has none."""
TRAIN, TEST = 200, 60
"""Pictures to train on, and to judge by."""


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
    picture = background(draw, WIDTH, HEIGHT)
    boxes: list[dict[str, object]] = []
    for place in free_places(draw, (WIDTH, HEIGHT), count, SIDES):
        label, colour = draw.choice(sorted(CORNERS)), tuple(draw.randbytes(3))
        left, top, right, bottom = box_around(draw_shape(picture, label, place, colour))
        boxes.append({"label": label, "left": left, "top": top, "right": right, "bottom": bottom})
    return picture, boxes
