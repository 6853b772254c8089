"""Which column holds what, by role: by the usual names, or by the name a person gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from zoo.data.example import UNKNOWN, Columns
from zoo.data.rows import Malformed
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, InputMismatch
from zoo.kinds import INPUT_KINDS, InputKind
from zoo.kinds.characters import visible_name
from zoo.kinds.kind import INPUT, TARGET, Kind
from zoo.plurals import name_list
from zoo.tasks import BUILT_IN, get_task
from zoo.tasks.task import Task


def find_columns(
    table: Table, task: Task, *, columns: Mapping[str, str] = UNKNOWN, require_target: bool, trained: Columns = UNKNOWN
) -> Columns:
    """Map the columns of a file to what a task needs.

    Args:
        table: the data.
        task: what it is for.
        columns: names that a person gives, by role; the others are found by their usual names.
        require_target: whether there must be a column for the target.
        trained: the columns that the model was trained on, which go before the usual names.

    Raises:
        DatasetInvalid: naming the columns found and the flag that says which to use.
    """
    _check_roles(columns, task)
    resolved: Columns = {}
    for role, kind in task.roles.items():
        used = {column.lower() for column in resolved.values()}
        usual = tuple(name for name in task.usual_columns(role) if name.lower() not in used)
        trained_column = trained.get(role, "")
        column = _find(table, role, kind, _trained_first(trained_column, usual), columns.get(role, ""))
        if role != TARGET and (not column or table.input_kind not in (None, kind)):
            check_kind(table, task)
            raise _missing(table, task, role, usual, trained_column)
        if other := next((other for other, earlier in resolved.items() if earlier == column), ""):
            raise _used_twice(table, column, (other, task.roles[other]), (role, kind))
        if column:
            resolved[role] = column
        elif require_target:
            raise _missing(table, task, role, usual, trained_column)
    return resolved


def flag_naming(role: str) -> str:
    """What goes before the name of a column on the command line."""
    return f"--{role} " if role in (INPUT, TARGET) else f"--column {role}="


def what_holds(role: str, kind: Kind) -> str:
    """What the column of a role holds, in words."""
    return f"the {kind}" if role in (INPUT, TARGET) else f"the {kind} {role!r}"


def _check_roles(columns: Mapping[str, str], task: Task) -> None:
    """Refuse names of columns for what a task has not."""
    unknown = next((role for role, name in columns.items() if name and role not in task.roles), "")
    if unknown and unknown != TARGET:  # a file may have labels that are not needed
        raise DatasetInvalid(
            f"column {columns[unknown]} was named for {unknown!r}, which {task.name} has not",
            f"its columns hold: {', '.join(task.roles)}",
        )


def _used_twice(table: Table, column: str, first: tuple[str, Kind], second: tuple[str, Kind]) -> DatasetInvalid:
    names = [str(kind) if role in (INPUT, TARGET) else role for role, kind in (first, second)]
    fault = f"column {column} cannot be both {' and '.join(names)}"
    return DatasetInvalid(
        f"{table.path}: {fault}; columns found: {name_list(table.columns)}",
        f"name another with {flag_naming(second[0]).rstrip(' =')} or {flag_naming(first[0]).rstrip(' =')}",
    )


def likely_kind(table: Table, input_columns: Iterable[str] = ()) -> InputKind | None:
    """What the inputs of a table are, by its format or the names of its columns; None where they say nothing.

    Args:
        table: the data.
        input_columns: the columns of the inputs, where they are known.
    """
    if table.input_kind:
        return table.input_kind
    known = {name.lower() for name in input_columns}
    names = [name for name in table.columns if not known or name.lower() in known]
    kinds = [kind for kind in INPUT_KINDS if _columns_named(names, kind)]
    return next((kind for kind in kinds if kind.comes_first and _holds(table, names, kind)), next(iter(kinds), None))


def _columns_named(names: Iterable[str], kind: InputKind) -> list[str]:
    """Those whose names are usual for a kind."""
    return [name for name in names if name.lower() in kind.columns]


def _holds(table: Table, names: Sequence[str], kind: InputKind) -> bool:
    """Whether columns hold what their names say: `path` and `file` stand for files of every sort."""
    cells = ([row.values[name] for row in table.first_rows] for name in _columns_named(names, kind))
    return any(map(kind.likeness, cells))


def check_kind(table: Table, task: Task) -> None:
    """Insist that the inputs of a table are of a kind that a task takes, as far as can be seen.

    Raises:
        InputMismatch: saying what they are.
    """
    kind = likely_kind(table)
    if kind is None or kind in task.input.roles.values():
        return
    if table.input_kind and table.extension == "":
        content = f"a folder of {kind}s"
    elif table.extension == ".txt":
        content = "plain text"
    else:
        column = next(name for name in table.columns if name.lower() in kind.columns)
        content = f"a table of {kind}s (column {column})"
    raise InputMismatch(
        f"{table.path} is {content}, but {task.name} takes {task.input}s",
        "zoo ls lists the models with their tasks, recommended ones first",
        content=f"{table.path} is {content}",
        kind=kind.name,
    )


def own_columns(path: str | Path, columns: Columns) -> Columns:
    """The columns where the data names any: a folder of class folders and plain text do not."""
    return UNKNOWN if Path(path).is_dir() or Path(path).suffix.lower() == ".txt" else columns


def replaced_columns(path: str, trained: Columns, used: Columns, columns: Mapping[str, str] = UNKNOWN) -> list[str]:
    """A line for each column that is used in place of the one that the model was trained on.

    Args:
        path: of the data; a folder or plain text has no columns of its own.
        trained: the columns that the model was trained on; empty where that is not known.
        used: those that are used.
        columns: those that a person named; empty where none was.
    """
    return [
        f"{path} has no column {trained[role]}, which the model was trained on; column {column} is used"
        for role, column in own_columns(path, used).items()
        if trained.get(role) and not columns.get(role) and trained[role].lower() != column.lower()
    ]


ALL = "all"
"""What stands for every column where some are to be named."""


def carried_columns(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """The columns that are to be carried along, as the file spells them and in its order.

    Args:
        table: the data.
        names: of columns; one that is no column may be several with commas between them; `all` is every column.

    Raises:
        DatasetInvalid: there is no such column, or there are several of that name.
    """
    requested = [name for text in names for name in _separate(table, text)]
    if ALL in requested:
        requested = [name for name in table.columns if name not in table.joined_columns]
    selected = {_column(table, "--keep", "--keep", (visible_name(name),), name) for name in requested}
    return tuple(dict.fromkeys(column for column in table.columns if column in selected))


def _separate(table: Table, text: str) -> list[str]:
    return [text] if text in table.columns else [name.strip() for name in text.split(",")]


def usual_columns(table: Table, task: Task, trained: Columns = UNKNOWN) -> Columns:
    """The columns that the model was trained on, or those of the usual names; a role is left out where there is none.

    Raises:
        DatasetInvalid: there are several of one name.
    """
    columns: Columns = {}
    for role, kind in task.roles.items():
        used = {column.lower() for column in columns.values()}
        usual = tuple(name for name in task.usual_columns(role) if name.lower() not in used)
        if column := _find(table, role, kind, _trained_first(trained.get(role, ""), usual), ""):
            columns[role] = column
    return columns


def columns_called(name: str, columns: Collection[str]) -> list[str]:
    """Those of a name: the ones that are spelt so, else those that are but for capitals."""
    return [column for column in columns if column == name] or [
        column for column in columns if column.lower() == name.lower()
    ]


def _find(table: Table, role: str, kind: Kind, usual: tuple[str, ...], requested: str) -> str:
    """The column as the file spells it; empty where none was named and no usual name is there."""
    return _column(
        table, what_holds(role, kind), flag_naming(role), (visible_name(requested),) if requested else usual, requested
    )


def _column(table: Table, what: str, flag: str, names: Iterable[str], requested: str) -> str:
    for name in names:
        columns = columns_called(name, table.columns)
        if len(columns) > 1:
            raise DatasetInvalid(
                f"{table.path} has {len(columns)} columns called {name}; columns found: {name_list(table.columns)}",
                f"rename all but one, or name another column with {flag.rstrip()}",
            )
        if columns:
            return columns[0]
    if requested and table.has_class_folders:
        raise DatasetInvalid(
            f"{table.path} is a folder of {table.unit}s, which has no columns: the folder that a file stands in is its "
            "class",
            f"leave {flag.rstrip(' =')} out, or name a table that lists the {table.unit}s",
        )
    if requested:
        raise DatasetInvalid(
            f"{table.path} has no column {requested} for {what}; columns found: {name_list(table.columns)}",
            f"name one of them with {flag.rstrip()}",
        )
    return ""


def _trained_first(trained: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    return (trained, *usual) if trained else usual


def _missing(table: Table, task: Task, role: str, usual: tuple[str, ...], trained: str) -> DatasetInvalid:
    what, flag = what_holds(role, task.roles[role]), flag_naming(role)
    if table.extension == ".txt":
        return DatasetInvalid(
            f"{table.path} is plain text, which has no column for {what}; columns found: {name_list(table.columns)}",
            "use a .csv, .tsv, .jsonl or .parquet file with a column for it",
        )
    if table.has_class_folders:
        return DatasetInvalid(
            f"{table.path} has {table.unit}s, but no class folders",
            f"put the images of each class in a folder of its own, such as {table.path}/cat/1.jpg and "
            f"{table.path}/dog/7.jpg, or list them in a table with columns file_name and label",
        )
    if not table.columns:
        first = next(table.rows(()), None)
        why = f": row {first.number} {first.reason}" if isinstance(first, Malformed) else ""
        return DatasetInvalid(f"{table.path} has no rows{why}; columns found: none", "is it the right file?")
    lacking = f"no column {trained}, which the model was trained on, and none" if trained else "no column"
    hint = f"say which it is with {flag}NAME"
    if role == TARGET and (other := target_of_another_task(table.columns, task)):
        hint += f"; {other}"
    if table.extension in (".csv", ".tsv", ".tab"):
        hint += "; the first row of a .csv or .tsv file must name the columns"
    note = f" ({table.format_note})" if table.format_note else ""
    return DatasetInvalid(
        f"{table.path}{note} has {lacking} that is usually {what} ({', '.join(usual)}); "
        f"columns found: {name_list(table.columns)}",
        hint,
    )


def target_of_another_task(columns: Sequence[str], task: Task) -> str:
    """A column that is usually the target of another task on the same inputs, in words; empty where there is none."""
    for other in map(get_task, BUILT_IN):
        if other.input is not task.input or not other.target or other.target is task.target:
            continue
        usual = other.usual_columns(TARGET)
        if column := next((column for column in columns if column.lower() in usual), ""):
            return f"column {column} is usually {what_holds(TARGET, other.target)} of {other.name}, see --task"
    return ""
