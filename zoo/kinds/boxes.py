"""Boxes around things in a picture, each with a label.

A cell is a list of objects, one for each box, or a text that holds such a list as JSON:

    {"label": "cat", "left": 12, "top": 30, "right": 96, "bottom": 80}       corners, in pixels
    {"label": "cat", "xmin": 12, "ymin": 30, "xmax": 96, "ymax": 80}         likewise, as Pascal VOC calls them
    {"category": "cat", "bbox": [12, 30, 84, 50]}                            corner, width and height, as COCO has it

or an object of lists, as Hugging Face's image folders have it: `{"bbox": [[12, 30, 84, 50]], "categories": ["cat"]}`.
An empty list is a picture without any such thing; an empty cell is none: nobody has looked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from zoo.answers import Rejected
from zoo.blocks import Boxes, BoxMark, PictureBlock
from zoo.encoding import encode_json
from zoo.kinds.kind import Unusable, is_empty, noun_of
from zoo.kinds.label import LABEL
from zoo.kinds.spelling import quoted_start
from zoo.kinds.strata import rarest_labels
from zoo.kinds.target_kind import FittedTarget, TargetKind

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.image_decoding import StoredSize
    from zoo.kinds.measure import TargetMeasure
    from zoo.kinds.samples import SampleSet

_CORNERS = (("left", "top", "right", "bottom"), ("xmin", "ymin", "xmax", "ymax"))
_LABEL_KEYS = ("label", "category", "class", "name")
_LISTED_LABELS = ("categories", "category", "labels", "label")
BBOX, CORNERS = "bbox", "corners"
"""What four numbers are called: the left upper corner, width and height, or both corners."""
OBJECTS, WIDTH, HEIGHT = "objects", "width", "height"
"""Keys of a cell that a format gives which knows the picture's size."""
FAULT = "fault"
"""Key of a box that a format cannot give: what is wrong with it, as a clause."""
ROW = "row"
"""Key of a box that stands in a row of its own: the number of that."""
EDGE = 1
"""Pixels that a box may reach over the edge of its picture: formats count from 0 or from 1."""


class Box(msgspec.Struct, frozen=True):
    """A box around one thing, in pixels of the picture as it is shown: its EXIF orientation applied."""

    left: float
    top: float
    right: float
    bottom: float
    label: str


Size = tuple[float, float]
"""Width and height, in pixels."""


class BoxReading(NamedTuple):
    """What a cell says."""

    boxes: tuple[Box, ...]
    faults: tuple[str, ...]
    """What is wrong with others, which are left out or cut."""


class BoxesKind(TargetKind):
    """Any number of boxes."""

    name = "box"
    columns = ("boxes", "objects", "bboxes", "annotations", "detections")
    fewest_labels = 1
    exact = False
    label_unit = "box"

    def __init__(self, misnamed: str = "") -> None:
        self._misnamed = misnamed

    def read(self, value: Any, column: str) -> tuple[Box, ...] | None:
        """The boxes a cell holds that are any."""
        return None if is_empty(value) else read_boxes(value, column, misnamed=self._misnamed).boxes

    def read_with_input(self, cell: Any, column: str, value: Any) -> FittedTarget:
        """The boxes as they lie in the picture; those without area, outside of it, repeated, or without numbers or a
        label are left out.
        """
        from zoo.kinds.image_decoding import known_size

        if is_empty(cell):
            return FittedTarget(None)
        return FittedTarget(*read_boxes(cell, column, picture=known_size(value), misnamed=self._misnamed))

    def adapted_to(self, cells: Sequence[Any], base: Path | None = None, inputs: Iterable[Any] = ()) -> BoxesKind:
        """With numbers read as what they are, where that is not what they are called."""
        from zoo.kinds.box_layout import misnamed

        return BoxesKind(misnamed(cells, inputs, self._misnamed))

    def beside(self, training: TargetKind) -> TargetKind:
        """As the training data, unless the numbers cannot be that: few boxes show little."""
        return training

    def reading_note(self, column: str) -> str:
        """Which numbers are not what they are called."""
        if self._misnamed == BBOX:
            return (
                f"the bbox of {column} are read as corners (left, top, right, bottom): "
                "as width and height they would reach over the edges of their pictures"
            )
        if self._misnamed == CORNERS:
            return (
                f"the right and bottom corners of {column} are read as width and height: "
                "as corners they would lie before the left and top ones"
            )
        return ""

    def on_picture(self, picture: str, target: tuple[Box, ...] | None) -> PictureBlock | None:
        """The boxes; none where the picture cannot be read."""
        from zoo.kinds.image_decoding import shown_size

        size = shown_size(Path(picture))
        if target is None or isinstance(size, Rejected):
            return None
        marks = tuple(BoxMark(box.left, box.top, box.right, box.bottom, box.label) for box in target)
        return Boxes(image=picture, width=size[0], height=size[1], boxes=marks)

    def labels_of(self, target: tuple[Box, ...]) -> tuple[str, ...]:
        """That of each box."""
        return tuple(box.label for box in target)

    def renamed(self, target: tuple[Box, ...], names: Mapping[str, str]) -> tuple[Box, ...]:
        """With the other names."""
        return tuple(msgspec.structs.replace(box, label=names.get(box.label, box.label)) for box in target)

    def digest(self, target: tuple[Box, ...]) -> bytes:
        """All that is said of a picture, which may stand in a file of its own."""
        return encode_json(target)

    def nothing_to_learn(self, targets: Sequence[Any]) -> str:
        """No box in any picture."""
        return "" if any(targets) else "no picture has any box"

    def sample_rows(self, inputs: SampleSet) -> list[tuple[Any, Any]]:
        """The boxes around shapes."""
        from zoo.kinds.drawn_shapes import box_around

        return [
            (
                value,
                [
                    {"label": label, **dict(zip(_CORNERS[0], box_around(corners), strict=True))}
                    for label, corners in parts
                ],
            )
            for value, parts in inputs.parts()
        ]

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """By the rarest label of each, so that pictures are held out of all labels; those without any are one, too."""
        return list(rarest_labels([self.labels_of(target or ()) for target in targets]))

    def likeness(self, cells: list[Any]) -> float:
        """3 for cells that are boxes, more than the 2 of sets of labels; 0 where any is something else."""
        readings = []
        for cell in cells:
            if isinstance(cell, str) and cell.lstrip()[:1] not in ("[", "{"):
                return 0.0
            try:
                readings.append(read_boxes(cell, ""))
            except Unusable:
                return 0.0
        stated = any(
            isinstance(cell, Mapping) and OBJECTS in cell for cell in cells
        )  # by a format that has nothing else
        return 3.0 if stated or any(reading.boxes for reading in readings) else 0.0

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """How many there are, of which sizes."""
        from zoo.kinds.boxes_report import BoxesMeasure

        return BoxesMeasure()

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """How many there are, of which sizes."""
        from zoo.kinds import boxes_report

        return boxes_report.facts(part)

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Labels that only one part has, or that are rare; boxes that are left out."""
        from zoo.kinds import boxes_report

        return boxes_report.findings(inspection)


BOXES = BoxesKind()


def read_boxes(value: Any, column: str, *, picture: StoredSize | None = None, misnamed: str = "") -> BoxReading:
    """The boxes of a cell, and what is wrong with others.

    Args:
        value: the cell.
        column: its column, for messages.
        picture: the size of the picture, where it is known.
        misnamed: `BBOX` where what is called so holds corners, `CORNERS` where these hold width and height.

    Raises:
        Unusable: it holds something else than boxes, or those of a picture of another size.
    """
    stated, objects = objects_of(value, column)
    frame, orientation = _frame(stated, picture, column)
    boxes: dict[Box | None, str] = {}
    faults: list[str] = []
    for number, one in enumerate(objects, start=1):
        try:
            box = _box(one, misnamed)
        except Unusable as unusable:
            faults.append(f"{_name(number, one)} {unusable}, and is left out")
            continue
        kept, fault = _within(box, frame)
        if kept in boxes:
            fault = f"is the same as {boxes[kept]}, and is left out"
        elif kept is not None:
            boxes[kept] = _name(number, one)
        if fault:
            faults.append(f"{_name(number, one)} ({box.label}) {fault}")
    kept_boxes = (box for box in boxes if box)
    if frame and orientation:
        kept_boxes = (_turned(box, frame, orientation) for box in kept_boxes)
    return BoxReading(tuple(kept_boxes), tuple(faults))


def _name(number: int, one: Mapping[str, Any]) -> str:
    """What a box is called in messages."""
    return f"the box of row {one[ROW]}" if ROW in one else f"box {number}"


def objects_of(value: Any, column: str) -> tuple[Size | None, list[Mapping[str, Any]]]:
    """What a cell says of the size of its picture, and its boxes as they are written.

    Raises:
        Unusable: it holds something else than boxes.
    """
    stated: Size | None = None
    if isinstance(value, str):
        value = _decoded(value, column)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping) and OBJECTS in value:
        stated = (value[WIDTH], value[HEIGHT]) if value.get(WIDTH) and value.get(HEIGHT) else None
        value = value[OBJECTS]
    if isinstance(value, Mapping):
        value = _from_lists(value, column)
    if not isinstance(value, list | tuple):
        raise Unusable(f"column {column} holds {noun_of(value)}, not a list of boxes")
    for one in value:
        if not isinstance(one, Mapping):
            raise Unusable(f"column {column} holds a list with {noun_of(one)} in it, not of boxes")
    return stated, list(value)


def _frame(stated: Size | None, picture: StoredSize | None, column: str) -> tuple[Size | None, int]:
    """Width and height of what the boxes are written for, and the EXIF orientation that they still lack.

    Raises:
        Unusable: they are written for a picture of another size.
    """
    if picture is None or stated == picture.shown:
        return stated, 0
    if stated is None:
        return picture.shown, 0
    if stated == (picture.width, picture.height):  # drawn by a program that does not turn pictures upright
        return stated, picture.orientation
    raise Unusable(
        f"column {column} has boxes in a picture of {stated[0]:g} x {stated[1]:g} pixels, and the picture has "
        f"{picture.shown[0]} x {picture.shown[1]}"
    )


def _turned(box: Box, frame: Size, orientation: int) -> Box:
    """A box of a picture that lies on its side, as the picture is shown; EXIF 2.32, tag 274, 5 to 8."""
    width, height = frame
    left, right = (height - box.bottom, height - box.top) if orientation in (6, 7) else (box.top, box.bottom)
    top, bottom = (width - box.right, width - box.left) if orientation in (7, 8) else (box.left, box.right)
    return Box(left, top, right, bottom, box.label)


def _decoded(text: str, column: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"column {column} holds {quoted_start(text)}, which is no JSON list of boxes") from error


def _from_lists(columns: Mapping[str, Any], column: str) -> list[dict[str, Any]]:
    """The boxes of an object of lists."""
    key = next((key for key in _LISTED_LABELS if key in columns), "")
    if "bbox" not in columns or not key:
        raise Unusable(
            f"column {column} holds an object with {', '.join(columns) or 'nothing'}, not bbox and categories"
        )
    boxes, labels = columns["bbox"], columns[key]
    if not isinstance(boxes, list | tuple) or not isinstance(labels, list | tuple) or len(boxes) != len(labels):
        raise Unusable(f"column {column} holds bbox and {key} of unequal numbers")
    return [{"bbox": box, "label": label} for box, label in zip(boxes, labels, strict=True)]


def _box(one: Mapping[str, Any], misnamed: str) -> Box:
    """A box as it is written.

    Raises:
        Unusable: saying what it lacks, as a clause.
    """
    if FAULT in one:
        raise Unusable(str(one[FAULT]))
    key = next((key for key in _LABEL_KEYS if not is_empty(one.get(key))), "")
    if not key:
        raise Unusable("has no label")
    label = LABEL.read(one[key], key)
    assert label is not None
    name, (left, top, right, bottom) = numbers_of(one)
    if (name == BBOX) != (name == misnamed):
        right, bottom = left + right, top + bottom
    return Box(left, top, right, bottom, label)


def numbers_of(one: Mapping[str, Any]) -> tuple[str, tuple[float, ...]]:
    """`BBOX` or `CORNERS`, and the four numbers that are called so.

    Raises:
        Unusable: saying what it lacks, as a clause.
    """
    inner = one.get("box", one)
    names = next(
        (names for names in _CORNERS if isinstance(inner, Mapping) and all(map(inner.__contains__, names))), ()
    )
    if names:
        return CORNERS, tuple(_number(inner[name]) for name in names)
    numbers = one.get(BBOX)
    if not isinstance(numbers, list | tuple) or len(numbers) != 4:
        raise Unusable("has neither four corners nor a bbox of four numbers")
    return BBOX, tuple(map(_number, numbers))


def _number(value: Any) -> float:
    """A coordinate, which may be written as text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise Unusable(f"has {value!r} for a number of pixels"[:80])
    return number


def _within(box: Box, frame: tuple[float, float] | None) -> tuple[Box | None, str]:
    """A box as far as it lies in its picture, None where it is none, and what is wrong with it."""
    if box.right <= box.left or box.bottom <= box.top:
        return None, f"has no area ({_corners(box)}), and is left out"
    if frame is None:
        return box, ""
    width, height = frame
    cut = Box(max(0.0, box.left), max(0.0, box.top), min(width, box.right), min(height, box.bottom), box.label)
    if cut.right <= cut.left or cut.bottom <= cut.top:
        return None, f"lies outside of the picture of {width:g} x {height:g} ({_corners(box)}), and is left out"
    over = max(-box.left, -box.top, box.right - width, box.bottom - height)
    fault = f"reaches over the edge of the picture of {width:g} x {height:g} ({_corners(box)}), and is cut there"
    return cut, fault if over > EDGE else ""


def _corners(box: Box) -> str:
    return f"{box.left:g}, {box.top:g} to {box.right:g}, {box.bottom:g}"
