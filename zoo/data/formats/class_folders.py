"""Folders of images or of recordings as tables: one row per file, its class the name of the folder it stands in.

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
from zoo.kinds import IMAGE, RECORDING
from zoo.kinds.file_kind import FileKind
from zoo.kinds.media_files import MEDIA, holds_media, other_files, walk

FILE_COLUMN, LABEL_COLUMN = "file_name", "label"
_KINDS_SHOWN = 5


def input_kind_of(path: Path) -> FileKind:
    """What its inputs are, whatever the task: images, unless there are recordings alone."""
    recordings = not holds_media(path, IMAGE.extensions) and holds_media(path, RECORDING.extensions)
    return RECORDING if recordings else IMAGE


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name`, and `label` where there are class folders."""
    parts = [part for part in parts_of(path) if part is not None]
    if len(parts) > 1:
        raise DatasetInvalid(
            f"{path} is divided into {' and '.join(part.name for part in parts)}",
            f"name the part: {' or '.join(map(str, parts))}",
        )
    names = walk(path, _extensions(path))
    first = next(names, None)
    if first is None:
        raise _no_media(path)
    # Files beside class folders have no label; a walk over millions ends at the first that has.
    return (FILE_COLUMN, LABEL_COLUMN) if any(map(_label, chain([first], names))) else (FILE_COLUMN,)


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every file of its kind below the folder, by name."""
    for number, name in enumerate(walk(path, _extensions(path)), start=1):
        values = {FILE_COLUMN: name, LABEL_COLUMN: _label(name)}
        yield Row(number, {column: values[column] for column in columns})


def _extensions(path: Path) -> frozenset[str]:
    return input_kind_of(path).extensions


def _no_media(path: Path) -> DatasetInvalid:
    counts = other_files(path, MEDIA)
    kinds = ", ".join(f"{count:,} {extension}" for extension, count in list(counts.items())[:_KINDS_SHOWN])
    problem = f"{path} is a folder without images or recordings" + (
        f"; it holds files of other kinds ({kinds})" if kinds else ""
    )
    if table := first_table(path):
        return DatasetInvalid(problem, f"name the table itself, such as {table}")
    if ".txt" in counts:
        return DatasetInvalid(
            problem,
            "texts in files of their own are not read: write them into one table, a row each, with a column text",
        )
    return DatasetInvalid(
        problem,
        "images end in .jpg, .png, .webp and the like, recordings in .wav, .flac, .mp3 and the like; a table of rows "
        "is named itself",
    )


def _label(name: str) -> str | None:
    folder, slash, _ = name.partition("/")
    return folder if slash else None
