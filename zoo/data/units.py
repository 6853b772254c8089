"""Whose a row is, where a column says so: a person may have several."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from zoo.data.example import Dataset, RejectedRow
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.kinds.kind import is_empty
from zoo.plurals import name_list

_PEOPLE = re.compile(
    r"(user|person|patient|author|customer|client|speaker|subject|participant|student|employee|member|account|reviewer|"
    r"household)s?([ _-]?(id|name|no|nr|number|key|uid|uuid))?",
    re.IGNORECASE,
)
"""What columns are called that say whose a row is."""


def units_by_row(path: str | Path, column: str) -> dict[int, str]:
    """Whose each row is, by its 1-based number; rows of nobody are not there.

    Args:
        path: of a table.
        column: says whose a row is.

    Raises:
        DatasetInvalid: there is no such column, or nothing in it.
    """
    table = Table(path)
    named = [name for name in table.columns if name == column] or [
        name for name in table.columns if name.casefold() == column.casefold()
    ]
    if len(named) != 1:
        raise DatasetInvalid(
            f"{path} has no column {column} that would say whose a row is; columns found: {name_list(table.columns)}",
            "name one with --unit COLUMN",
        )
    units = {}
    for row in table.rows((named[0],)):
        value = getattr(row, "values", {}).get(named[0])
        if not is_empty(value):
            units[row.number] = str(value).strip()
    if not units:
        raise DatasetInvalid(f"{path} says of no row whose it is: column {named[0]} is empty", "name another --unit")
    return units


def check_units(path: str | Path, column: str) -> None:
    """Insist on knowing whom a private training on a data set protects.

    Args:
        path: of the data.
        column: says whose a row is; empty where nobody said so.

    Raises:
        DatasetInvalid: there is no such column, or nothing in it.
        OptionInvalid: nobody said so, and a column looks as if it would say that somebody has several rows.
    """
    if column:
        units_by_row(path, column)
    elif likely := likely_unit_column(path):
        raise OptionInvalid(
            f"column {likely} looks as if it said whose a row is, and has the same in several: --private would protect "
            "each row as if it were all of somebody",
            f"--unit {likely} protects each of them with all rows; --unit row says that each row is somebody else's",
        )


def of_somebody(dataset: Dataset, units: Mapping[int, str], column: str) -> Dataset:
    """A data set without rows of nobody, which are set aside."""
    lost = [example for example in dataset.examples if example.row not in units]
    reason = f"column {column} is empty, so nobody knows whose it is"
    return msgspec.structs.replace(
        dataset,
        examples=tuple(example for example in dataset.examples if example.row in units),
        rejected=(*dataset.rejected, *(RejectedRow(dataset.path, example.row, reason) for example in lost)),
    )


def keys_of_units(dataset: Dataset, units: Mapping[int, str], keys: Sequence[bytes]) -> list[bytes]:
    """A key for each example: the same for rows of one unit, and for those with the same input, whosever they are.

    Args:
        dataset: has the examples.
        units: whose each row is.
        keys: `input_key` of each.
    """
    parents: dict[bytes, bytes] = {}

    def root(key: bytes) -> bytes:
        while (parent := parents.setdefault(key, key)) != key:
            key = parent
        return key

    of_units = [b"unit " + units[example.row].encode() for example in dataset.examples]
    for unit, key in zip(of_units, keys, strict=True):
        parents[root(b"input " + key)] = root(unit)
    return [root(unit) for unit in of_units]


def likely_unit_column(path: str | Path) -> str:
    """The column that says by its name whose a row is, where somebody has several; empty where there is none."""
    table = Table(path)
    for column in (name for name in table.columns if _PEOPLE.fullmatch(name.strip())):
        values = (getattr(row, "values", {}).get(column) for row in table.rows((column,)))
        counts = Counter(str(value).strip() for value in values if not is_empty(value))
        if counts and max(counts.values()) > 1:
            return column
    return ""
