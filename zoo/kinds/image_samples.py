"""Images for the tests that plugins pass: drawn shapes, each label with its form and its colour."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from zoo.kinds.drawn_shapes import background, draw_shape, free_places
from zoo.kinds.samples import LABELS, ROWS_PER_LABEL, SamplePart, SampleSet, draws

SIZES = ((48, 40), (40, 40), (40, 52))
"""Widths and heights, in pixels."""
SIDES = (14, 18)
"""Least and greatest width of a shape, in pixels."""
PALENESS = 0.7
"""Of backgrounds, beside which the colours of the shapes stand out."""
_SHAPES = {
    "007": ("circle", (200, 40, 40)),
    "late parcel": ("square", (40, 200, 40)),
    "réclamation": ("triangle", (40, 40, 200)),
}
_MIXED = 8
"""Pictures with shapes of several labels."""


class _Drawn(NamedTuple):
    """A picture in its file."""

    path: Path
    parts: tuple[SamplePart, ...]


class ImageSamples(SampleSet):
    """Pictures of one shape or two in class folders; beside them some of several labels, and one of nothing.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drawn: list[_Drawn] = []

    def rows(self) -> list[tuple[Any, str]]:
        """Paths from the folder of the samples on."""
        return [(self.cell(path), path.parent.name) for path in sorted(self.labelled().rglob("*.png"))]

    def parts(self) -> list[tuple[Any, tuple[SamplePart, ...]]]:
        """The same with the corners of their shapes, and those of several labels and of none."""
        return [(self.cell(drawn.path), drawn.parts) for drawn in self._pictures()]

    def labelled(self) -> Path:
        """A folder with a folder for each label."""
        self._pictures()
        return self._folder / "images"

    def unlabelled(self) -> Path:
        """The same; its labels are not asked for."""
        return self.labelled()

    def inputs(self, mark: str) -> list[Any]:
        """Paths."""
        return [str(drawn.path) for drawn in self._pictures()[::4]]

    def unusable(self) -> list[Any]:
        """A file that is not there, one that is no image, and what is no path."""
        broken = self._folder / "broken\x1b[2J.png"
        broken.write_bytes(b"\x1b]0;owned\x07 is no image")
        return [str(self._folder / "nowhere\x1b[2J.png"), str(broken), 7]

    def cell(self, value: Any) -> Any:
        """The path from the folder of the samples on."""
        return Path(value).relative_to(self._folder).as_posix()

    def _pictures(self) -> list[_Drawn]:
        """All of them; drawn when they are first asked for."""
        if self._drawn:
            return self._drawn
        draw, sizes = draws(), cycle(SIZES)
        for label in LABELS:
            for number in range(ROWS_PER_LABEL):
                self._draw(draw, f"images/{label}/{number:02}.png", next(sizes), [label] * (1 + number // 4 % 2))
        for number in range(_MIXED):
            self._draw(draw, f"mixed/{number}.png", next(sizes), draw.sample(LABELS, 2))
        self._draw(draw, "mixed/nothing.png", next(sizes), [])
        return self._drawn

    def _draw(self, draw: random.Random, name: str, size: tuple[int, int], labels: Sequence[str]) -> None:
        picture, parts = background(draw, *size, paleness=PALENESS), []
        for label, place in zip(labels, free_places(draw, size, len(labels), SIDES), strict=True):
            shape, colour = _SHAPES[label]
            parts.append(SamplePart(label, draw_shape(picture, shape, place, colour)))
        path = self._folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
        self._drawn.append(_Drawn(path, tuple(parts)))
