"""Rows of Parquet files, a batch at a time; pyarrow is imported here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid, Unsupported
from zoo.file_cache import open_file
from zoo.row_range import BEGINNING, RowMark

BATCH_ROWS = 1024


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """The names in the schema."""
    with _opened(path) as file:
        return tuple(file.schema_arrow.names)


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every row in order; only these columns are read from disk. Numbers of classes become their names."""
    return read_rows_from(BEGINNING, path, columns, log)


def read_rows_from(
    mark: RowMark, path: Path, columns: tuple[str, ...], log: EncodingLog | None = None
) -> Iterator[Row | Malformed]:
    """The same from a row on; the groups of rows before it are not read."""
    number = mark.number - 1
    with _opened(path) as file:
        names = _class_names(file)
        for batch in _batches_from(number, file, columns):
            batch_columns = [_with_class_names(_values(batch.column(name)), names.get(name, ())) for name in columns]
            for values in zip(*batch_columns, strict=True):
                number += 1
                if unreadable := next((value for value in values if isinstance(value, _Unreadable)), None):
                    yield Malformed(number, unreadable.reason)
                else:
                    yield Row(number, dict(zip(columns, values, strict=True)))


def _batches_from(row: int, file: Any, columns: tuple[str, ...]) -> Iterator[Any]:
    """Batches of rows, without so many rows at the beginning."""
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    group = 0
    while group < len(sizes) and sizes[group] <= row:
        row -= sizes[group]
        group += 1
    groups = list(range(group, len(sizes)))
    for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=groups, columns=list(columns)):
        if row < batch.num_rows:
            yield batch.slice(row)
        row = max(0, row - batch.num_rows)


def count_rows(path: Path) -> int:
    """The number of rows the file states."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def read_class_names(path: Path) -> dict[str, tuple[str, ...]]:
    """The names of classes, column by column, that Hugging Face `datasets` writes into a file."""
    with _opened(path) as file:
        return _class_names(file)


class _Unreadable(NamedTuple):
    """A value that there is none of."""

    reason: str


_NOT_UTF8 = _Unreadable("holds text that is not UTF-8")


def _class_names(file: Any) -> dict[str, tuple[str, ...]]:
    metadata = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = msgspec.json.decode(metadata, type=_HuggingFace).info.features
    except msgspec.DecodeError:  # another program's notes: they name nothing, and the values are as they stand
        return {}
    labels = {name: _element(feature) for name, feature in features.items()}
    return {name: tuple(f["names"]) for name, f in labels.items() if _is_class_label(f)}


def _element(feature: Any) -> Any:
    """What a list holds several of, as each version of `datasets` writes it; another feature as it is."""
    if isinstance(feature, list) and len(feature) == 1:
        return feature[0]
    return feature["feature"] if isinstance(feature, dict) and isinstance(feature.get("feature"), dict) else feature


def _is_class_label(feature: Any) -> bool:
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return False
    names = feature.get("names")
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


class _Info(msgspec.Struct):
    features: dict[str, Any] = {}


class _HuggingFace(msgspec.Struct):
    """The part that matters here of what `datasets` writes into the schema."""

    info: _Info = msgspec.field(default_factory=_Info)


def _with_class_names(values: list[Any], names: tuple[str, ...]) -> list[Any]:
    """Names instead of numbers of classes; -1 stands for no label, as `datasets` has it."""
    return [_named(value, names) for value in values] if names else values


def _named(value: Any, names: tuple[str, ...]) -> Any:
    """A number, or a list of them, as names."""
    if isinstance(value, list):
        elements = [_named(one, names) for one in value]
        return next((one for one in elements if isinstance(one, _Unreadable)), elements)
    return _name(value, names) if type(value) is int else value


def _name(number: int, names: tuple[str, ...]) -> Any:
    if 0 <= number < len(names):
        return names[number]
    return None if number == -1 else _Unreadable(f"holds class {number}, where the file names {len(names)}")


def _values(column: Any) -> list[Any]:
    if str(column.type) in ("float", "halffloat"):
        # By way of text: the shortest number that is this one, 0.1 and not 0.10000000149011612.
        return [None if text is None else float(text) for text in column.cast("string").to_pylist()]
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [_value(scalar) for scalar in column]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return _NOT_UTF8


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow.lib
        import pyarrow.parquet
    except ImportError as error:
        raise Unsupported(
            f"{path} is a Parquet file, and reading one needs pyarrow: {error}",
            'install it with: pip install "zoo-models[parquet]"',
        ) from error
    try:
        with open_file(path) as raw, pyarrow.parquet.ParquetFile(raw) as file:
            yield file
    except pyarrow.lib.ArrowException as error:
        raise DatasetInvalid(f"{path} is not a readable Parquet file: {error}") from error
