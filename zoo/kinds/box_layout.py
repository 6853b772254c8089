"""Whether the four numbers of boxes are what they are called: corners, or a corner with width and height."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

from zoo.kinds.boxes import BBOX, CORNERS, EDGE, Size, numbers_of, objects_of
from zoo.kinds.image_decoding import known_size
from zoo.kinds.kind import Unusable

MISFITS = 0.25
"""Share of the boxes that must contradict what they are called: a few are wrong in many data sets."""


class _Written(NamedTuple):
    """Four numbers as they stand, and where."""

    cell: int
    stated: Size | None
    numbers: tuple[float, ...]


def misnamed(cells: Sequence[Any], inputs: Iterable[Any], training: str = "") -> str:
    """`BBOX` where what is called so holds corners, `CORNERS` where these hold width and height; empty for neither.

    Args:
        cells: of the first rows.
        inputs: the pictures of the same rows, read as they are iterated.
        training: the same of the training data, where these are evaluation data: it holds where it can.
    """
    written: dict[str, list[_Written]] = {BBOX: [], CORNERS: []}
    for index, cell in enumerate(cells):
        try:
            stated, objects = objects_of(cell, "")
        except Unusable:
            continue
        for one in objects:
            try:
                name, numbers = numbers_of(one)
            except Unusable:
                continue
            written[name].append(_Written(index, stated, numbers))
    share = {name: 0.0 if name == training else MISFITS for name in written}
    if written[CORNERS] and _have_width_and_height(written[CORNERS], share[CORNERS]):
        return CORNERS
    if written[BBOX] and all(map(_are_ordered, written[BBOX])) and _reach_over(written[BBOX], inputs, share[BBOX]):
        return BBOX
    return ""


def _are_ordered(box: _Written) -> bool:
    """Whether the numbers may be two corners."""
    left, top, right, bottom = box.numbers
    return left < right and top < bottom


def _have_width_and_height(boxes: Sequence[_Written], share: float) -> bool:
    """Whether many would end before they begin, were they corners, and all have a width and a height."""
    reversed_corners = sum(box.numbers[2] < box.numbers[0] or box.numbers[3] < box.numbers[1] for box in boxes)
    return reversed_corners >= share * len(boxes) and all(min(box.numbers[2:]) > 0 for box in boxes)


def _reach_over(boxes: Sequence[_Written], inputs: Iterable[Any], share: float) -> bool:
    """Whether many reach over the edge of their picture as corner, width and height, and none does as two corners."""
    pictures = [known_size(value) for value in islice(chain(inputs, repeat(None)), boxes[-1].cell + 1)]
    over = sized = 0
    for cell, stated, (left, top, right, bottom) in boxes:
        picture = pictures[cell]
        size = stated or (picture.shown if picture else None)
        if size is None:
            continue
        if right > size[0] + EDGE or bottom > size[1] + EDGE:
            return False
        sized += 1
        over += left + right > size[0] + EDGE or top + bottom > size[1] + EDGE
    return bool(sized) and over >= share * sized
