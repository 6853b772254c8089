"""The rows that models do not answer alike, as a file: CSV, TSV or JSON lines."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo import atomic
from zoo.comparison.result import Comparison, DifferingRow
from zoo.encoding import encode_json, escaped
from zoo.job_paths import new_file
from zoo.runs.store import store_invalid

FLAG = "--differences"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def differences_file(path: str | os.PathLike[str]) -> Path:
    """The absolute path of a new file for such rows.

    Raises:
        OptionInvalid: it exists, its folder does not, or its ending names no format.
    """
    return new_file(path, FLAG)


def write_differences(comparison: Comparison, path: Path) -> None:
    """Write all of them, in the format that the ending of the name asks for.

    Raises:
        StoreInvalid: the file cannot be written.
    """
    delimiter = _DELIMITERS.get(path.suffix.lower())
    content = _lines(comparison) if delimiter is None else _table(comparison, delimiter)
    try:
        atomic.write_bytes(path, content)
    except OSError as error:
        raise store_invalid(f"{path} cannot be written", error, path.parent) from error


def _lines(comparison: Comparison) -> bytes:
    names = [one.name for one in comparison.models]

    def document(row: DifferingRow) -> dict[str, Any]:
        return {
            "row": row.row,
            "input": row.input,
            "target": row.target,
            "answers": dict(zip(names, row.answers, strict=True)),
            comparison.metric: dict(zip(names, row.figures, strict=True)),
        }

    return b"".join(encode_json(document(row)) + b"\n" for row in comparison.differing)


def _table(comparison: Comparison, delimiter: str) -> bytes:
    names = [one.name for one in comparison.models]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["row", "input", "target", *names, *(f"{comparison.metric} of {name}" for name in names)])
    writer.writerows(_cells(comparison))
    return escaped(text.getvalue()).encode()


def _cells(comparison: Comparison) -> Iterator[tuple[Any, ...]]:
    for row in comparison.differing:
        figures = ("" if figure is None else repr(figure) for figure in row.figures)
        yield (row.row, row.input, row.target, *row.answers, *figures)
