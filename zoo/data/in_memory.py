"""Data that Python holds, written to a file that a run can read again: data frames, data sets, columns, rows.

What speaks Arrow's C stream (pandas, polars, pyarrow) and `datasets.Dataset` become Parquet; rows and columns of plain
Python become JSON lines. Inputs that are files elsewhere, and are held here (samples with their rate, bytes of a file),
become files beside them. None of these libraries is imported here but pyarrow.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.errors import DatasetInvalid, Unsupported
from zoo.kinds.kind import TARGET, Unusable
from zoo.plurals import with_article
from zoo.tasks.task import Task

_JSON = re.compile(r"\s*(?:\[.*\]|\{.*\})\s*", re.DOTALL)
"""A list or an object, by its ends; `[1].png` is none."""
ACCEPTED = (
    "a file or folder by its path, a data frame of pandas or polars, a table of pyarrow, a datasets.Dataset, a dict of "
    "columns, or a list of dicts, of pairs or of single inputs"
)


def is_in_memory(data: Any) -> bool:
    """Whether data are held by Python, rather than named by a path (a number holds none)."""
    return data is not None and not isinstance(data, str | bytes | os.PathLike | int | float)


def write(data: Any, folder: Path, stem: str, task: Task) -> Path:
    """Write data to a file.

    Args:
        data: one of `ACCEPTED`, no path.
        folder: exists.
        stem: of the file's name.
        task: what the data are for; columns without a name get the usual ones.

    Returns:
        Path of the file.

    Raises:
        DatasetInvalid: the data are none of these, or hold what no file can.
        Unsupported: pyarrow is not installed, and needed.
    """
    if hasattr(data, "keys") and hasattr(data, "num_rows") and not hasattr(data, "schema"):  # datasets.DatasetDict
        splits = list(data.keys())
        raise DatasetInvalid(
            f"the data have the splits {', '.join(map(str, splits))}", f"name one of them, such as data[{splits[0]!r}]"
        )
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "with_format"):
        return _write_parquet(data, folder / f"{stem}.parquet", task)
    path = folder / f"{stem}.jsonl"
    lines = [_line(number, row, path, task) for number, row in enumerate(_rows(data, task), 1)]
    if not lines:
        raise DatasetInvalid("the data have no rows", "give some")
    atomic.write_bytes(path, b"".join(lines))
    return path


def _write_parquet(data: Any, path: Path, task: Task) -> Path:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise Unsupported(
            f"{with_article(type(data).__name__)} is written down as Parquet, which needs pyarrow: {error}",
            'install it with: pip install "zoo-models[parquet]"',
        ) from error
    try:
        if hasattr(data, "with_format"):  # datasets.Dataset, whose features name the classes
            table = data.with_format("arrow")[:].replace_schema_metadata(data.features.arrow_schema.metadata)
        else:
            table = pyarrow.lib.table(data)
        table = _with_paths(table, path, task)
        pyarrow.parquet.write_table(table, path)
    except (pyarrow.lib.ArrowException, TypeError, ValueError) as error:
        raise DatasetInvalid(f"the {type(data).__name__} cannot be written as Parquet: {error}", ACCEPTED) from error
    return path


def _with_paths(table: Any, path: Path, task: Task) -> Any:
    """Paths of files start from the folder one works in, which the written file does not stand in."""
    for index, name in enumerate(table.column_names):
        column, of_files = table.column(index), name.lower() in _path_columns(task)
        if of_files and str(column.type) in ("string", "large_string", "string_view"):
            table = table.set_column(index, name, [[_absolute(value) for value in column.to_pylist()]])
        elif of_files and str(column.type).startswith("struct<"):
            cells = (cell.as_py() for cell in column)
            files = [
                _as_file(cell, path.with_name(f"{path.stem}-{name}-{n}"), n, task) for n, cell in enumerate(cells, 1)
            ]
            table = table.set_column(index, name, [files])
    return table


def _rows(data: Any, task: Task) -> Iterator[Mapping[str, Any]]:
    """The rows of plain Python, each by its columns."""
    if isinstance(data, Mapping):
        yield from _rows_of_columns(data)
        return
    if not isinstance(data, Iterable):
        raise DatasetInvalid(f"the data are {type(data).__name__}, which is none of what data can be", ACCEPTED)
    names = tuple(task.usual_columns(role)[0] for role in task.roles)
    for number, row in enumerate(data, 1):
        if isinstance(row, Mapping):
            yield row
        elif task.input.from_files and task.input.is_one(row):
            yield {names[0]: row}
        elif isinstance(row, list | tuple):
            if len(row) != len(names):
                raise DatasetInvalid(
                    f"row {number} of the data has {len(row)} values, but {task.name} takes {' and '.join(names)}",
                    "give a list of pairs, or of dicts that name their columns",
                )
            yield dict(zip(names, row, strict=True))
        else:
            yield {names[0]: row}


def _rows_of_columns(columns: Mapping[Any, Any]) -> Iterator[Mapping[str, Any]]:
    columns_by_name: dict[str, list[Any]] = {}
    for name, values in columns.items():
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            raise DatasetInvalid(
                f"column {name} of the data is {with_article(type(values).__name__)}, but must hold a value "
                "for each row",
                "give a dict of lists",
            )
        columns_by_name[str(name)] = list(values)
    lengths = {name: len(values) for name, values in columns_by_name.items()}
    if len(set(lengths.values())) > 1:
        raise DatasetInvalid(
            "the columns of the data have "
            + ", ".join(f"{length} ({name})" for name, length in lengths.items())
            + " rows",
            "give as many values in each",
        )
    for values in zip(*columns_by_name.values(), strict=True):
        yield dict(zip(columns_by_name, values, strict=True))


def _line(number: int, row: Mapping[str, Any], path: Path, task: Task) -> bytes:
    values = {str(name): value for name, value in row.items()}
    paths = _path_columns(task)
    for name, value in values.items():
        if name.lower() in paths:
            values[name] = _as_file(value, path.with_name(f"{path.stem}-{name}-{number}"), number, task)
    try:
        return _encoded(values) + b"\n"
    except TypeError as error:
        raise DatasetInvalid(f"row {number} of the data cannot be written down: {error}", ACCEPTED) from error


def _encoded(values: dict[str, Any]) -> bytes:
    """A row as JSON; a text that UTF-8 cannot encode stays bytes that are not UTF-8, for which its row is set aside."""
    try:
        return msgspec.json.encode(values, enc_hook=_number)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(values, str_keys=True, enc_hook=_number), ensure_ascii=False)
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _path_columns(task: Task) -> tuple[str, ...]:
    """Usual names of the columns whose cells name files."""
    inputs = task.input_columns if task.input.from_files else ()
    targets = task.usual_columns(TARGET) if task.target and task.target.from_files else ()
    return (*inputs, *targets)


def _as_file(cell: Any, stem: Path, number: int, task: Task) -> Any:
    """The path of the file that a cell names; what it holds itself becomes a file beside that of the data.

    Args:
        cell: names or holds an input.
        stem: of such a file.
        number: of its row.
        task: what the data are for.
    """
    if isinstance(cell, str | os.PathLike):
        return _absolute(os.fspath(cell))
    try:
        file = task.input.write_held(cell, stem)
    except Unusable as error:
        raise DatasetInvalid(f"row {number} of the data cannot be written down: {error}", ACCEPTED) from error
    if file is not None:
        return file.name
    path = cell.get("path") if isinstance(cell, Mapping) else None
    return _absolute(path) if path else cell


def _absolute(value: Any) -> Any:
    """The path of a file from the root; what is no path, an address, or JSON, stays."""
    if not isinstance(value, str) or not value.strip() or "://" in value or _JSON.fullmatch(value):
        return value
    return os.path.abspath(Path(value).expanduser())  # noqa: PTH100  (a path with "~", as in a table)


def _number(value: object) -> object:
    """What JSON has no type for: numbers of numpy and torch are taken as the numbers they are."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"it holds {with_article(type(value).__name__)}")
