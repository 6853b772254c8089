"""What files of answers that are no tables have no room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import OptionInvalid

if TYPE_CHECKING:
    from zoo.runs.answer_files import AnswerColumns


def refuse_columns(columns: AnswerColumns, name: str) -> None:
    """Refuse columns of the data that are to be carried along.

    Raises:
        OptionInvalid: there are any.
    """
    if columns.carried:
        raise OptionInvalid(
            f"--keep carries columns along, and there is no place for them in the format {name}",
            "leave it out, or write .csv, .tsv or .jsonl",
        )
