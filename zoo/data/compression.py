"""Data files as they are sent around: compressed by gzip, bzip2 or xz, or the only table in a zip archive."""

from __future__ import annotations

import importlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, cast

from zoo.errors import DatasetInvalid, Unsupported
from zoo.file_cache import open_file
from zoo.kinds.media_files import is_passed_over
from zoo.signatures import ARCHIVE, EXCEL, Signature

EXTENSIONS = (".gz", ".bz2", ".xz", ".zip")
_ZIP = "zipfile"
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "lzma", b"PK\x03\x04": _ZIP, b"PK\x05\x06": _ZIP}
"""First bytes, and the module of the standard library that reads what follows."""
_OFFICE = {
    "xl/": EXCEL,
    "word/": Signature("a Word document", "save its text as .txt, or its table as .csv"),
    "content.xml": Signature("a LibreOffice document", "in LibreOffice: File, Save As, Text CSV; then name that file"),
}
_NAMES_SHOWN = 5


def is_compressed(path: Path) -> bool:
    """Whether the bytes of the file are not those of the data."""
    with open_file(path) as file:
        return _module_of(file) is not None


def inner_name(path: Path) -> str:
    """What the data itself would be called: `reviews.csv` for reviews.csv.gz, the table's own name for a zip archive.

    Raises:
        DatasetInvalid: an archive holds no table, or more than one.
    """
    with open_file(path) as file:
        module = _module_of(file)
        if module == _ZIP:
            with _opened(path, module, file) as table:
                return cast("str", table.name)
    # Programs that download a file may have decompressed it, and left it its name.
    return path.stem if path.suffix.lower() in EXTENSIONS else path.name


@contextmanager
def open_contents(path: Path) -> Iterator[io.BufferedReader]:
    """The bytes of the data, decompressed as they are read.

    Raises:
        DatasetInvalid: the file is damaged, locked by a password, or an archive of more than one table.
        Unsupported: this Python lacks what reads it.
    """
    with open_file(path) as file:
        module = _module_of(file)
        if module is None:
            yield file
            return
        with _opened(path, module, file) as contents:
            yield contents


def _module_of(file: io.BufferedReader) -> str | None:
    head = file.peek(16)
    module = next((module for magic, module in _MAGIC.items() if head.startswith(magic)), None)
    # "BZh" may be the beginning of a text; where it is not, a digit and the first digits of pi follow.
    return None if module == "bz2" and head[4:10] not in (b"1AY&SY", b"\x17rE8P\x90") else module


@contextmanager
def _opened(path: Path, module: str, file: io.BufferedReader) -> Iterator[Any]:
    try:
        reader: Any = importlib.import_module(module)
    except ImportError as error:  # Pythons built without the library
        raise Unsupported(
            f"{path} is compressed, and this Python cannot read it: {error}", "unpack it first"
        ) from error
    damage = [getattr(reader, name) for name in ("LZMAError", "BadZipFile") if hasattr(reader, name)]
    try:
        if module != _ZIP:
            with reader.open(file) as contents:
                yield contents
            return
        with _open_archive(path, reader, file) as archive, _open_table(path, archive) as contents:
            yield contents
    except (EOFError, OSError, zlib.error, *damage) as error:
        raise DatasetInvalid(f"{path} is compressed, and damaged or cut short: {error}", "fetch it again") from error


def _open_archive(path: Path, reader: Any, file: io.BufferedReader) -> Any:
    try:
        return reader.ZipFile(file)
    except Exception as error:  # of a damaged table of contents, zipfile raises nearly anything
        raise DatasetInvalid(f"{path} is an archive that cannot be read here: {error}", ARCHIVE.advice) from error


def _open_table(path: Path, archive: Any) -> Any:
    """The only file of an archive."""
    everything: list[str] = archive.namelist()
    for beginning, signature in _OFFICE.items():
        if any(name.startswith(beginning) for name in everything):
            raise DatasetInvalid(f"{path} is {signature.kind}", signature.advice)
    names = [name for name in everything if not name.endswith("/") and not _is_passed_over(name)]
    if len(names) != 1:
        listing = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
        raise DatasetInvalid(f"{path} is an archive of {len(names):,} files: {listing or 'none'}", ARCHIVE.advice)
    try:
        return archive.open(names[0])
    except RuntimeError as error:  # a password, or a method of compression that zipfile does not know
        raise DatasetInvalid(f"{path} is an archive that cannot be read here: {error}", ARCHIVE.advice) from error


def _is_passed_over(name: str) -> bool:
    return any(is_passed_over(part) for part in PurePosixPath(name).parts)
