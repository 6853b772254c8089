"""What a person types as inputs, written out: for files, folders and patterns become the files they stand for."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from zoo.data.image_files import walk
from zoo.data.table import EXTENSIONS
from zoo.errors import DatasetInvalid
from zoo.task import InputKind


def expand(words: Iterable[str], kind: InputKind) -> list[str]:
    """One input each, in order; folders and patterns give theirs by name.

    A name of nothing stays as it is: the model rejects it in its place.

    Raises:
        DatasetInvalid: a folder has no images, or a pattern matches nothing.
    """
    if kind == "text":
        return list(words)
    return [name for word in words for name in _files(word)]


def _files(word: str) -> Iterator[str]:
    path = Path(word).expanduser()
    if path.is_dir():
        found = [str(path / name) for name in walk(path)]
        missing = f"{word} is a folder without images"
    elif not path.exists() and glob.has_magic(word):
        found = sorted(name for name in glob.iglob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207
        missing = f"no file matches {word}"
    else:
        found, missing = [str(path)], ""
    if not found:
        raise DatasetInvalid(missing, "name image files, folders of them, or patterns such as 'photos/*.jpg'")
    yield from found


def named_files(words: Iterable[str], kind: InputKind) -> list[str]:
    """Inputs that were probably not meant as such: texts that name a file, files of rows where images are wanted."""
    return [word for word in words if _names_file(word, None if kind == "text" else EXTENSIONS)]


def _names_file(word: str, extensions: Collection[str] | None) -> bool:
    path = Path(word).expanduser()
    extension = path.suffix.lower()
    if not extension or (extensions is not None and extension not in extensions):
        return False
    try:
        return path.is_file()
    except OSError:  # a text longer than any name
        return False
