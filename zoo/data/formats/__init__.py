"""The formats of data, one module each, and which of them a file has: its name says so, or its contents do."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path, PurePath
from typing import NamedTuple, Protocol, cast

from zoo.data import compression
from zoo.data.absence import no_such_data
from zoo.data.encodings import utf8_stream, without_marks
from zoo.data.formats.installed import content_readers, extensions, load_formats, reader_of
from zoo.data.formats.json_document import is_document
from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid
from zoo.file_cache import once
from zoo.kinds.media_files import files_below
from zoo.signatures import HEAD_BYTES, PARQUET, markup_of, signature_of

_EXTENSIONS = {
    "voc": (),
    "coco": (),
    "yolo": (),
    "mask_folders": (),
    "spoken_folders": (),
    "delimited": (".csv", ".tsv", ".tab"),
    "json_lines": (".jsonl", ".ndjson"),
    "json_document": (".json",),
    "parquet": (".parquet",),
    "conll": (".conll", ".bio", ".iob", ".iob2"),
    "label_studio": (),
    "spacy_json": (),
    "plain_text": (".txt",),
    "class_folders": (),
}
"""The formats: modules of this package in the order in which they are asked, and what their files usually end in."""
_FORMAT_OF = {extension: name for name, extensions in _EXTENSIONS.items() for extension in extensions}
EXTENSIONS = tuple(_FORMAT_OF)
_OBJECT = re.compile(rb'\s*(?:\[\s*)?\{\s*"')
"""How JSON begins, and no header of a delimited file does."""
_CONVERSIONS = {
    ".spacy": "write its documents as JSON, one a line, to a .jsonl file: json.dumps(doc.to_json()) for each of "
    "DocBin().from_disk(FILE).get_docs(nlp.vocab)",
}
"""What to do with files that other programs alone can read."""


class Reader(Protocol):
    """A module that reads one kind of file.

    What else it may have, where it knows better than the name of a file: `is_of` and `parts`, see `ContentReader`;
    `base_of(path)`, the folder that relative paths in the rows start from, unless that is the path itself or the folder
    it is in; `TITLE`, what a person calls the format, or `title_of(path)`; `INPUT_KIND`, such as `zoo.IMAGE`, where its
    inputs are of one kind, or `input_kind_of(path)`; `count_rows(path)`; `read_rows_from(mark, path,
    columns, log)`, the rows from a `zoo.row_range.RowMark` on; `read_class_names(path)`, the names of the classes
    0, 1, ... by column.
    """

    def read_columns(self, path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
        """The names of the columns.

        Args:
            path: of the file, whose end says that it is of this kind.
            log: takes note of what is wrong with the encoding; to be handed to `zoo.open_lines`.
        """
        ...

    def read_rows(
        self, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
    ) -> Iterator[Row | Malformed]:
        """Every row in order and in constant memory, with these columns.

        Args:
            path: as above.
            columns: names of columns, each as `read_columns` gives it.
            log: as above.
        """
        ...


class ContentReader(Reader, Protocol):
    """A reader of files, or of folders, that are known by what they hold."""

    def is_of(self, path: Path) -> bool:
        """Whether a file or folder is of the format: all of a data set, or one of its parts.

        It is asked about every path that somebody names, so it takes one look and opens no file that it need not.
        """
        ...

    def parts(self, path: Path) -> dict[str, Path]:
        """Where the parts of a folder of the format are; may be missing where there are none.

        Returns:
            a file or folder of the format for `train`, and perhaps for `eval` and `test`; empty for a folder that is
            read as it is.
        """
        ...


class Format(NamedTuple):
    """How a file is read."""

    reader: Reader
    extension: str
    """What files of this format usually end in; empty for what is known by more than that."""

    def parts(self, path: Path) -> dict[str, Path]:
        """As `ContentReader.parts`."""
        parts: Callable[[Path], dict[str, Path]] | None = getattr(self.reader, "parts", None)
        return parts(path) if parts else {}


def known_by_content(path: Path) -> Format | None:
    """The format of which a file or folder is by what it holds; None where its name decides, or it is class folders.

    Raises:
        DatasetInvalid: it cannot be read.
    """
    return once(("known by content", str(path)), lambda: _known_by_content(path))


def _known_by_content(path: Path) -> Format | None:
    for reader in chain((_format(name, "").reader for name in _EXTENSIONS), content_readers()):
        is_of: Callable[[Path], bool] | None = getattr(reader, "is_of", None)
        if is_of and is_of(path):
            return Format(reader, "")
    return None


def format_of(path: Path) -> Format:
    """The format of a file.

    Raises:
        DatasetInvalid: there is no such file, its extension names no format that zoo reads, or it is something else.
    """
    if not path.exists():
        raise no_such_data(path)
    try:
        if known := known_by_content(path):
            return known
        if path.is_dir():
            return _format("class_folders", "")
        if not path.is_file():
            raise DatasetInvalid(f"{path} is no ordinary file", "write its rows to a file, and name that")
        return _of_contents(path)
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror or error}") from error


def names_data(path: Path) -> bool:
    """Whether a file is data by its name, compressed or not."""
    extension = path.suffix.lower()
    return extension in EXTENSIONS or extension in compression.EXTENSIONS or extension in extensions()


def first_table(folder: Path) -> Path | None:
    """The first file below a folder, level by level, that is a table by its name."""
    paths = (path for path in files_below(folder) if names_data(path) and path.suffix.lower() != ".txt")
    tables = (path for path in paths if path.is_file())
    return min(tables, key=lambda path: (len(path.parts), path), default=None)


def _of_contents(path: Path) -> Format:
    extension = PurePath(compression.inner_name(path)).suffix.lower()
    with compression.open_contents(path) as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(PARQUET):
        return _parquet(path)
    signature = signature_of(head) or (markup_of(head) if extension != ".txt" else None)
    if signature:
        raise DatasetInvalid(f"{path} is {signature.kind}", signature.advice)
    if extension not in _FORMAT_OF:
        reader = reader_of(extension)
        if reader is None:
            raise _unknown(path, extension)
        return Format(reader, extension)
    if extension == ".parquet":
        raise DatasetInvalid(f"{path} is not a readable Parquet file: it begins with {head[:8]!r}", _advice())
    name = _FORMAT_OF[extension]
    text = without_marks(utf8_stream(io.BufferedReader(io.BytesIO(head))).read(HEAD_BYTES))
    if name in ("json_lines", "json_document") or (name == "delimited" and _OBJECT.match(text)):
        name = "json_document" if is_document(text, expected=name != "json_lines") else "json_lines"
    return _format(name, extension)


def _format(name: str, extension: str) -> Format:
    return Format(cast("Reader", importlib.import_module(f"{__name__}.{name}")), extension)


def _parquet(path: Path) -> Format:
    if compression.is_compressed(path):
        raise DatasetInvalid(
            f"{path} is a Parquet file within another", "unpack it: a Parquet file is compressed as it is"
        )
    return _format("parquet", ".parquet")


def _advice() -> str:
    """What can be read."""
    endings = ", ".join((*EXTENSIONS, *(one.extension for one in load_formats()[0] if one.extension)))
    return f"zoo reads {endings}, and these compressed ({', '.join(compression.EXTENSIONS)})"


def _unknown(path: Path, extension: str) -> DatasetInvalid:
    kind = f"ends in {extension}" if extension else "has no extension"
    if compression.is_compressed(path):
        kind = f"is compressed, and what is in it {kind}"
    return DatasetInvalid(
        f"{path} {kind}, which does not say how it is to be read",
        _CONVERSIONS.get(extension) or _advice(),
    )
