"""Whose a row is, where a column says so: a person may have several."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.data.example import Dataset, Example, RejectedRow
from zoo.data.row_values import row_values
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, OptionInvalid
from zoo.kinds.kind import is_empty
from zoo.plurals import counted

_NOUNS = (
    "user|person|patient|author|customer|client|speaker|participant|student|employee|member|account|reviewer|household"
)
_PEOPLE = re.compile(rf"{_NOUNS}", re.IGNORECASE)
"""What columns are called that may say whose a row is, or of which kind somebody is."""
_IDS = re.compile(rf"({_NOUNS}|subject)s?[ _-]?(id|name|no|nr|number|key|uid|uuid)", re.IGNORECASE)
"""What columns are called that say it."""
KINDS, SHARE = 20, 0.1
"""Of `_PEOPLE`, columns with no more values than both, the latter as a share of the rows, have kinds of people."""


def units_by_row(path: str | Path, column: str) -> dict[int, str]:
    """Whose each row is, by its 1-based number; rows of nobody are not there.

    Args:
        path: of a table.
        column: says whose a row is.

    Raises:
        DatasetInvalid: there is no such column, or nothing in it.
    """
    name, units = row_values(path, column, "say whose a row is", "--unit")
    if not units:
        raise DatasetInvalid(f"{path} says of no row whose it is: column {name} is empty", "name another --unit")
    return units


class Shared(NamedTuple):
    """A column that seems to say whose a row is."""

    column: str
    rows: int
    """Of somebody who has several."""
    of_rows: int


def check_units(path: str | Path, column: str, learnt: Collection[str] = ()) -> None:
    """Insist on knowing whom a private training on a data set protects.

    Args:
        path: of the data.
        column: says whose a row is; empty where nobody said so.
        learnt: columns of inputs and targets.

    Raises:
        DatasetInvalid: there is no such column, or nothing in it.
        OptionInvalid: nobody said so, and a column looks as if it would say that somebody has several rows.
    """
    if column:
        units_by_row(path, column)
    elif likely := likely_unit_column(path, learnt):
        raise OptionInvalid(
            f"column {likely.column} looks as if it said whose a row is, and {likely.rows:,} of {likely.of_rows:,} "
            "rows have the same as others: --private would protect each row as if it were all of somebody",
            f"--unit {likely.column} protects each of them with all rows; --unit row says that each row is somebody "
            "else's",
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


def keys_of_units(units: Sequence[bytes], keys: Sequence[bytes]) -> list[bytes]:
    """A key for each row: the same for rows of one unit, and for those with the same input, whosever they are.

    Args:
        units: whose each row is.
        keys: `input_key` of each.
    """
    parents: dict[bytes, bytes] = {}

    def root(key: bytes) -> bytes:
        while (parent := parents.setdefault(key, key)) != key:
            parents[key] = key = parents.setdefault(parent, parent)  # halves the way for those who come after
        return key

    of_units = [b"unit " + unit for unit in units]
    for unit, key in zip(of_units, keys, strict=True):
        parents[root(b"input " + key)] = root(unit)
    return [root(unit) for unit in of_units]


def divide_by_unit(
    dataset: Dataset, share: float, seed: int, keys: Sequence[bytes], units: Mapping[int, str]
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Divide a data set into (train, eval) such that on which side a unit is depends on no other one.

    That is what privacy counts on: one unit more or less changes nothing of what the others do. So neither labels nor
    sizes are balanced. Of the rows held out, those whose input is trained on are left out.

    Args:
        dataset: to divide.
        share: of the units to hold out.
        seed: of the choice.
        keys: `input_key` of each example.
        units: whose each row is; empty where each is a unit.

    Raises:
        OptionInvalid: the share leaves nothing to train on.
    """
    limit, salt = round(share * 2**64), str(seed).encode()

    def is_held_out(unit: bytes) -> bool:
        return int.from_bytes(hashlib.blake2b(unit, key=salt, digest_size=8).digest()) < limit

    sides = [
        is_held_out(units[example.row].encode() if units else key)
        for example, key in zip(dataset.examples, keys, strict=True)
    ]
    rows = list(zip(dataset.examples, keys, sides, strict=True))
    train = tuple(example for example, _, held_out in rows if not held_out)
    if not train and rows:
        raise OptionInvalid(
            f"--eval-share {share:g} holds out all of {counted(len(set(units.values()) or rows), 'unit')}",
            "--eval-share 0, or another --seed",
        )
    learnt = {key for _, key, held_out in rows if not held_out}
    return train, tuple(example for example, key, held_out in rows if held_out and key not in learnt)


def likely_unit_column(path: str | Path, learnt: Collection[str] = ()) -> Shared | None:
    """The column that says by its name whose a row is, where somebody has several; None where there is none.

    Args:
        path: of a table.
        learnt: columns of inputs and targets, which say something else.
    """
    table = Table(path)
    for column in (name for name in table.columns if name not in learnt):
        is_id = _IDS.fullmatch(column.strip())
        if not is_id and not _PEOPLE.fullmatch(column.strip()):
            continue
        values = (getattr(row, "values", {}).get(column) for row in table.rows((column,)))
        counts = Counter(str(value).strip() for value in values if not is_empty(value))
        rows = counts.total()
        shared = sum(count for count in counts.values() if count > 1)
        if shared and (is_id or len(counts) > KINDS or len(counts) >= SHARE * rows):
            return Shared(column, shared, rows)
    return None
