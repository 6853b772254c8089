"""Masks that are drawn instead of stored: polygons and run lengths, as COCO's JSON has them.

A cell is a list of shapes, or a text that holds such a list as JSON; what no shape covers is background:

    {"label": "cat", "segmentation": [[12, 30, 96, 30, 96, 80]]}                 polygons: x and y in turn, in pixels
    {"label": "cat", "segmentation": {"size": [480, 640], "counts": [5, 12, ...]}}    run lengths, column by column
    {"label": "cat", "segmentation": {"size": [480, 640], "counts": "PPYo0..."}}      likewise, in COCO's letters

A format that knows the picture's size gives `{"objects": [...], "width": 640, "height": 480}`.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from zoo.kinds.boxes import HEIGHT, OBJECTS, WIDTH
from zoo.kinds.kind import Unusable, is_empty, noun_of
from zoo.kinds.label import LABEL
from zoo.kinds.spelling import quoted_start

_LABEL_KEYS = ("label", "category", "class", "name")
_SHAPE_KEYS = ("segmentation", "polygons", "polygon", "points")
_FEWEST = 6
"""Numbers of a polygon: three corners."""


class Shape(msgspec.Struct, frozen=True):
    """One thing in a picture."""

    label: str
    polygons: tuple[bytes, ...] = ()
    """Corners of each: x and y in turn, in pixels, as 32-bit floats."""
    runs: bytes = b""
    """Lengths of runs outside and inside in turn, column by column from the upper left, as 32-bit integers."""
    ignored: bool = False
    """Whether its pixels teach nothing: a crowd of things that nobody told apart."""

    @property
    def area(self) -> float:
        """Of all of it, in pixels."""
        if self.runs:
            return float(sum(array("I", self.runs)[1::2]))
        return sum(map(_area, self.polygons))


class Drawing(NamedTuple):
    """What a cell says."""

    shapes: tuple[Shape, ...]
    """The largest first: smaller ones lie on top."""
    width: int
    """Of the picture, in pixels; 0 where it is not said."""
    height: int


def read_shapes(value: Any, column: str) -> Drawing:
    """The shapes of a cell.

    Raises:
        Unusable: it holds something else.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise Unusable(f"column {column} holds {quoted_start(value)}, which is no JSON list of shapes") from error
    size = (0, 0)
    if isinstance(value, Mapping) and OBJECTS in value:
        size = (int(value.get(WIDTH) or 0), int(value.get(HEIGHT) or 0))
        value = value[OBJECTS]
    if not isinstance(value, list | tuple):
        raise Unusable(f"column {column} holds {noun_of(value)}, not the path of a mask or a list of shapes")
    shapes = []
    for number, one in enumerate(value, start=1):
        try:
            shape, stated = _shape(one)
        except Unusable as unusable:
            raise Unusable(f"shape {number} of column {column} {unusable}") from None
        if stated and any(size) and stated != size:
            raise Unusable(
                f"shape {number} of column {column} is of a picture of {stated[0]} x {stated[1]} pixels, not of "
                f"{size[0]} x {size[1]}"
            )
        size = stated or size
        shapes.append(shape)
    return Drawing(tuple(sorted(shapes, key=lambda shape: -shape.area)), *size)


def corners_of(polygon: bytes) -> list[float]:
    """X and y in turn."""
    return array("f", polygon).tolist()


def _shape(one: Any) -> tuple[Shape, tuple[int, int] | None]:
    """A shape and, of run lengths, width and height of its picture.

    Raises:
        Unusable: saying what it lacks, as a clause.
    """
    if not isinstance(one, Mapping):
        raise Unusable(f"is {noun_of(one)}, not an object")
    key = next((key for key in _LABEL_KEYS if not is_empty(one.get(key))), "")
    if not key:
        raise Unusable("has no label")
    label, crowd = LABEL.read(one[key], key), bool(one.get("iscrowd"))
    assert label is not None
    segmentation = next((one[key] for key in _SHAPE_KEYS if one.get(key)), None)
    if isinstance(segmentation, Mapping):
        runs, size = _runs(segmentation)
        return Shape(label, runs=array("I", runs).tobytes(), ignored=crowd), size
    if not isinstance(segmentation, list | tuple):
        raise Unusable("has no segmentation: neither polygons nor run lengths")
    polygons = segmentation if any(isinstance(part, list | tuple) for part in segmentation) else [segmentation]
    if all(isinstance(part, list | tuple) and len(part) == 2 for part in polygons) and len(polygons) > 2:
        polygons = [[number for point in polygons for number in point]]  # corners in pairs
    return Shape(label, tuple(_polygon(part) for part in polygons), ignored=crowd), None


def _polygon(numbers: Any) -> bytes:
    try:
        corners = array("f", [float(number) for number in numbers])
    except (TypeError, ValueError, OverflowError):
        corners = array("f")
    if len(corners) < _FEWEST or len(corners) % 2 or not all(map(math.isfinite, corners)):
        raise Unusable("has a polygon that is no list of x and y of three corners and more")
    return corners.tobytes()


def _runs(segmentation: Mapping[str, Any]) -> tuple[Sequence[int], tuple[int, int]]:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not (isinstance(size, list | tuple) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)):
        raise Unusable("has run lengths without the size of the picture, [height, width]")
    runs = _decoded(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list | tuple) or not all(type(run) is int and 0 <= run < 2**32 for run in runs):
        raise Unusable("has counts that are no run lengths")
    height, width = size
    if sum(runs) != height * width:
        raise Unusable(f"has run lengths of {sum(runs):,} pixels in all, and its picture has {height * width:,}")
    return runs, (width, height)


def _decoded(text: str) -> list[int]:
    """Run lengths in COCO's letters: five bits each, differences to the last but one (pycocotools, `rleFrString`)."""
    runs: list[int] = []
    codes = iter(text.encode(errors="replace"))
    for code in codes:
        value, shift, bits = 0, 0, code - 48
        while True:
            value |= (bits & 0x1F) << shift
            shift += 5
            if not bits & 0x20:
                break
            bits = next(codes, 48) - 48
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def _area(polygon: bytes) -> float:
    """By the shoelace formula."""
    corners = corners_of(polygon)
    return abs(sum(_crossings(corners))) / 2


def _crossings(corners: Sequence[float]) -> Iterable[float]:
    points = list(zip(corners[::2], corners[1::2], strict=True))
    for (x, y), (next_x, next_y) in zip(points, [*points[1:], points[0]], strict=True):
        yield x * next_y - next_x * y
