"""What a YOLO folder says: where its parts are and what its classes are called, in data.yaml or a list of names."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.errors import DatasetInvalid
from zoo.file_cache import open_media, read_text
from zoo.kinds.media_files import files_below

NAMES = ("data.yaml", "data.yml", "dataset.yaml")
LABELS, IMAGES = "labels", "images"
LISTS = ("classes.txt", "obj.names", "classes.names")
"""Files with the name of a class a line, in the order of their numbers, where there is no data.yaml."""
_TEXTS_SEEN = 20
"""Texts of which one must hold a box, where there is no data.yaml."""
_LEVELS = 3
"""Folders between data.yaml and the pictures, at most."""


def yolo_file(path: Path) -> Path | None:
    """The data.yaml that a folder of pictures belongs to, in it or above it; None where there is none."""
    folders = (path, *path.absolute().parents[:_LEVELS])
    file = next((file for folder in folders if (file := file_in(folder))), None)
    if file is None or (file.parent != path and labels_folder(path) is None):
        return None
    return file


def file_in(folder: Path) -> Path | None:
    """The data.yaml of a folder itself."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def labels_folder(pictures: Path) -> Path | None:
    """The folder of the text files of a folder of pictures: `labels` in the place of the last `images`."""
    parts = list(pictures.absolute().parts)
    if IMAGES not in parts:
        return None
    last = len(parts) - 1 - parts[::-1].index(IMAGES)
    folder = Path(*parts[:last], LABELS, *parts[last + 1 :])
    return folder if folder.is_dir() else None


def names_list(pictures: Path) -> Path | None:
    """The list of names that a folder of pictures belongs to: beside its texts, or in one of the two folders above."""
    labels = labels_folder(pictures)
    folders = (labels, *labels.parents[:2]) if labels else ()
    return next((folder / name for folder in folders for name in LISTS if (folder / name).is_file()), None)


def listed_names(file: Path) -> tuple[str, ...]:
    """What a list calls the classes 0, 1, ..."""
    lines = open_text(file).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(line.strip() for line in lines)


def has_box_texts(pictures: Path) -> bool:
    """Whether the first texts for the pictures of a folder hold boxes, as far as they hold anything."""
    labels = labels_folder(pictures)
    if labels is None:
        return False
    texts = (path for path in files_below(labels) if path.suffix.lower() == ".txt" and path.name not in LISTS)
    contents = (open_text(path).split("\n", 1)[0].split() for path in islice(texts, _TEXTS_SEEN))
    first = next((fields for fields in contents if fields), [])
    return len(first) >= 5 and all(_is_number(field) for field in first)


def open_text(path: Path) -> str:
    """All that a file holds."""
    with open_media(str(path)) as file:
        return file.read().decode("utf-8-sig", errors="replace")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def yolo_parts(file: Path) -> dict[str, Path]:
    """The folders of the parts that a data.yaml names and that exist: `train`, `eval` and `test`.

    Raises:
        DatasetInvalid: it cannot be read, or names no folder of pictures to train on.
    """
    document = _document(file)
    parts = {}
    for part, keys in {"train": ("train",), "eval": ("val", "valid"), "test": ("test",)}.items():
        entry = next((document[key] for key in keys if document.get(key)), None)
        folder = _folder(file, document, entry) if isinstance(entry, str) else None
        if folder is not None:
            parts[part] = folder
    if "train" not in parts:
        raise DatasetInvalid(
            f"{file} names no folder of pictures to train on: train is {document.get('train')!r}",
            "train and val are folders of pictures such as images/train, from the file's own folder on",
        )
    return parts


def class_names(file: Path) -> tuple[str, ...]:
    """What a data.yaml calls the classes 0, 1, ...

    Raises:
        DatasetInvalid: it cannot be read, or names none.
    """
    names = _document(file).get("names")
    if isinstance(names, dict) and names and all(isinstance(key, int) and key >= 0 for key in names):
        return tuple(str(names.get(number, "")) for number in range(max(names) + 1))
    if isinstance(names, list) and names:
        return tuple(str(name) for name in names)
    raise DatasetInvalid(
        f"{file} names no classes: names is {str(names)[:60]!r}", "names is a list, or a number and a name each"
    )


def _folder(file: Path, document: dict[str, Any], entry: str) -> Path | None:
    """A folder of pictures as it is meant; some programs write it from elsewhere."""
    bases = (file.parent / str(document.get("path") or ""), file.parent)
    names = (entry, entry.removeprefix("../"), entry.removeprefix("./"))
    folders = (base / name for base in bases for name in names)
    part = next((folder for folder in folders if folder.is_dir()), None)
    return part / IMAGES if part is not None and IMAGES not in part.parts and (part / IMAGES).is_dir() else part


def _document(file: Path) -> dict[str, Any]:
    try:
        content = read_text(file)  # each time, so that whoever asks which files data are hears of this one
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from error
    return _decoded(file, content)


@lru_cache(maxsize=4)
def _decoded(file: Path, content: str) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(content)
    except (ValueError, yaml.YAMLError) as error:
        raise _unreadable(file, error) from error
    if not isinstance(document, dict):
        raise DatasetInvalid(f"{file} says nothing of a data set", "it needs train, val and names")
    return document


def _unreadable(file: Path, error: Exception) -> DatasetInvalid:
    return DatasetInvalid(f"{file} cannot be read: {' '.join(str(error).split())}")
