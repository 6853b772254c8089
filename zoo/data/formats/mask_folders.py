"""Folders of pictures and of masks as tables: one row a picture.

cells/images/1.jpg           a picture
cells/masks/1.png            its mask, of the same name; 1_mask.png likewise
cells/classes.json           which value is which class, see `zoo/kinds/mask_classes.py`; may be missing

Parts lie above (cells/train/images and cells/train/masks) or below (cells/images/train and cells/masks/train).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.data.lines import EncodingLog
from zoo.data.mask_pairs import PairedFolders, paired_folders, pairs
from zoo.data.part_names import named_parts
from zoo.data.rows import Malformed, Row
from zoo.kinds import IMAGE
from zoo.kinds.media_files import metadata_in

INPUT_KIND = IMAGE
"""What its inputs are, whatever the task."""
TITLE = "pictures with masks"
FILE_COLUMN, MASK_COLUMN = "file_name", "mask"


def is_of(path: Path) -> bool:
    """Whether a folder has a folder of pictures and one of masks, or is a part of such a folder of pictures."""
    return path.is_dir() and not metadata_in(path) and paired_folders(path) is not None


def parts(path: Path) -> dict[str, Path]:
    """The folders of the parts in that of the pictures, where both folders are divided."""
    folders = _folders(path)
    return named_parts(folders.base / folders.pictures)


def base_of(path: Path) -> Path:
    """The folder that pictures and masks are named from."""
    return _folders(path).base


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name` and `mask`."""
    return FILE_COLUMN, MASK_COLUMN


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every picture by name; then, where masks are asked for, the masks without a picture."""
    folders = _folders(path)
    for number, (picture, mask, others) in enumerate(pairs(folders), start=1):
        values = {FILE_COLUMN: picture, MASK_COLUMN: mask}
        row = Row(number, {column: values[column] for column in columns})
        if MASK_COLUMN in columns and (fault := _fault(picture, mask, others, folders)):
            yield Malformed(number, fault, name=picture or mask, untargeted=None if mask else row)
        elif picture:
            yield row


def _fault(picture: str, mask: str, others: tuple[str, ...], folders: PairedFolders) -> str:
    """Why a picture and a mask are no pair; empty where they are."""
    if not picture:
        return f"{mask} has no picture of its name in {folders.pictures}"
    if not mask:
        return f"{picture} has no mask of its name in {folders.masks}"
    return f"{picture} has several masks: {', '.join((mask, *others))}" if others else ""


def _folders(path: Path) -> PairedFolders:
    folders = paired_folders(path)
    assert folders is not None, "the format was chosen by that"
    return folders
