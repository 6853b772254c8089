"""What is marked in a text: the text in parts, and its marks as a list."""

from __future__ import annotations

import re
from typing import NamedTuple

from zoo.blocks import Cell, Paragraph, Spans, Table
from zoo.sanitize import one_line, plain
from zoo.text_table import shortened

SHOWN_SPANS = 100
LONGEST_SPAN = 60
"""Columns that the text of a span may take in a list."""
_WHITE_SPACE = re.compile(r"\s+")


class MarkedPart(NamedTuple):
    """A part of a text, safe for a terminal and without line ends."""

    text: str
    label: str = ""
    """As the block has it; empty for a part without a mark."""
    labelled: bool = True
    """Whether the label is shown."""

    @property
    def with_label(self) -> str:
        """The text and its label, for where a colour marks both."""
        return f"{self.text} · {one_line(self.label)}" if self.label and self.labelled else self.text


def parts_of(block: Spans) -> list[MarkedPart]:
    """The whole text in its order, marked and other parts in turn."""
    parts, at = [], 0
    for span in sorted(block.spans, key=lambda one: (one.start, -one.end)):
        if span.start >= at:
            marked = MarkedPart(_on_one_line(block.text[span.start : span.end]), span.label, block.labelled)
            parts += [MarkedPart(_on_one_line(block.text[at : span.start])), marked]
            at = span.end
    parts.append(MarkedPart(_on_one_line(block.text[at:])))
    return [part for part in parts if part.text]


def _on_one_line(text: str) -> str:
    return _WHITE_SPACE.sub(" ", plain(text))


def marked_text(block: Spans, opening: str = "[", closing: str = "]", before_label: str = "") -> str:
    """The text on one line: `[Ada Lovelace](person) was born in [London](location)`.

    Args:
        block: to be drawn.
        opening: stands before a marked part.
        closing: stands behind it.
        before_label: stands between that and the label, where there is one.
    """
    return "".join(
        f"{opening}{part.text}{closing}{_label_behind(part, before_label)}" if part.label else part.text
        for part in parts_of(block)
    )


def _label_behind(part: MarkedPart, before: str) -> str:
    return f"{before}({one_line(part.label)})" if part.labelled else ""


def span_list(block: Spans) -> Table | Paragraph | None:
    """The label of each span first in its row, or a text where there is none; None where the labels are not shown."""
    if not block.labelled:
        return None
    spans = block.spans[:SHOWN_SPANS]
    if not spans:
        return Paragraph(text="no spans")
    texts = [shortened(one_line(block.text[span.start : span.end]), LONGEST_SPAN) for span in spans]
    places: list[tuple[Cell, ...]] = [(text, span.start, span.end) for text, span in zip(texts, spans, strict=True)]
    headers = ("text", "start", "end")
    if all(span.score is None for span in spans):
        rows = tuple((span.label, *place) for span, place in zip(spans, places, strict=True))
        return Table(headers=("label", *headers), rows=rows)
    return Table(
        headers=("label", "score", *headers),
        rows=tuple((span.label, span.score, *place) for span, place in zip(spans, places, strict=True)),
    )


def more_spans(block: Spans) -> str:
    """How many spans the list leaves out; empty where it has all."""
    more = len(block.spans) - SHOWN_SPANS if block.labelled else 0
    return f"and {more:,} more" if more > 0 else ""
