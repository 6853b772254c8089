"""What views draw: the closed vocabulary that answers and the reports of evaluations are made of.

A block says what is shown, not how: the command line, the terminal UI, notebooks and model cards each draw every block
once. Texts stay as they came; whoever draws them makes them safe.
"""

from __future__ import annotations

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


Block = Union[Paragraph, Bars, Table, Matrix, Vector]
Report = tuple[Block, ...]
"""What an evaluation reports beside its metrics."""
