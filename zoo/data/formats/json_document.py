"""Rows of one JSON document: an array of objects, or an object that holds one, or columns.

[{"text": ..., "label": ...}, ...]
{"data": [{"text": ...}, ...], "version": 1}
{"text": {"0": ..., "1": ...}, "label": {"0": ...}}         by column, as pandas writes it
{"text": [..., ...], "label": [...]}

A document is read as a whole, so there is a limit to its size; JSON lines have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import msgspec

from zoo.data.compression import EXTENSIONS, inner_name, open_contents
from zoo.data.encodings import utf8_stream, without_marks
from zoo.data.formats.json_lines import columns_of, decode_row, selected
from zoo.data.lines import EncodingLog, InvalidByte, NotUtf8
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid

MAX_BYTES = 256 * 2**20
AS_LINES = "make it JSON lines: jq -c '.[]' FILE > rows.jsonl"
_Fields = dict[str, msgspec.Raw]


def is_document(head: bytes, *, expected: bool) -> bool:
    """Whether the beginning of a file is that of one document, rather than of JSON lines.

    Args:
        head: some of it; cut off where the file is longer.
        expected: whether a document is likelier, where both are possible.
    """
    first, _, rest = head.lstrip().partition(b"\n")
    more = rest.strip()
    if first.startswith(b"["):
        return not (more and _is_json(first))
    if not first.startswith(b"{"):
        return False
    if _is_json(first):
        return expected and not more
    # A line of JSON lines that is broken is followed by the next object, one of a document by a name.
    return not more.startswith(b"{") and (expected or first.strip() == b"{")


def items_of(path: Path, log: EncodingLog | None, key: str = "") -> list[msgspec.Raw]:
    """The items of an array that is a document, or that the key of an object has.

    Raises:
        DatasetInvalid: it is no JSON, or no such array.
    """
    text = document_bytes(path, log)
    try:
        if key and text.lstrip().startswith(b"{"):
            text = bytes(msgspec.json.decode(text, type=_Fields).get(key, b"[]"))
        return msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise DatasetInvalid(f"{path} is not JSON as a whole: {error}", "is it cut short? export it again") from None


def head_of(path: Path, size: int) -> bytes:
    """The beginning of a file that ends in .json, compressed or not; empty for any other."""
    if not path.is_file() or path.suffix.lower() not in (".json", *EXTENSIONS):
        return b""
    if PurePath(inner_name(path)).suffix.lower() != ".json":
        return b""
    with open_contents(path) as file:
        return without_marks(utf8_stream(file).read(size))


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """The keys of the first rows, in the order they are met."""
    return columns_of(_objects(path, log))


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every object in order, counted from 1. A key that is missing is None."""
    return selected(_objects(path, log), columns)


def _objects(path: Path, log: EncodingLog | None) -> Iterator[Row | Malformed]:
    text = document_bytes(path, log)
    try:
        if text.lstrip().startswith(b"["):
            return _of_array(msgspec.json.decode(text, type=list[msgspec.Raw]))
        document = msgspec.json.decode(text, type=_Fields)
        arrays = {name: rows for name, value in document.items() if (rows := _objects_in(value))}
        if len(arrays) == 1:
            return _of_array(*arrays.values())
        columns = _columns_in(document)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DatasetInvalid(
            f"{path} is not JSON as a whole: {error}",
            "is it cut short? objects one after another become lines with: jq -c . FILE > rows.jsonl",
        ) from None
    if arrays:
        raise DatasetInvalid(
            f"{path} holds several arrays of rows: {', '.join(arrays)}",
            f"write each to a file of its own, such as: jq -c '.{next(iter(arrays))}[]' FILE > rows.jsonl",
        )
    return _of_columns(columns) if columns else _of_array([msgspec.Raw(text)])


def document_bytes(path: Path, log: EncodingLog | None) -> bytes:
    """All of a document, in UTF-8 without byte-order marks.

    Raises:
        DatasetInvalid: it is too large.
        NotUtf8: it is not UTF-8, and no log tolerates that.
    """
    with open_contents(path) as file:
        raw = utf8_stream(file).read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise DatasetInvalid(
            f"{path} is one JSON document of more than {MAX_BYTES // 2**20} MiB, to be read as a whole",
            AS_LINES,
        )
    text = without_marks(raw)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        invalid = InvalidByte(len(raw) - len(text) + error.start, line, f"0x{text[error.start]:02X}")
        if log is None or not log.tolerant:
            raise NotUtf8(invalid) from None
        log.first, log.lines = log.first or invalid, log.lines + 1
        return text.decode(errors="replace").encode()
    return text


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text.decode(errors="replace"))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _objects_in(value: msgspec.Raw) -> list[msgspec.Raw]:
    """The items of an array of objects; none of anything else."""
    if not _begins(value, b"["):
        return []
    items = msgspec.json.decode(value, type=list[msgspec.Raw])
    return items if items and _begins(items[0], b"{") else []


def _columns_in(document: _Fields) -> dict[str, Mapping[Any, msgspec.Raw]]:
    """The cells of each column by row, if every value of the document has the same rows; else nothing."""
    columns: dict[str, Mapping[Any, msgspec.Raw]] = {}
    for name, value in document.items():
        if _begins(value, b"{"):
            columns[name] = msgspec.json.decode(value, type=_Fields)
        elif _begins(value, b"["):
            columns[name] = dict(enumerate(msgspec.json.decode(value, type=list[msgspec.Raw])))
        else:
            return {}
    return columns if len({tuple(cells) for cells in columns.values()}) == 1 else {}


def _begins(value: msgspec.Raw, mark: bytes) -> bool:
    return bytes(memoryview(value)[:1]) == mark


def _of_array(items: Iterable[msgspec.Raw]) -> Iterator[Row | Malformed]:
    return (decode_row(number, item) for number, item in enumerate(items, start=1))


def _of_columns(columns: dict[str, Mapping[Any, msgspec.Raw]]) -> Iterator[Row | Malformed]:
    for number, row in enumerate(next(iter(columns.values())), start=1):
        yield Row(number, {name: msgspec.json.decode(cells[row]) for name, cells in columns.items()})
