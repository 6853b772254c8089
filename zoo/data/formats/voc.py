"""Boxes as Pascal VOC has them: a list of names, an XML file and a picture for each (Everingham et al. 2010).

blood/ImageSets/Main/train.txt      the names of a part, one a line; also val.txt and test.txt
blood/Annotations/0001.xml          size of the picture, and objects with name and bndbox
blood/JPEGImages/0001.jpg

A list is the path of its part; where there are no lists, the folder of the XML files is all of the data. Coordinates
are taken as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.file_cache import media_fact, open_file, open_media
from zoo.kinds import IMAGE
from zoo.kinds.boxes import HEIGHT, OBJECTS, WIDTH
from zoo.kinds.media_files import IMAGES, entries

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

INPUT_KIND = IMAGE
"""What its inputs are, whatever the task."""
TITLE = "a Pascal VOC data set"
FILE_COLUMN, BOXES_COLUMN = "file_name", "boxes"
_LISTS, _ANNOTATIONS = ("ImageSets", "Main"), ("Annotations", "annotations")
"""Folders of the lists of the parts, and of what is said of each picture."""
_PICTURES = ("JPEGImages", "images", "")
"""Folders that hold the pictures, beside that of the annotations."""


def is_of(path: Path) -> bool:
    """Whether a path is a VOC data set, a list of one, or the folder of its XML files."""
    if path.is_dir():
        return _annotations_in(path) is not None or _annotations_in(path.parent) == path
    return path.suffix == ".txt" and path.parent.parts[-2:] == _LISTS and _annotations_in(_root(path)) is not None


def parts(path: Path) -> dict[str, Path]:
    """The lists of the parts; trainval where there is no train, and the folder of the XML files where there is none."""
    annotations = _annotations_in(path)
    if annotations is None:
        return {}
    lists = {
        part: path.joinpath(*_LISTS, f"{name}.txt")
        for part, name in (("train", "train"), ("eval", "val"), ("test", "test"))
    }
    parts = {part: one for part, one in lists.items() if one.is_file()}
    if "train" in parts:
        return parts
    whole = path.joinpath(*_LISTS, "trainval.txt")
    if not whole.is_file():
        return {"train": annotations}
    return {"train": whole, **{part: one for part, one in parts.items() if part == "test"}}


def _annotations_in(root: Path) -> Path | None:
    """The folder with an XML file for each picture; None where there is none."""
    folders = (root / name for name in _ANNOTATIONS)
    return next(
        (path for path in folders if path.is_dir() and any(e.name.endswith(".xml") for e in entries(path))), None
    )


def base_of(path: Path) -> Path:
    """The folder that the pictures are named from."""
    return _root(path)


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`file_name` and `boxes`."""
    return FILE_COLUMN, BOXES_COLUMN


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every picture of the list, or of the folder by name."""
    from xml.etree.ElementTree import ParseError

    root = _root(path)
    folder = _annotations_in(root) or path
    pictures = _pictures(root)
    for number, name in enumerate(_names(path), start=1):
        annotation = f"{folder.name}/{name}.xml"
        try:
            document = media_fact(str(root / annotation), "voc", dict, _document)
        except OSError as error:
            yield Malformed(number, f"{annotation}: {error.strerror or error}", name=annotation)
            continue
        except ParseError as error:
            yield Malformed(number, f"{annotation} is no XML: {error}", name=annotation)
            continue
        stated = Path(document[FILE_COLUMN]).name
        picture = pictures.get(stated) or pictures.get(name) or f"{_PICTURES[0]}/{stated or name}"
        values = {FILE_COLUMN: picture, BOXES_COLUMN: document[BOXES_COLUMN]}
        yield Row(number, {column: values[column] for column in columns})


def _document(path: str) -> dict[str, Any]:
    """The name of the picture, and the cell of its boxes."""
    from xml.etree import ElementTree

    with open_media(path) as file:
        document = ElementTree.parse(file).getroot()  # noqa: S314 - expat bounds what entities grow to
    return {FILE_COLUMN: (document.findtext("filename") or "").strip(), BOXES_COLUMN: _boxes(document)}


def _boxes(document: Element) -> dict[str, Any]:
    """The cell: what stands there, which its kind checks."""
    objects = [
        {
            "label": one.findtext("name"),
            **{edge: one.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")},
        }
        for one in document.iter("object")
    ]
    return {OBJECTS: objects, WIDTH: _size(document, "width"), HEIGHT: _size(document, "height")}


def _size(document: Element, side: str) -> int:
    """In pixels; 0 where it is not stated."""
    text = (document.findtext(f"size/{side}") or "").strip()
    return int(text) if text.isdigit() else 0


def _names(path: Path) -> list[str]:
    """The names that a list has, or of the XML files."""
    if path.is_dir():
        return [Path(entry.name).stem for entry in entries(path) if entry.name.endswith(".xml")]
    with open_file(path) as file:
        lines = file.read().decode("utf-8-sig", errors="replace").splitlines()
    names = [line.split()[0] for line in lines if line.strip()]  # a list of one class has 1 or -1 behind each name
    return [Path(name).stem if Path(name).suffix.lower() in IMAGES else name for name in names]


def _pictures(root: Path) -> dict[str, str]:
    """The pictures from the root on, by their names with and without extension; the first folder counts."""
    pictures: dict[str, str] = {}
    for folder in _PICTURES:
        if (root / folder).is_dir():
            for entry in entries(root / folder):
                if Path(entry.name).suffix.lower() in IMAGES:
                    name = f"{folder}/{entry.name}".lstrip("/")
                    pictures.setdefault(entry.name, name)
                    pictures.setdefault(Path(entry.name).stem, name)
    return pictures


def _root(path: Path) -> Path:
    """The folder of the data set."""
    return path.parent if path.is_dir() else path.parents[len(_LISTS)]
