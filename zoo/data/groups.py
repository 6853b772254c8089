"""Which rows belong together, so that none is judged by what others of its group have taught."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.data.example import Dataset, Example
from zoo.data.row_values import row_values
from zoo.data.splitting import input_key
from zoo.data.table import Table
from zoo.data.units import keys_of_units, likely_unit_column
from zoo.kinds import InputKind


def group_column(dataset: Dataset, kind: InputKind) -> str:
    """The column that says which rows belong together, such as whose they are; empty where none does.

    Args:
        dataset: the rows.
        kind: of their inputs, which knows usual names.
    """
    learnt = dataset.columns.values()
    others = {name.lower(): name for name in Table(dataset.path).columns if name not in learnt}
    usual = next((others[name] for name in kind.group_columns if name in others), "")
    if usual:
        return usual
    shared = likely_unit_column(dataset.path, tuple(learnt))
    return shared.column if shared else ""


def group_keys(dataset: Dataset, examples: Sequence[Example], column: str = "") -> list[bytes]:
    """A key for each example: the same for those with the same input, and for those with the same value of a column.

    It is the smallest `input_key` of those that belong together.

    Args:
        dataset: that the examples are of.
        examples: some of its rows.
        column: says which rows belong together; rows without a value are alone.
    """
    keys = [input_key(example) for example in examples]
    if not column:
        return keys
    _, units = row_values(dataset.path, column, "say which rows belong together", "--columns")
    of_rows = [
        b"value " + units[one.row].encode() if one.row in units else b"input " + key
        for one, key in zip(examples, keys, strict=True)
    ]
    groups, smallest = keys_of_units(of_rows, keys), dict[bytes, bytes]()
    for group, key in zip(groups, keys, strict=True):
        smallest[group] = min(smallest.get(group, key), key)
    return [smallest[group] for group in groups]
