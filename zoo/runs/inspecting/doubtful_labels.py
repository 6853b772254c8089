"""Rows whose label is most probably wrong: `doubtful_labels.jsonl` of a run's folder.

It holds inputs of the data, which neither the events nor the result carry: they stay in the run's folder.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.blocks import Table
from zoo.data.example import Example
from zoo.encoding import encode_json, escaped
from zoo.kinds import TargetKind
from zoo.metrics.confident_learning import Doubt
from zoo.runs.store import RunFolder, store_invalid
from zoo.sanitize import one_line
from zoo.text_table import shortened

FILE = "doubtful_labels.jsonl"
INPUT_WIDTH = 60
"""Cells of a table for what a row holds."""
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


class DoubtfulLabel(msgspec.Struct, frozen=True):
    """A row whose label is most probably wrong."""

    row: int
    """1-based row of the data."""
    input: Any
    """The text, the path of a file, or a dict of several inputs by their roles."""
    label: str
    """What the data say."""
    proposed: str
    """What it more probably is."""
    label_probability: float
    """Of what the data say, by what the other rows teach; where there may be several labels, of the one that is doubted
    the most."""
    proposed_probability: float
    """Likewise, of what is proposed."""


def doubtful_labels(
    doubts: Sequence[Doubt], examples: Sequence[Example], labels: Sequence[str], target: TargetKind
) -> list[DoubtfulLabel]:
    """The rows in doubt, in their order.

    Args:
        doubts: by the place of an example and those of labels.
        examples: that were looked at.
        labels: names of the labels.
        target: what the examples carry.
    """
    return [
        DoubtfulLabel(
            row=examples[doubt.place].row,
            input=examples[doubt.place].input,
            label=target.written(examples[doubt.place].target),
            proposed=_written(tuple(labels[place] for place in doubt.proposed), target),
            label_probability=round(doubt.label_probability, 6),
            proposed_probability=round(doubt.probability, 6),
        )
        for doubt in doubts
    ]


def _written(labels: tuple[str, ...], target: TargetKind) -> str:
    """Labels as a cell of the data has them."""
    return target.written(labels[0] if target.has_classes else labels)


def write_doubtful_labels(rows: Sequence[DoubtfulLabel], path: Path) -> None:
    """Write rows as CSV, TSV or JSON lines, as the ending of the name asks for.

    Raises:
        StoreInvalid: the file cannot be written.
    """
    delimiter = _DELIMITERS.get(path.suffix.lower())
    content = _lines(rows) if delimiter is None else _table(rows, delimiter)
    try:
        atomic.write_bytes(path, content)
    except OSError as error:
        raise store_invalid(f"{path} cannot be written", error, path.parent) from error


def read_doubtful_labels(folder: RunFolder) -> Iterator[DoubtfulLabel]:
    """Those of a run, the most doubtful first; none where it looked for none, or has not ended."""
    path = folder.path / FILE
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                yield msgspec.json.decode(line, type=DoubtfulLabel)


def doubtful_table(rows: Sequence[DoubtfulLabel]) -> Table:
    """Rows in doubt as people look through them."""
    return Table(
        title="Labels in doubt",
        headers=("row", "input", "label", "probability", "proposed", "probability"),
        rows=tuple(
            (
                one.row,
                shortened(one_line(_input(one)), INPUT_WIDTH),
                one.label,
                round(one.label_probability, 3),
                one.proposed,
                round(one.proposed_probability, 3),
            )
            for one in rows
        ),
    )


def _input(row: DoubtfulLabel) -> str:
    return row.input if isinstance(row.input, str) else encode_json(row.input).decode()


def _lines(rows: Sequence[DoubtfulLabel]) -> bytes:
    return b"".join(encode_json(row) + b"\n" for row in rows)


def _table(rows: Sequence[DoubtfulLabel], delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(DoubtfulLabel.__struct_fields__)
    for row in rows:
        writer.writerow((row.row, _input(row), *msgspec.structs.astuple(row)[2:]))
    return escaped(text.getvalue()).encode()
