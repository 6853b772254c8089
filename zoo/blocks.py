"""What views draw: the closed vocabulary that answers and the reports of evaluations are made of.

A block says what is shown, not how: the command line, the terminal UI, notebooks and model cards each draw every block
once. Texts stay as they came; whoever draws them makes them safe.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal, Union, cast

import msgspec

Tone = Literal["plain", "strong", "error"]
Cell = Union[str, int, float, None]


class BaseBlock(msgspec.Struct, frozen=True, kw_only=True, tag_field="block"):
    """What all blocks share."""

    title: str = ""
    """Heading, and the name of its tab in the terminal UI; empty for a block that needs none."""

    def _repr_html_(self) -> str:
        """The block as a notebook shows it."""
        from zoo.rendering.html import html

        return html([cast("Block", self)])


class Paragraph(BaseBlock, frozen=True, tag="paragraph"):
    """Running text."""

    text: str
    tone: Tone = "plain"


class Bar(msgspec.Struct, frozen=True):
    """One label of several."""

    label: str
    share: float
    """0 to 1."""


class Bars(BaseBlock, frozen=True, tag="bars"):
    """Labels with a share of 1 each, the largest first."""

    bars: tuple[Bar, ...]


class Table(BaseBlock, frozen=True, tag="table"):
    """Rows of the same columns, whose first one names the row."""

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """A cell is a text, a count, a figure, or None where there is no figure."""

    def __post_init__(self) -> None:
        columns = len(self.headers)
        if not columns or any(len(row) != columns for row in self.rows):
            raise ValueError(f"every row of a table has a cell for each of its {columns} headers")


CurvePoint = tuple[float, float]


class Curve(BaseBlock, frozen=True, tag="curve"):
    """A line, such as a figure over the steps of a training."""

    points: tuple[CurvePoint, ...]
    """(x, y), by ascending x; finite numbers."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for point in self.points for number in point):
            raise ValueError("the points of a curve are finite numbers")
        if any(following[0] < before[0] for before, following in pairwise(self.points)):
            raise ValueError("the points of a curve are ordered by x")


class Matrix(BaseBlock, frozen=True, tag="matrix"):
    """How often each label was taken for each."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """Shape (labels, labels): rows are true, columns predicted."""

    def __post_init__(self) -> None:
        size = len(self.labels)
        if [len(row) for row in self.counts] != [size] * size:
            raise ValueError(f"the counts of a matrix have a row and a column for each of its {size} labels")

    @property
    def wrong(self) -> int:
        """How many were taken for another label."""
        return sum(
            count for true, row in enumerate(self.counts) for predicted, count in enumerate(row) if true != predicted
        )


class Vector(BaseBlock, frozen=True, tag="vector"):
    """Numbers without names."""

    numbers: tuple[float, ...]


class Picture(BaseBlock, frozen=True, tag="picture"):
    """An image as it is."""

    image: str
    """Path of its file, an absolute one where the block is kept; empty where the picture is not at hand."""


class Sound(BaseBlock, frozen=True, tag="sound"):
    """A recording, to be seen: how loud it is, and at which pitches, from its beginning to its end."""

    recording: str
    """Path of its file, as that of `Picture`."""


class BoxMark(msgspec.Struct, frozen=True):
    """A rectangle on a picture, in its pixels, from the upper left corner of the upright picture."""

    left: float
    top: float
    right: float
    bottom: float
    label: str
    score: float | None = None
    """How sure a model is of it, 0 to 1; None where nobody guessed."""


class Boxes(BaseBlock, frozen=True, tag="boxes"):
    """A picture and what is where on it; without a picture at hand, what is where."""

    image: str
    """As that of `Picture`."""
    width: int
    """Of the picture that the boxes are for, in pixels; one of another size has them in the same places."""
    height: int
    boxes: tuple[BoxMark, ...]
    """The most certain first."""

    def __post_init__(self) -> None:
        check_size(self.width, self.height)


class Mask(BaseBlock, frozen=True, tag="mask"):
    """A picture and a label for each of its pixels."""

    image: str
    """As that of `Picture`."""
    width: int
    """Of the mask, in pixels; it lies over the whole picture, whatever size that has."""
    height: int
    labels: tuple[str, ...]
    mask: bytes
    """A PNG of the mode P or L: a pixel of the value i is labels[i], one that has no label is without."""

    def __post_init__(self) -> None:
        check_size(self.width, self.height)


class SpanMark(msgspec.Struct, frozen=True):
    """A marked part of a text."""

    start: int
    """Of its first character, counted from 0."""
    end: int
    """Of the character after its last."""
    label: str
    score: float | None = None
    """How sure a model is of it, 0 to 1; None where nobody guessed."""


class Spans(BaseBlock, frozen=True, tag="spans"):
    """A text and what is marked in it."""

    text: str
    spans: tuple[SpanMark, ...]
    """In the order of the text; one that begins within another is listed, but not drawn."""
    labelled: bool = True
    """Whether labels stand beside the marks, and in a list below; False for a text that says itself what they are."""

    def __post_init__(self) -> None:
        length = len(self.text)
        if not all(0 <= span.start < span.end <= length for span in self.spans):
            raise ValueError(f"a span holds at least one of the {length} characters of its text, and no others")


def check_size(width: int, height: int) -> None:
    """Insist on a picture that has pixels.

    Raises:
        ValueError: it has none.
    """
    if width < 1 or height < 1:
        raise ValueError(f"a picture of {width} x {height} pixels has none")


PictureBlock = Union[Picture, Boxes, Mask]
"""What is drawn on a picture."""
DrawnBlock = Union[PictureBlock, Sound]
"""What is drawn from a file."""
Block = Union[Paragraph, Bars, Table, Curve, Matrix, Vector, Picture, Sound, Boxes, Mask, Spans]
Report = tuple[Block, ...]
"""What an evaluation reports beside its metrics."""


def titled(report: Report, of: str) -> Report:
    """A report whose headings say what it is of."""
    return tuple(
        msgspec.structs.replace(block, title=f"{of}: {block.title}" if block.title else of) for block in report
    )


def part_of(report: Report, of: str) -> Report:
    """What `titled` made of a report of one thing, as it was, out of a report of several."""
    return tuple(
        msgspec.structs.replace(block, title=block.title.removeprefix(of).removeprefix(": "))
        for block in report
        if block.title == of or block.title.startswith(f"{of}: ")
    )
