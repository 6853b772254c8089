"""What one column of a table says of each row, whatever the rows are read for."""

from __future__ import annotations

from pathlib import Path

from zoo.data.table import Table
from zoo.errors import DatasetInvalid
from zoo.kinds.kind import is_empty
from zoo.plurals import name_list


def row_values(path: str | Path, column: str, purpose: str, flag: str) -> tuple[str, dict[int, str]]:
    """The name of a column as the table has it, and its values by their 1-based rows, without the empty ones.

    Args:
        path: of the table.
        column: its name, whatever its case where that is not there.
        purpose: what it would do, for messages.
        flag: that names it, likewise.

    Raises:
        DatasetInvalid: there is no such column.
    """
    table = Table(path)
    named = [name for name in table.columns if name == column] or [
        name for name in table.columns if name.casefold() == column.casefold()
    ]
    if len(named) != 1:
        raise DatasetInvalid(
            f"{path} has no column {column} that would {purpose}; columns found: {name_list(table.columns)}",
            f"name one with {flag} COLUMN",
        )
    cells = ((row.number, getattr(row, "values", {}).get(named[0])) for row in table.rows((named[0],)))
    return named[0], {number: str(value).strip() for number, value in cells if not is_empty(value)}
