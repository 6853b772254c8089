"""Curves as a picture, drawn by Pillow alone."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from zoo.blocks import Curve
from zoo.rendering.plot import plot_of
from zoo.sanitize import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 2
"""Curves that stand side by side."""
PANEL = (640, 400)
"""Pixels of a curve with all that belongs to it."""
LEFT, TOP, RIGHT, BOTTOM = 90, 50, 24, 44
"""Pixels around its frame."""
FONT_SIZE = 16
GROUND, INK, LINE, GRID = "white", (40, 40, 40), (76, 139, 245), (222, 222, 222)


def can_draw() -> bool:
    """Whether there is what draws."""
    return find_spec("PIL") is not None


def curve_picture(curves: Sequence[Curve]) -> Image:
    """Curves in a grid, on white.

    Args:
        curves: one or more, each with a point at least.

    Raises:
        ImportError: Pillow is missing; `can_draw` tells.
    """
    from PIL import Image, ImageDraw, ImageFont

    columns = min(COLUMNS, len(curves))
    width, height = PANEL
    picture = Image.new("RGB", (columns * width, -(-len(curves) // columns) * height), GROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT_SIZE)
    for number, curve in enumerate(curves):
        left, top = number % columns * width + LEFT, number // columns * height + TOP
        right, bottom = left + width - LEFT - RIGHT, top + height - TOP - BOTTOM
        plot = plot_of(curve, right - left, bottom - top)
        for tick in plot.y_ticks:
            draw.line((left, top + tick.place, right, top + tick.place), GRID)
            draw.text((left - 8, top + tick.place), tick.text, INK, font, anchor="rm")
        for tick in plot.x_ticks:
            draw.line((left + tick.place, bottom, left + tick.place, bottom + 5), INK)
            draw.text((left + tick.place, bottom + 8), tick.text, INK, font, anchor="mt")
        draw.rectangle((left, top, right, bottom), outline=INK)
        line = [(left + x, top + y) for x, y in plot.line]
        draw.line(line, LINE, 3, joint="curve")
        x, y = line[-1]
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), LINE)
        draw.text((left, top - 14), f"{one_line(curve.title)}  {curve.points[-1][1]:.4g}", INK, font, anchor="lb")
    return picture
