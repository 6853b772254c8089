"""Boxes as YOLO folders have them: a text file for each picture, and the names of the classes in data.yaml.

pets/data.yaml                  names: [cat, dog], and where the parts are: train, val and perhaps test
pets/images/train/1.jpg         a picture
pets/labels/train/1.txt         a box a line: class, and centre x, centre y, width, height as shares of the picture

The other usual order, pets/train/images and pets/train/labels, is the same. A line of more numbers is the outline of a
thing, whose box is taken. A picture without a text file has nothing in it. Where there is no data.yaml, classes.txt or
obj.names has a name a line; without that, classes are called by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.answers import Rejected
from zoo.data.lines import EncodingLog
from zoo.data.part_names import named_parts
from zoo.data.rows import Malformed, Row
from zoo.data.yolo import (
    IMAGES,
    class_names,
    file_in,
    has_box_texts,
    labels_folder,
    listed_names,
    names_list,
    yolo_file,
    yolo_parts,
)
from zoo.file_cache import media_fact, open_media
from zoo.kinds import IMAGE, media_files
from zoo.kinds.boxes import FAULT, HEIGHT, OBJECTS, WIDTH
from zoo.kinds.image_decoding import shown_size

INPUT_KIND = IMAGE
"""What its inputs are, whatever the task."""
FILE_COLUMN, BOXES_COLUMN = "file_name", "boxes"


def is_of(path: Path) -> bool:
    """Whether a folder has a data.yaml, or is one of pictures with labels beside it, or has these two folders."""
    if not path.is_dir():
        return False
    return file_in(path) is not None or _has_labels(path) or _has_labels(path / IMAGES)


def parts(path: Path) -> dict[str, Path]:
    """Those that the data.yaml of a folder names; without one, those of its folder of pictures, or that as a whole."""
    if file := file_in(path):
        return yolo_parts(file)
    if _has_labels(path):
        return named_parts(path)
    return named_parts(path / IMAGES) or {"train": path / IMAGES}


def title_of(path: Path) -> str:
    """What the folder was taken for, and where the names of its classes are."""
    if yolo_file(path):
        return "a YOLO data set"
    if names := names_list(path):
        return f"a YOLO data set without data.yaml, whose classes {names.name} names"
    return (
        "a YOLO data set without names: its classes are called by their numbers (classes.txt may name them, one a line)"
    )


def _has_labels(pictures: Path) -> bool:
    """Whether a folder of pictures has one of labels beside it, and a data.yaml above or boxes in it."""
    if not pictures.is_dir() or labels_folder(pictures) is None:
        return False
    return yolo_file(pictures) is not None or has_box_texts(pictures)


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name` and `boxes`."""
    _class_names(path)
    return FILE_COLUMN, BOXES_COLUMN


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every picture below the folder, by name."""
    names, labels = _class_names(path), labels_folder(path)
    assert labels is not None
    for number, picture in enumerate(media_files.walk(path, media_files.IMAGES), start=1):
        values: dict[str, Any] = {FILE_COLUMN: picture}
        if BOXES_COLUMN in columns:
            texts = [(labels / picture).with_suffix(ending) for ending in (".txt", ".TXT")]
            text = next((text for text in texts if text.is_file()), texts[0])
            try:
                lines = media_fact(str(text), "lines", list, _lines) if text.is_file() else []
            except (OSError, UnicodeDecodeError) as error:
                yield Malformed(number, f"{picture}: {text.name} cannot be read: {error}", name=picture)
                continue
            size = shown_size(path / picture)
            if isinstance(size, Rejected):
                yield Malformed(number, f"{picture}: {size.reason}", name=picture)
                continue
            values[BOXES_COLUMN] = _cell(lines, names, size)
        yield Row(number, {column: values[column] for column in columns})


def _lines(path: str) -> list[list[str]]:
    """The fields of each line."""
    with open_media(path) as file:
        return [line.split() for line in file.read().decode().splitlines() if line.strip()]


def _class_names(path: Path) -> _ClassNames:
    if file := yolo_file(path):
        return _ClassNames(file.name, class_names(file))
    file = names_list(path)
    return _ClassNames(file.name, listed_names(file)) if file else _ClassNames()


class _ClassNames(NamedTuple):
    """What the classes are called."""

    file: str = ""
    """That says it; empty where their numbers are all there is."""
    names: tuple[str, ...] = ()

    def name_of(self, number: float) -> str:
        """That of a class; empty where it has none."""
        index = int(number)
        if index != number or index < 0:
            return ""
        return str(index) if not self.file else self.names[index] if index < len(self.names) else ""


def _cell(lines: Sequence[Sequence[str]], names: _ClassNames, size: tuple[int, int]) -> dict[str, Any]:
    width, height = size
    return {OBJECTS: [_object(line, names, width, height) for line in lines], WIDTH: width, HEIGHT: height}


def _object(fields: Sequence[str], names: _ClassNames, width: int, height: int) -> dict[str, Any]:
    """A line as a box in pixels, or what is wrong with it."""
    try:
        number, *shares = map(float, fields)
        label = names.name_of(number)
    except (ValueError, OverflowError):
        return {FAULT: f"is written {' '.join(fields)[:40]!r}, which are not a class and numbers"}
    if not label:
        unnamed = f"{names.file} does not name" if names.file else "is no number of a class"
        return {FAULT: f"is of class {number:g}, which {unnamed}"}
    if len(shares) == 4:
        x, y, w, h = shares
        left, top, right, bottom = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    elif len(shares) >= 6 and len(shares) % 2 == 0:
        left, top, right, bottom = min(shares[::2]), min(shares[1::2]), max(shares[::2]), max(shares[1::2])
    else:
        return {FAULT: f"has {len(shares)} numbers, not 4, nor the pairs of an outline"}
    if max(abs(share) for share in shares) > 2:
        return {FAULT: f"has {max(shares, key=abs):g} for a share of the picture: are these pixels?"}
    edges = {"left": left * width, "top": top * height, "right": right * width, "bottom": bottom * height}
    return {"label": label, **edges}
