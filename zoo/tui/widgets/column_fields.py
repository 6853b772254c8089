"""Which columns of the data are meant: those of usual names, others by a guess, any by choice."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import Vertical

from zoo.data import Columns
from zoo.errors import DatasetInvalid, ZooError
from zoo.kinds.kind import INPUT, TARGET
from zoo.sources import Source
from zoo.tasks.task import Task
from zoo.tui.preview import ColumnChoice
from zoo.tui.widgets.fields import Field, choice_field, field_below, switch_field, text_field

BY_NAME = "by its usual name"


class ColumnFields(Vertical):
    """A field for each column that a task needs, and how the labels in them are read.

    Args:
        task: what the data is for.
        trained: the columns that the model was trained on.
        label: whether targets are needed.
        source: what stands in the fields at first; None for nothing.
    """

    DEFAULT_CSS = "ColumnFields { height: auto; }"

    def __init__(self, task: Task, trained: Columns, *, label: bool, source: Source | None = None) -> None:
        super().__init__()
        self._needs_label, self._trained = label, trained
        self._is_taught = False
        self._adopt(task)
        self._first = source or Source(data="")
        self._chosen |= {role: name for role, name in self._first.columns.items() if role in self._chosen}

    def _adopt(self, task: Task) -> None:
        roles = task.roles if self._needs_label else task.input.roles
        self._target = task.target if self._needs_label else None
        self._meanings = {role: str(kind) if role in (INPUT, TARGET) else role for role, kind in roles.items()}
        self._roles = {role if role in (INPUT, TARGET) else f"column_{role}": role for role in roles}
        """By the names of their fields, which must be none of other fields."""
        self._chosen = dict.fromkeys(self._meanings, "")
        self._usual: Columns | None = None
        """Columns that are found by name; None where there is no data yet."""

    def compose(self) -> ComposeResult:
        yield from self._new_fields(self._first)

    def _new_fields(self, source: Source) -> Iterator[Field]:
        for name, role in self._roles.items():
            meaning, chosen = self._meanings[role], self._chosen[role]
            help_text = f"The column of the data that holds the {meaning}."
            choices = [(BY_NAME, ""), *([(chosen, chosen)] if chosen else [])]
            yield choice_field(name, f"{meaning} column", choices, chosen, help=help_text)
        if self._target and self._target.divisible:
            help_text = "What stands between the labels of a row that has several."
            yield text_field("separator", "separator", source.separator, placeholder="| or ;", help=help_text)
        if self._target and self._target.has_named_values:
            help_text = "A file that says which class each value is: JSON, or a palette."
            yield text_field(
                "classes", "classes", str(source.classes), placeholder="beside the data", help=help_text, path=True
            )
        if self._target and self._target.fewest_labels:
            help_text = "Labels that differ only in case, blanks, invisible characters or Unicode form are one class."
            yield switch_field("merge_labels", "merge labels", value=source.merge_labels, help=help_text)

    def let_teach(self, taught: bool) -> None:
        """Let the answers of a model stand for labels that the data do not have, or not."""
        self._is_taught = taught
        for field in self.fields:
            fault = self.find_fault(field)
            field.set_fault(fault.message if fault else "")

    async def use(self, task: Task) -> None:
        """Take the columns of another task."""
        self._adopt(task)
        await self.remove_children()
        await self.mount(*self._new_fields(Source(data="")))

    def on_field_changed(self, event: Field.Changed) -> None:
        role = self._roles.get(event.field.field_name)
        if role:
            event.field.set_note("")
            self._chosen[role] = event.field.value

    @property
    def chosen_columns(self) -> Columns:
        """The columns that a person chose, by role."""
        return {role: column for role, column in self._chosen.items() if column}

    @property
    def shown_columns(self) -> Columns:
        """The columns that the fields show by name, chosen or guessed, by role."""
        return {self._roles[field.field_name]: str(field.value) for field in self.fields if field.value}

    @property
    def flags(self) -> dict[str, object]:
        """The same as flags of a command, with what says how labels are read."""
        own: dict[str, object] = {
            role: column for role, column in self.shown_columns.items() if role in (INPUT, TARGET)
        }
        others = [f"{role}={column}" for role, column in self.shown_columns.items() if role not in own]
        reading = {
            "separator": self.separator,
            "classes": self.classes_file,
            "merge_labels": self.merges_labels or None,
        }
        return {**own, "column": others, **reading}

    @property
    def separator(self) -> str:
        """What stands between the labels of a row; empty for the usual ones, and where there is one."""
        return str(self._entered("separator", ""))

    @property
    def classes_file(self) -> str:
        """The file that says which class each value is; empty for one beside the data."""
        return str(self._entered("classes", "")).strip()

    @property
    def merges_labels(self) -> bool:
        """Whether labels that look the same are one class."""
        return bool(self._entered("merge_labels", False))

    def _entered(self, name: str, otherwise: str | bool) -> str | bool:
        field = field_below(self, name)
        return otherwise if field is None else field.value

    @property
    def fields(self) -> list[Field]:
        """Those of columns."""
        return [field for field in self.walk_children(Field) if field.field_name in self._roles]

    def find_fault(self, field: Field) -> ZooError | None:
        """What is wrong with one of them: nobody knows the column."""
        role = self._roles[field.field_name]
        if field.value or self._usual is None or self._usual.get(role) or self._may_lack(role):
            return None
        return DatasetInvalid(f"choose the column that holds the {self._meanings[role]}")

    def _may_lack(self, role: str) -> bool:
        return self._is_taught and role == TARGET

    @property
    def missing_fields(self) -> list[Field]:
        """Those for which nobody knows a column."""
        return [field for field in self.fields if self.find_fault(field)]

    @property
    def guessed_fields(self) -> list[Field]:
        """Those that show a guess."""
        return [field for field in self.fields if field.value and not self._chosen[self._roles[field.field_name]]]

    def offer(self, choice: ColumnChoice) -> None:
        """Let columns of other data be chosen; what is meant stands there."""
        self._usual = choice.usual
        for field in self.fields:
            role = self._roles[field.field_name]
            self._offer(field, choice.columns, choice.usual.get(role, ""), choice.likely.get(role, ""))

    def _offer(self, field: Field, columns: tuple[str, ...], usual: str, likely: str) -> None:
        role = self._roles[field.field_name]
        value = "" if likely == usual else likely
        others = dict.fromkeys(column for column in columns if column != usual)
        nothing = "none" if self._may_lack(role) else "choose one"
        field.offer([(usual or nothing, ""), *((column, column) for column in others)], value)
        if self._chosen[role] != value:  # it was a column of other data
            self._chosen[role] = ""
        by_name = "as it was trained" if usual.lower() == self._trained.get(role, "").lower() else BY_NAME
        field.set_note(
            "a guess: is it right?" if field in self.guessed_fields else by_name if usual and not value else ""
        )
        if fault := self.find_fault(field):
            field.set_fault(fault.message)
