"""Folders of images as tables: one row per file, its class the name of the folder it stands in.

pets/cat/1.jpg             two classes
pets/dog/old/7.png
photos/1.jpg               no classes: to pretrain on and to predict
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from zoo.data.formats import first_table
from zoo.data.layout import parts_of
from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid
from zoo.kinds import IMAGE
from zoo.kinds.image_files import other_files, walk

INPUT_KIND = IMAGE
"""What its inputs are, whatever the task."""
FILE_COLUMN, LABEL_COLUMN = "file_name", "label"
_KINDS_SHOWN = 5


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name`, and `label` where there are class folders."""
    parts = [part for part in parts_of(path) if part is not None]
    if len(parts) > 1:
        raise DatasetInvalid(
            f"{path} is divided into {' and '.join(part.name for part in parts)}",
            f"name the part: {' or '.join(map(str, parts))}",
        )
    names = walk(path)
    first = next(names, None)
    if first is None:
        raise _no_images(path)
    # Images beside class folders have no label; a walk over millions ends at the first that has.
    return (FILE_COLUMN, LABEL_COLUMN) if any(map(_label, chain([first], names))) else (FILE_COLUMN,)


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every image below the folder, by name."""
    for number, name in enumerate(walk(path), start=1):
        values = {FILE_COLUMN: name, LABEL_COLUMN: _label(name)}
        yield Row(number, {column: values[column] for column in columns})


def _no_images(path: Path) -> DatasetInvalid:
    counts = other_files(path)
    kinds = ", ".join(f"{count:,} {extension}" for extension, count in list(counts.items())[:_KINDS_SHOWN])
    problem = f"{path} is a folder without images" + (f"; it holds files of other kinds ({kinds})" if kinds else "")
    if table := first_table(path):
        return DatasetInvalid(problem, f"name the table itself, such as {table}")
    if ".txt" in counts:
        return DatasetInvalid(
            problem,
            "texts in files of their own are not read: write them into one table, a row each, with a column text",
        )
    return DatasetInvalid(problem, "images end in .jpg, .png, .webp and the like; a table of rows is named itself")


def _label(name: str) -> str | None:
    folder, slash, _ = name.partition("/")
    return folder if slash else None
