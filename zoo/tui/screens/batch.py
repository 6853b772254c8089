"""The form of answering a whole file into another."""

from __future__ import annotations

from textual.app import ComposeResult

from zoo.card import Card
from zoo.jobs import Job
from zoo.runs.answer_files import answer_extensions
from zoo.runs.request import RunRequest
from zoo.tui.commands import command_line, place_flags
from zoo.tui.path_text import short_path
from zoo.tui.screens.job_form import JobForm
from zoo.tui.widgets.column_fields import ColumnFields
from zoo.tui.widgets.fields import text_field


class BatchScreen(JobForm):
    """Answer every row of a file into another file."""

    def __init__(self, card: Card) -> None:
        super().__init__(card, "predict", "predict")

    @property
    def needs_label(self) -> bool:
        return False

    def fields(self) -> ComposeResult:
        """What goes in, and where the answers go."""
        yield text_field("data", "answer", path=True)
        endings = answer_extensions(self.data_task)
        note = f"a new file: {', '.join(endings[:-1])} or {endings[-1]}"
        yield text_field("out", "into", placeholder="answers.jsonl", path=True, note=note)
        yield ColumnFields(self.data_task, self.card.columns, label=self.needs_label)
        yield text_field("keep", "keep", placeholder="id, customer", note="columns to carry along; all is every one")
        if self.data_task.answer.on_picture:
            yield text_field("draw", "draw into", path=True, note="a new folder for the pictures with what is found")

    def command(self) -> str:
        """What one would type instead."""
        flags: dict[str, object] = {"file": self.value("data")}
        flags |= {name: self.value(name) for name in ("out", "keep", "draw", "name")} | self.columns.flags
        flags |= place_flags(self.value("device"), self.value("precision"), self.on)
        return command_line("predict", self.card.name, flags=flags | self.changed_options)

    def job(self) -> Job:
        out = self.value("out") or "answers.jsonl"
        return self.job_of("predict", self.source(), out=out, keep=self.value("keep"), draw=self.value("draw"))

    def plan(self, request: RunRequest) -> list[tuple[str, str]]:
        """What would be done."""
        drawings = [("drawings go to", short_path(request.draw))] if request.draw else []
        return [*super().plan(request), ("answers go to", short_path(request.out)), *drawings]
