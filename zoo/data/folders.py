"""Folders of images as tables: one row per file, its class the name of the folder it stands in.

pets/cat/1.jpg             two classes
pets/dog/old/7.png
pets/train/cat/1.jpg       the same, with evaluation data of its own
pets/val/cat/8.jpg
photos/1.jpg               no classes: to pretrain on and to predict
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from zoo.data.images import EXTENSIONS
from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid

FILE_COLUMN, LABEL_COLUMN = "file_name", "label"
TRAIN_NAMES = ("train", "training")
VALIDATION_NAMES = ("val", "valid", "validation", "dev")
TEST_NAMES = ("test", "testing")
METADATA_NAMES = ("metadata.csv", "metadata.jsonl")
"""Tables that name the images of their own folder, as the Hugging Face image folders have them."""


class Parts(NamedTuple):
    """Where the parts of a data set stand."""

    train: Path
    eval: Path | None = None
    test: Path | None = None


def parts_of(path: str | Path) -> Parts:
    """The parts of a folder that is divided into train and val or test; anything else is one part."""
    path = Path(path)
    if not path.is_dir():
        return Parts(path)
    names = {entry.name.lower(): entry for entry in path.iterdir() if entry.is_dir()}
    train, validation, test = (
        next((names[name] for name in usual if name in names), None)
        for usual in (TRAIN_NAMES, VALIDATION_NAMES, TEST_NAMES)
    )
    if train is None or (validation is None and test is None):
        return Parts(path)
    return Parts(train, validation, test)


def table_in(path: Path) -> Path:
    """The table of its images that a folder brings with it; the path itself where there is none."""
    return next((path / name for name in METADATA_NAMES if (path / name).is_file()), path)


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name`, and `label` where there are class folders."""
    parts = parts_of(path)
    if parts.train != path:
        held_out = next(part for part in parts[1:] if part is not None)
        raise DatasetInvalid(
            f"{path} is divided into {parts.train.name} and {held_out.name}", f"name the part, such as {parts.train}"
        )
    labels = [_label(name) for name in walk(path)]
    if not labels:
        raise DatasetInvalid(
            f"{path} is a folder without images",
            "images end in .jpg, .png, .webp and the like; a table of rows is named itself",
        )
    return (FILE_COLUMN, LABEL_COLUMN) if any(labels) else (FILE_COLUMN,)


def read_rows(path: Path, wanted: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every image below the folder, by name."""
    for number, name in enumerate(walk(path), start=1):
        values = {FILE_COLUMN: name, LABEL_COLUMN: _label(name)}
        yield Row(number, {column: values[column] for column in wanted})


def walk(path: Path) -> Iterator[str]:
    """Names of all image files below a folder, relative to it, with forward slashes, sorted folder by folder.

    Hidden files and folders are left out; links to folders are followed, once each.
    """
    try:
        yield from _walk(path, "", {os.path.realpath(path)})
    except OSError as error:
        raise DatasetInvalid(f"{error.filename or path} cannot be read: {error.strerror or error}") from error


def other_files(path: Path) -> dict[str, int]:
    """How many files below a folder are no images by their names: by extension, most frequent first."""
    counts = Counter(
        Path(name).suffix.lower() or "no extension"
        for _, _, names in (os.walk(path) if path.is_dir() else ())
        for name in names
        if not name.startswith(".") and Path(name).suffix.lower() not in EXTENSIONS
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _walk(folder: Path, prefix: str, seen: set[str]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if entry.is_dir():
            real = os.path.realpath(entry.path)
            if real not in seen:
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", seen | {real})
        elif Path(entry.name).suffix.lower() in EXTENSIONS:
            yield prefix + entry.name


def _label(name: str) -> str | None:
    folder, slash, _ = name.partition("/")
    return folder if slash else None
