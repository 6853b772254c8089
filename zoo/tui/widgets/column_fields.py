"""Which columns of the data are meant: those of usual names, others by a guess, any by choice."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from zoo.data import Columns
from zoo.errors import DatasetInvalid, ZooError
from zoo.kinds.kind import INPUT, TARGET
from zoo.tasks.task import Task
from zoo.tui.widgets.data_preview import ColumnChoice
from zoo.tui.widgets.fields import Field, choice_field, switch_field

BY_NAME = "by its usual name"


def merge_labels_field() -> Field:
    """Whether labels that look alike are one class."""
    help_text = "Labels that differ only in case, blanks, invisible characters or Unicode form are one class."
    return switch_field("merge_labels", "merge labels", help=help_text)


class ColumnFields(Vertical):
    """A field for each column that a task needs.

    Args:
        task: what the data is for.
        trained: the columns that the model was trained on.
        label: whether labels are needed.
    """

    DEFAULT_CSS = "ColumnFields { height: auto; }"

    def __init__(self, task: Task, trained: Columns, *, label: bool) -> None:
        super().__init__()
        roles = task.roles if label else task.input.roles
        self._meanings = {role: str(kind) if role in (INPUT, TARGET) else role for role, kind in roles.items()}
        self._trained = trained
        self._chosen = dict.fromkeys(self._meanings, "")
        self._usual: Columns | None = None
        """Columns that are found by name; None where there is no data yet."""

    def compose(self) -> ComposeResult:
        for name, meaning in self._meanings.items():
            yield choice_field(
                name, f"{meaning} column", [(BY_NAME, "")], "", help=f"The column of the data that holds the {meaning}."
            )

    def on_field_changed(self, event: Field.Changed) -> None:
        event.field.set_note("")
        self._chosen[event.field.field_name] = event.field.value

    @property
    def chosen(self) -> Columns:
        """The columns that a person chose, by role."""
        return {role: column for role, column in self._chosen.items() if column}

    @property
    def named(self) -> Columns:
        """The columns that the fields show by name, chosen or guessed, by role."""
        return {field.field_name: str(field.value) for field in self.fields if field.value}

    @property
    def flags(self) -> dict[str, object]:
        """The same as flags of a command."""
        own = {role: column for role, column in self.named.items() if role in (INPUT, TARGET)}
        others = [f"{role}={column}" for role, column in self.named.items() if role not in own]
        return {**own, **({"column": others} if others else {})}

    @property
    def fields(self) -> list[Field]:
        """All of them."""
        return list(self.query(Field))

    def find_fault(self, field: Field) -> ZooError | None:
        """What is wrong with one of them: nobody knows the column."""
        name = field.field_name
        if field.value or self._usual is None or self._usual.get(name):
            return None
        return DatasetInvalid(f"choose the column that holds the {self._meanings[name]}")

    @property
    def missing(self) -> list[Field]:
        """Those for which nobody knows a column."""
        return [field for field in self.fields if self.find_fault(field)]

    @property
    def guessed(self) -> list[Field]:
        """Those that show a guess."""
        return [field for field in self.fields if field.value and not self._chosen[field.field_name]]

    def offer(self, choice: ColumnChoice) -> None:
        """Let columns of other data be chosen; what is meant stands there."""
        self._usual = choice.usual
        for field in self.fields:
            role = field.field_name
            self._offer(field, choice.columns, choice.usual.get(role, ""), choice.likely.get(role, ""))

    def _offer(self, field: Field, columns: tuple[str, ...], usual: str, likely: str) -> None:
        name = field.field_name
        value = "" if likely == usual else likely
        others = dict.fromkeys(column for column in columns if column != usual)
        field.offer([(usual or "choose one", ""), *((column, column) for column in others)], value)
        if self._chosen[name] != value:  # it was a column of other data
            self._chosen[name] = ""
        by_name = "as it was trained" if usual.lower() == self._trained.get(name, "").lower() else BY_NAME
        field.set_note("a guess: is it right?" if field in self.guessed else by_name if usual and not value else "")
        if fault := self.find_fault(field):
            field.set_fault(fault.message)
