"""Rows of Parquet files, a batch at a time; pyarrow is imported here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.errors import DatasetInvalid, Unsupported

BATCH_ROWS = 1024


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """The names in the schema."""
    with _opened(path) as file:
        return tuple(file.schema_arrow.names)


def read_rows(path: Path, wanted: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every row in order; only the wanted columns are read from disk."""
    number = 0
    with _opened(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(wanted)):
            columns = [_values(batch.column(name)) for name in wanted]
            for values in zip(*columns, strict=True):
                number += 1
                if _UNREADABLE in values:
                    yield Malformed(number, "holds text that is not UTF-8")
                else:
                    yield Row(number, dict(zip(wanted, values, strict=True)))


def count_rows(path: Path) -> int:
    """The number of rows the file states."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


_UNREADABLE = object()


def _values(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [_value(scalar) for scalar in column]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return _UNREADABLE


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
        with path.open("rb") as raw, pyarrow.parquet.ParquetFile(raw) as file:
            yield file
    except pyarrow.lib.ArrowException as error:
        raise DatasetInvalid(f"{path} is not a readable Parquet file: {error}") from error
