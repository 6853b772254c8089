"""Boxes and masks as COCO has them: a JSON document of images, annotations and categories (Lin et al. 2014, 1405.0312).

{"images": [{"id": 1, "file_name": "1.jpg", "width": 640, "height": 480}],
 "annotations": [{"image_id": 1, "category_id": 3, "bbox": [12, 30, 84, 50],        corner, width and height, in pixels
                  "segmentation": [[12, 30, 96, 30, 96, 80]]}],                     polygons or run lengths
 "categories": [{"id": 3, "name": "cat"}]}

The pictures stand beside the document, in `images`, or in a folder that is called like the part which the document
describes: train2017 for annotations/instances_train2017.json. Annotations of a crowd of things are passed over, as
torchvision's references do.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.compression import open_contents
from zoo.data.lines import EncodingLog
from zoo.data.part_names import part_of_name
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid
from zoo.kinds import IMAGE
from zoo.kinds.boxes import FAULT, HEIGHT, OBJECTS, WIDTH
from zoo.kinds.media_files import entries, metadata_in
from zoo.plurals import counted

INPUT_KIND = IMAGE
"""What its inputs are, whatever the task."""
FILE_COLUMN, BOXES_COLUMN, MASK_COLUMN = "file_name", "boxes", "mask"
MAX_BYTES = 1 << 30
_AFFIXES = re.compile(r"^_?(?:instances|annotations|person_keypoints)?[_.-]*|[_.-]*(?:annotations)?(?:\.coco)?$")
"""What a document is called beside the name of its part."""
_OF_SOMETHING_ELSE = ("captions", "panoptic", "person_keypoints", "stuff", "image_info")
"""How other documents of the COCO data set begin, which stand in the same folder."""
_FIRST_KEYS = ("info", "images", "annotations", "categories", "licenses", "type")
_BEGINNING = re.compile(rb'\s*\{\s*"(?:' + "|".join(_FIRST_KEYS).encode() + rb')"\s*:')
_HEAD_BYTES = 256
_NO_NUMBER = re.compile(rb"[\[:,]\s*(?:NaN|-?Infinity)\b")
_Id = int | float | str
"""Data frames write whole numbers as 7.0, which are the same."""
_NO_OUTLINE = (b"", b"[]", b"null")


class _Picture(msgspec.Struct):
    id: _Id
    file_name: str
    width: float = 0
    height: float = 0


class _Annotation(msgspec.Struct):
    image_id: _Id
    category_id: _Id = ""
    bbox: Any = None
    segmentation: msgspec.Raw = msgspec.Raw(b"")
    iscrowd: int = 0


class _Category(msgspec.Struct):
    id: _Id
    name: str


class _Document(msgspec.Struct):
    images: list[_Picture]
    annotations: list[_Annotation] | None = None
    categories: list[_Category] = []


def is_of(path: Path) -> bool:
    """Whether a file is a JSON document of images with annotations or categories, or a folder brings such documents."""
    return bool(parts(path)) if path.is_dir() else _is_document(path, "annotations", "categories")


def title_of(path: Path) -> str:
    """What the file was taken for, and what of it belongs to no picture."""
    document = _document(path)
    if document.annotations is None:
        return "a COCO document without annotations"
    listed = {picture.id for picture in document.images}
    lost = [annotation.image_id for annotation in document.annotations if annotation.image_id not in listed]
    if not lost:
        return "a COCO document"
    return (
        f"a COCO document without {counted(len(lost), 'annotation')} of images that it does not list, such as {lost[0]}"
    )


def parts(path: Path) -> dict[str, Path]:
    """The documents beside the pictures or in `annotations` by their parts, of which one is `train`."""
    if metadata_in(path):
        return {}
    documents = [document for folder in (path / "annotations", path) for document in _documents(folder)]
    if len(documents) == 1:
        return {"train": documents[0]}
    parts: dict[str, Path] = {}
    for document in documents:
        if part := part_of_name(_AFFIXES.sub("", document.stem)):
            parts.setdefault(part, document)
    return parts if "train" in parts else {}


def _documents(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    names = [entry.name for entry in entries(folder) if entry.name.lower().endswith(".json")]
    return [
        folder / name
        for name in names
        if not name.startswith(_OF_SOMETHING_ELSE) and _is_document(folder / name, "annotations")
    ]


def _is_document(path: Path, *keys: str) -> bool:
    """Whether a file is a JSON document that has images and any of some keys."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with open_contents(path) as file:
        if not _BEGINNING.match(file.read(_HEAD_BYTES)):
            return False
    status = path.stat()
    present = _keys(path, status.st_size, status.st_mtime_ns)
    return present is None or ("images" in present and not present.isdisjoint(keys))


@lru_cache(maxsize=8)
def _keys(path: Path, size: int, modified: int) -> frozenset[str] | None:
    """Those of a document; None where it cannot be decoded, to be told as what it begins as."""
    try:
        return frozenset(msgspec.json.decode(_bytes(path), type=dict[str, msgspec.Raw]))
    except msgspec.DecodeError:
        return None


def base_of(path: Path) -> Path:
    """The folder that the pictures are named from."""
    pictures = _document(path).images
    part = _AFFIXES.sub("", path.stem)
    parents = (path.parent, path.parent.parent)
    folders = [folder / name for folder in parents for name in ("", "images", part, f"images/{part}")]
    first = next((picture.file_name for picture in pictures), "")
    return next((folder for folder in folders if first and (folder / first).is_file()), path.parent)


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name`, `boxes`, and `mask` where any thing has an outline."""
    annotations = _document(path).annotations
    if annotations is None:
        return (FILE_COLUMN,)
    outlined = any(bytes(one.segmentation) not in _NO_OUTLINE for one in annotations)
    return (FILE_COLUMN, BOXES_COLUMN, MASK_COLUMN) if outlined else (FILE_COLUMN, BOXES_COLUMN)


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every picture in the order of the document."""
    document = _document(path)
    names = {category.id: category.name for category in document.categories}
    of_picture: dict[_Id, list[_Annotation]] = defaultdict(list)
    for annotation in document.annotations or ():
        if not annotation.iscrowd or MASK_COLUMN in columns:
            of_picture[annotation.image_id].append(annotation)
    for number, picture in enumerate(document.images, start=1):
        annotations = of_picture[picture.id]
        values: dict[str, Any] = {FILE_COLUMN: picture.file_name}
        if BOXES_COLUMN in columns:
            objects = [_object(annotation, names) for annotation in annotations if not annotation.iscrowd]
            values[BOXES_COLUMN] = {OBJECTS: objects, WIDTH: picture.width, HEIGHT: picture.height}
        if MASK_COLUMN in columns:
            shapes = [_shape(annotation, names) for annotation in annotations]
            values[MASK_COLUMN] = {OBJECTS: shapes, WIDTH: picture.width, HEIGHT: picture.height}
        yield Row(number, {column: values[column] for column in columns})


def count_rows(path: Path) -> int:
    """How many pictures there are."""
    return len(_document(path).images)


def _object(annotation: _Annotation, names: dict[_Id, str]) -> dict[str, Any]:
    name = names.get(annotation.category_id, "")
    if not name:
        return {FAULT: f"is of category {annotation.category_id!r}, which the document does not name"}
    return {"label": name, "bbox": annotation.bbox}


def _shape(annotation: _Annotation, names: dict[_Id, str]) -> dict[str, Any]:
    """As the kind of masks takes it, which refuses one without a label; a crowd of things is ignored there."""
    segmentation = bytes(annotation.segmentation)
    return {
        "label": names.get(annotation.category_id, ""),
        "segmentation": msgspec.json.decode(segmentation) if segmentation else None,
        "iscrowd": annotation.iscrowd,
    }


def _document(path: Path) -> _Document:
    """The document, decoded once as long as it stays as it is.

    Raises:
        DatasetInvalid: it cannot be read as such.
    """
    status = path.stat()
    return _decoded(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _decoded(path: Path, size: int, modified: int) -> _Document:
    if size > MAX_BYTES:
        raise DatasetInvalid(f"{path} is a COCO document of {size:,} bytes", "divide it: 1 GiB is read at most")
    try:
        return _parsed(_bytes(path))
    except msgspec.DecodeError as error:
        raise DatasetInvalid(
            f"{path} begins as a COCO document and is none: {error}",
            "it needs images (id, file_name), annotations (image_id, category_id, bbox) and categories (id, name)",
        ) from error


def _parsed(text: bytes) -> _Document:
    """The document; NaN and Infinity, which Python writes, are numbers that a box is left out for."""
    try:
        return msgspec.json.decode(text, type=_Document)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if not _NO_NUMBER.search(text):
            raise
        return msgspec.convert(json.loads(text), _Document)


def _bytes(path: Path) -> bytes:
    with open_contents(path) as file:
        return file.read()
