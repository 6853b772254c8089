"""What stands beside a picture, or in its place where none is drawn: its boxes or its labels as a list."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import assert_never

from zoo.answers import Rejected
from zoo.blocks import Boxes, BoxMark, Cell, DrawnBlock, Mask, Paragraph, Picture, PictureBlock, Sound, Table
from zoo.rendering.pictures import NOT_AT_HAND, label_shares

SHOWN_BOXES = 100
NO_BOXES = "no boxes"


def legend(block: PictureBlock) -> Table | Paragraph:
    """The label of each box, or of each part of a mask, first in its row; a text where there is none."""
    match block:
        case Picture():
            return Paragraph(text=block.image or NOT_AT_HAND)
        case Boxes():
            return _boxes(block.boxes[:SHOWN_BOXES]) if block.boxes else Paragraph(text=NO_BOXES)
        case Mask():
            shares = label_shares(block)
            if isinstance(shares, Rejected):
                return Paragraph(text=shares.reason, tone="error")
            if not shares:
                return Paragraph(text="no pixel has a label")
            return Table(headers=("label", "share"), rows=tuple((label, f"{share:.1%}") for label, share in shares))
        case _:
            assert_never(block)


def label_counts(block: PictureBlock) -> list[tuple[str, str]] | str:
    """Each label of a picture once, the most frequent first, with its number or share; a text where there is none."""
    if isinstance(block, Boxes):
        counts = Counter(box.label for box in block.boxes).most_common()
        return [(label, f"{count:,}") for label, count in counts] or NO_BOXES
    listed = legend(block)
    return listed.text if isinstance(listed, Paragraph) else [(str(row[0]), str(row[1])) for row in listed.rows]


def caption(block: DrawnBlock) -> tuple[str, list[tuple[str, str]] | str]:
    """What stands beside one of several: its title, else the name of its file; its labels as above, or a text."""
    path = Path(block.recording if isinstance(block, Sound) else block.image)
    return block.title or path.name, path.name if isinstance(block, Sound) else label_counts(block)


def _boxes(boxes: tuple[BoxMark, ...]) -> Table:
    places: list[tuple[Cell, ...]] = [
        tuple(f"{edge:.0f}" for edge in (box.left, box.top, box.right, box.bottom)) for box in boxes
    ]
    headers = ("left", "top", "right", "bottom")
    if all(box.score is None for box in boxes):
        return Table(
            headers=("label", *headers),
            rows=tuple((box.label, *place) for box, place in zip(boxes, places, strict=True)),
        )
    return Table(
        headers=("label", "score", *headers),
        rows=tuple((box.label, box.score, *place) for box, place in zip(boxes, places, strict=True)),
    )


def more_boxes(block: PictureBlock) -> str:
    """How many boxes the list leaves out; empty where it has all."""
    more = len(block.boxes) - SHOWN_BOXES if isinstance(block, Boxes) else 0
    return f"and {more:,} more" if more > 0 else ""
