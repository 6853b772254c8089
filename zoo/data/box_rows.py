"""Tables with a box in each row: the rows of one picture become one, with a column `boxes`.

file_name,xmin,ymin,xmax,ymax,label         corners; likewise left, top, right, bottom, and x1, y1, x2, y2
file_name,x,y,width,height,label            a corner, width and height; likewise bbox_x, bbox_y, bbox_width, bbox_height
file_name,bbox,label                        the same in one column: [12, 30, 84, 50]

Upper case and marks within a name count for nothing: XMin is x_min. Where no number is above 1, they are shares of the
picture. A row without numbers says that its picture has no box. Rows of one picture need not stand together: the table
is read twice, first to learn where each picture ends, so that only pictures that have begun and not ended are held.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from zoo.answers import Rejected
from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.encoding import is_encodable, not_utf8
from zoo.kinds import BOXES, IMAGE
from zoo.kinds.boxes import BBOX, FAULT, HEIGHT, OBJECTS, ROW, WIDTH
from zoo.kinds.image_decoding import shown_size
from zoo.kinds.kind import is_empty
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.formats import Reader

BOXES_COLUMN = "boxes"
_LABELS = ("label", "class", "category", "classname", "labelname", "categoryname", "name")
_EDGES = ("left", "top", "right", "bottom")
_CORNERS = (("xmin", "ymin", "xmax", "ymax"), _EDGES, ("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"))
_EXTENTS = (
    ("bboxx", "bboxy", "bboxwidth", "bboxheight"),
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("xmin", "ymin", "width", "height"),
    ("left", "top", "width", "height"),
)
_ALONE = ("bbox", "box")
_SIZES = (("imagewidth", "imageheight"), ("imgwidth", "imgheight"), ("width", "height"))


class BoxColumns(NamedTuple):
    """The columns of a box, as a table spells them."""

    picture: str
    label: str
    numbers: tuple[str, ...]
    """Four, or one that holds all."""
    are_corners: bool
    size: tuple[str, ...]
    """Width and height of the picture; none where they are not stated."""

    @property
    def all(self) -> tuple[str, ...]:
        """Each of them."""
        return (self.picture, self.label, *self.numbers, *self.size)


class Survey(NamedTuple):
    """What a first look at a table shows."""

    last_rows: Mapping[str, int]
    """The number of the last row of each picture."""
    boxes: int
    apart: int
    """Pictures whose rows do not stand together."""
    are_shares: bool
    """Whether numbers are shares of the width and the height of the picture."""


def joined_boxes(reader: Reader, path: Path, columns: tuple[str, ...]) -> Reader:
    """The reader of a table; one that joins its rows where each of them has a box."""
    box_columns = box_columns_of(columns)
    return JoinedBoxes(reader, path, box_columns) if box_columns else reader


def box_columns_of(columns: tuple[str, ...]) -> BoxColumns | None:
    """The columns of a box; None where a table has none, or has a column of boxes already."""
    names = {re.sub(r"[\W_]", "", name.lower()): name for name in reversed(columns)}
    lower = {name.lower(): name for name in columns}
    picture = next((lower[name] for name in IMAGE.columns if name in lower), "")
    label = next((names[name] for name in _LABELS if name in names), "")
    if not picture or not label or any(name in lower for name in BOXES.columns):
        return None
    for group in (*_CORNERS, *_EXTENTS, *((name,) for name in _ALONE)):
        if all(name in names for name in group):
            size = next((pair for pair in _SIZES if all(name in names and name not in group for name in pair)), ())
            numbers = tuple(names[name] for name in group)
            return BoxColumns(picture, label, numbers, group in _CORNERS, tuple(names[name] for name in size))
    return None


class JoinedBoxes:
    """A reader of a table with a column `boxes` beside its own; where that is read, the rows of a picture are one."""

    JOINED = (BOXES_COLUMN,)

    def __init__(self, reader: Reader, path: Path, columns: BoxColumns) -> None:
        self._reader, self._path, self._columns = reader, path, columns

    def __getattr__(self, name: str) -> Any:
        """What else the reader of the table has."""
        return getattr(self._reader, name)

    @property
    def NOTES(self) -> dict[str, str]:  # noqa: N802 - as modules have it
        """How the boxes are read."""
        survey, columns = self._survey(), self._columns
        shares = " as shares of the picture" if survey.are_shares else ""
        numbers = ", ".join(columns.numbers)
        joined = f"{counted(survey.boxes, 'box')} ({numbers}){shares}, one a row, in "
        apart = f"; the rows of {survey.apart:,} of these do not stand together" if survey.apart else ""
        return {BOXES_COLUMN: f"{joined}{counted(len(survey.last_rows), 'picture')}, whose rows are joined{apart}"}

    def read_columns(self, path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
        """Those of the table, and `boxes`."""
        return (*self._reader.read_columns(path, log), BOXES_COLUMN)

    def read_rows(
        self, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
    ) -> Iterator[Row | Malformed]:
        """Every picture where its last row stands, with the number of its first; every row where no boxes are read."""
        if BOXES_COLUMN not in columns:
            yield from self._reader.read_rows(path, columns, log)
            return
        survey = self._survey()
        own = tuple(dict.fromkeys((*self._columns.all, *(name for name in columns if name != BOXES_COLUMN))))
        begun: dict[str, tuple[Row, list[dict[str, Any]]]] = {}
        for row in self._reader.read_rows(path, own, log):
            if isinstance(row, Malformed):
                yield row
                continue
            name = _name(row, self._columns)
            first, objects = begun.setdefault(name, (row, []))
            if _has_box(row, self._columns):
                objects.append(_object(row, self._columns))
            if row.number >= survey.last_rows.get(name, 0):
                del begun[name]
                yield Row(first.number, {**first.values, BOXES_COLUMN: self._cell(first, objects, survey.are_shares)})

    def _survey(self) -> Survey:
        status = self._path.stat()
        return _surveyed(cast("Hashable", self._reader), self._path, self._columns, status.st_size, status.st_mtime_ns)

    def _cell(self, row: Row, objects: list[dict[str, Any]], are_shares: bool) -> dict[str, Any]:
        """The cell of the boxes of a picture, in pixels where its size can be read."""
        width, height = 0.0, 0.0
        if are_shares:
            size = shown_size(self._path.parent / _name(row, self._columns))
            if not isinstance(size, Rejected):
                width, height = size
            objects = [_in_pixels(one, width, height) for one in objects]
        elif self._columns.size:
            width, height = (_number(row.values[name]) or 0.0 for name in self._columns.size)
        return {OBJECTS: objects, WIDTH: width, HEIGHT: height}


@lru_cache(maxsize=2)
def _surveyed(reader: Hashable, path: Path, columns: BoxColumns, size: int, modified: int) -> Survey:
    last_rows: dict[str, int] = {}
    apart: set[str] = set()
    boxes, largest, has_fraction, before = 0, 0.0, False, ""
    for row in cast("Reader", reader).read_rows(path, columns.all, EncodingLog()):
        if isinstance(row, Malformed):
            continue
        name = _name(row, columns)
        if name in last_rows and name != before:
            apart.add(name)
        last_rows[name] = row.number
        before = name
        if _has_box(row, columns):
            boxes += 1
            for number in map(_number, _numbers(row, columns)):
                largest = max(largest, abs(number or 0.0))
                has_fraction |= number is not None and not number.is_integer()
    return Survey(last_rows, boxes, len(apart), has_fraction and largest <= 1)


def _name(row: Row, columns: BoxColumns) -> str:
    return str(row.values[columns.picture] or "").strip()


def _has_box(row: Row, columns: BoxColumns) -> bool:
    return not all(is_empty(row.values[name]) for name in columns.numbers)


def _numbers(row: Row, columns: BoxColumns) -> list[Any]:
    """The four numbers as they are written, or what stands in place of them."""
    cells = [row.values[name] for name in columns.numbers]
    if len(cells) == 1:
        cell = cells[0].tolist() if hasattr(cells[0], "tolist") else cells[0]
        return list(cell) if isinstance(cell, list | tuple) else re.split(r"[\s,;]+", str(cell).strip(" ()[]"))
    return cells


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _object(row: Row, columns: BoxColumns) -> dict[str, Any]:
    """The box of a row as `zoo.kinds.boxes` takes it."""
    label, numbers = row.values[columns.label], _numbers(row, columns)
    if isinstance(label, str) and not is_encodable(label):
        return {ROW: row.number, FAULT: f"has a label that {not_utf8(label)}"}
    numbered = dict(zip(_EDGES, numbers, strict=True)) if columns.are_corners else {BBOX: numbers}
    return {ROW: row.number, "label": label, **numbered}


def _in_pixels(one: dict[str, Any], width: float, height: float) -> dict[str, Any]:
    """A box whose numbers are shares of the picture."""
    scaled = dict(one)
    for key, whole in zip(_EDGES, (width, height, width, height), strict=True):
        if key in one:
            scaled[key] = _scaled(one[key], whole)
    if BBOX in one:
        scaled[BBOX] = [_scaled(*pair) for pair in zip(one[BBOX], (width, height) * 2, strict=False)]
    return scaled


def _scaled(value: Any, whole: float) -> Any:
    """A share in pixels; what is no number stays, to be told."""
    number = _number(value)
    return value if number is None else number * whole
