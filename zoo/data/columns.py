"""Which column holds the input and which the label: by the usual names, or by the name a person gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.card import Card
from zoo.data.example import UNKNOWN, Columns
from zoo.data.rows import Malformed
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, InputMismatch
from zoo.kinds import INPUT_KINDS, InputKind
from zoo.kinds.characters import visible_name
from zoo.plurals import shown
from zoo.tasks.task import Task


def trained_columns(card: Card) -> Columns:
    """The columns that the training of a result found its data in; empty for a model that comes with a plugin."""
    return Columns(card.input_column, card.label_column)


def find_columns(
    table: Table,
    task: Task,
    *,
    input_column: str = "",
    label_column: str = "",
    require_labels: bool,
    trained: Columns = UNKNOWN,
) -> Columns:
    """Map the columns of a file to what a task needs.

    Args:
        table: the data.
        task: what it is for.
        input_column: the name that a person gives; empty for the usual ones.
        label_column: likewise.
        require_labels: whether there must be a column for the label.
        trained: the columns that the model was trained on, which go before the usual names.

    Raises:
        DatasetInvalid: naming the columns found and the flag that says which to use.
    """
    chosen_input = _find(
        table, f"the {task.input}", "--input", _before(trained.input, task.input_columns), input_column
    )
    if not chosen_input or table.input_kind not in (None, task.input):
        check_kind(table, task)
        raise _missing(table, f"the {task.input}", "--input", task.input_columns, trained.input)
    if not task.target:
        return Columns(chosen_input)
    usual = tuple(name for name in task.label_columns if name.lower() != chosen_input.lower())
    chosen_label = _find(table, "the label", "--label", _before(trained.label, usual), label_column)
    if chosen_label == chosen_input:
        raise DatasetInvalid(
            f"{table.path}: column {chosen_input} cannot be both {task.input} and label; "
            f"columns found: {shown(table.columns)}",
            "name another with --label or --input",
        )
    if not chosen_label and require_labels:
        raise _missing(table, "the label", "--label", usual, trained.label)
    return Columns(chosen_input, chosen_label)


def likely_kind(table: Table, input_column: str = "") -> InputKind | None:
    """What the inputs of a table are, by its format or the names of its columns; None where they tell nothing."""
    if table.input_kind:
        return table.input_kind
    names = {input_column.lower()} if input_column else {name.lower() for name in table.columns}
    return next((kind for kind in INPUT_KINDS if names.intersection(kind.columns)), None)


def check_kind(table: Table, task: Task) -> None:
    """Insist that the inputs of a table are of the kind that a task takes, as far as can be seen.

    Raises:
        InputMismatch: saying what they are.
    """
    kind = likely_kind(table)
    if kind is None or kind == task.input:
        return
    if table.path.is_dir():
        found = f"a folder of {kind}s"
    elif table.extension == ".txt":
        found = "plain text"
    else:
        column = next(name for name in table.columns if name.lower() in kind.columns)
        found = f"a table of {kind}s (column {column})"
    raise InputMismatch(
        f"{table.path} is {found}, but {task.name} takes {task.input}s",
        "zoo ls lists the models with their tasks",
        found=f"{table.path} is {found}",
        kind=kind.name,
    )


def own_columns(path: str | Path, columns: Columns) -> Columns:
    """The columns where the data names any: a folder of class folders and plain text do not."""
    return UNKNOWN if Path(path).is_dir() or Path(path).suffix.lower() == ".txt" else columns


def replaced_columns(path: str, trained: Columns, columns: Columns, named: Columns) -> list[str]:
    """A line for each column that is used in place of the one that the model was trained on.

    Args:
        path: of the data; a folder or plain text has no columns of its own.
        trained: the columns that the model was trained on; empty where that is not known.
        columns: that are used.
        named: those that a person named; empty where none was.
    """
    columns = own_columns(path, columns)
    uses = (
        (trained.input, columns.input, named.input),
        (trained.label, columns.label, named.label),
    )
    return [
        f"{path} has no column {before}, which the model was trained on; column {used} is used"
        for before, used, asked in uses
        if before and used and not asked and before.lower() != used.lower()
    ]


ALL = "all"
"""What stands for every column where some are to be named."""


def kept_columns(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """The columns that are to be carried along, as the file spells them and in its order.

    Args:
        table: the data.
        names: of columns; one that is no column may be several with commas between them; `all` is every column.

    Raises:
        DatasetInvalid: there is no such column, or there are several of that name.
    """
    asked = [name for given in names for name in _separate(table, given)]
    if ALL in asked:
        asked = list(table.columns)
    found = {_find(table, "--keep", "--keep", (), name) for name in asked}
    return tuple(dict.fromkeys(column for column in table.columns if column in found))


def _separate(table: Table, given: str) -> list[str]:
    return [given] if given in table.columns else [name.strip() for name in given.split(",")]


def usual_columns(table: Table, task: Task, trained: Columns = UNKNOWN) -> Columns:
    """The columns that the model was trained on, or those of the usual names; empty where there is none.

    Raises:
        DatasetInvalid: there are several of one name.
    """
    inputs = _before(trained.input, task.input_columns)
    input_column = _find(table, f"the {task.input}", "--input", inputs, "")
    if not task.target:
        return Columns(input_column)
    usual = tuple(name for name in task.label_columns if name.lower() != input_column.lower())
    return Columns(input_column, _find(table, "the label", "--label", _before(trained.label, usual), ""))


def _find(table: Table, what: str, flag: str, usual: tuple[str, ...], asked: str) -> str:
    """The column as the file spells it; empty where nothing was asked for and no usual name is there."""
    for name in (visible_name(asked),) if asked else usual:
        found = [column for column in table.columns if column == name] or [
            column for column in table.columns if column.lower() == name.lower()
        ]
        if len(found) > 1:
            raise DatasetInvalid(
                f"{table.path} has {len(found)} columns called {name}; columns found: {shown(table.columns)}",
                f"rename all but one, or name another column with {flag}",
            )
        if found:
            return found[0]
    if asked:
        raise DatasetInvalid(
            f"{table.path} has no column {asked} for {what}; columns found: {shown(table.columns)}",
            f"name one of them with {flag}",
        )
    return ""


def _before(trained: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    return (trained, *usual) if trained else usual


def _missing(table: Table, what: str, flag: str, usual: tuple[str, ...], trained: str) -> DatasetInvalid:
    if table.extension == ".txt":
        return DatasetInvalid(
            f"{table.path} is plain text, which has no column for {what}; columns found: {shown(table.columns)}",
            "use a .csv, .tsv, .jsonl or .parquet file with a column for it",
        )
    if table.path.is_dir():
        return DatasetInvalid(
            f"{table.path} has images, but no class folders",
            f"put the images of each class in a folder of its own, such as {table.path}/cat/1.jpg and "
            f"{table.path}/dog/7.jpg, or list them in a table with columns file_name and label",
        )
    if not table.columns:
        first = next(table.rows(()), None)
        why = f": row {first.number} {first.reason}" if isinstance(first, Malformed) else ""
        return DatasetInvalid(f"{table.path} has no rows{why}; columns found: none", "is it the right file?")
    lacking = f"no column {trained}, which the model was trained on, and none" if trained else "no column"
    return DatasetInvalid(
        f"{table.path} has {lacking} that is usually {what} ({', '.join(usual)}); "
        f"columns found: {shown(table.columns)}",
        f"say which it is with {flag} NAME; the first row of a .csv or .tsv file must name the columns"
        if table.extension in (".csv", ".tsv", ".tab")
        else f"say which it is with {flag} NAME",
    )
