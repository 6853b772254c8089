"""Boxes as YOLO folders have them: a text file for each picture, and the names of the classes in data.yaml.

pets/data.yaml                  names: [cat, dog], and where the parts are: train, val and perhaps test
pets/images/train/1.jpg         a picture
pets/labels/train/1.txt         a box a line: class, and centre x, centre y, width, height as shares of the picture

The other usual order, pets/train/images and pets/train/labels, is the same. A line of more numbers is the outline of a
thing, whose box is taken. A picture without a text file has nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.answers import Rejected
from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.data.yolo import class_names, file_in, labels_folder, yolo_file, yolo_parts
from zoo.file_cache import media_fact, open_media
from zoo.kinds import IMAGE
from zoo.kinds.boxes import FAULT, HEIGHT, OBJECTS, WIDTH
from zoo.kinds.image_decoding import shown_size
from zoo.kinds.image_files import walk

INPUT_KIND = IMAGE
"""What its inputs are, whatever the task."""
TITLE = "a YOLO data set"
FILE_COLUMN, BOXES_COLUMN = "file_name", "boxes"


def is_of(path: Path) -> bool:
    """Whether a folder has a data.yaml, or is one of pictures with labels beside it and a data.yaml above."""
    if not path.is_dir():
        return False
    return file_in(path) is not None or (labels_folder(path) is not None and yolo_file(path) is not None)


def parts(path: Path) -> dict[str, Path]:
    """Those that the data.yaml of a folder names."""
    file = file_in(path)
    return yolo_parts(file) if file else {}


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name` and `boxes`."""
    class_names(_file(path))
    return FILE_COLUMN, BOXES_COLUMN


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every picture below the folder, by name."""
    names, labels = class_names(_file(path)), labels_folder(path)
    assert labels is not None
    for number, picture in enumerate(walk(path), start=1):
        values: dict[str, Any] = {FILE_COLUMN: picture}
        if BOXES_COLUMN in columns:
            text = (labels / picture).with_suffix(".txt")
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


def _file(path: Path) -> Path:
    file = yolo_file(path)
    assert file is not None
    return file


def _cell(lines: Sequence[Sequence[str]], names: Sequence[str], size: tuple[int, int]) -> dict[str, Any]:
    width, height = size
    return {OBJECTS: [_object(line, names, width, height) for line in lines], WIDTH: width, HEIGHT: height}


def _object(fields: Sequence[str], names: Sequence[str], width: int, height: int) -> dict[str, Any]:
    """A line as a box in pixels, or what is wrong with it."""
    try:
        number, *shares = map(float, fields)
        index = int(number)
    except (ValueError, OverflowError):
        return {FAULT: f"is written {' '.join(fields)[:40]!r}, which are not a class and numbers"}
    if index != number or not 0 <= index < len(names) or not names[index]:
        return {FAULT: f"is of class {number:g}, which data.yaml does not name"}
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
    return {"label": names[index], **edges}
