"""The sources that were added to the form of a training, a line each: Enter changes one, Delete takes it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from zoo.sanitize import one_line
from zoo.sources import Source
from zoo.tui.path_text import short_path


class AddedSource(Static, can_focus=True):
    """One of them, in words.

    Args:
        place: among those that were added, from 0.
        source: what is known of it.
    """

    DEFAULT_CSS = """
    AddedSource { height: auto; color: $text-success; }
    AddedSource:focus { background: $boost; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Change it"),
        Binding("delete,backspace", "remove", "Take it out", key_display="del"),
    ]

    class Chosen(Message):
        """It is to be changed."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    class Removed(Chosen):
        """It is to be taken out."""

    def __init__(self, place: int, source: Source) -> None:
        super().__init__(description(source), markup=False)
        self._place = place

    def on_click(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Change it."""
        self.post_message(self.Chosen(self._place))

    def action_remove(self) -> None:
        """Take it out."""
        self.post_message(self.Removed(self._place))


class AddedSources(Vertical):
    """All of them, in the order in which they were added."""

    DEFAULT_CSS = "AddedSources { height: auto; margin: 1 0 0 0; }"

    async def show(self, sources: Sequence[Source]) -> None:
        """Bring the lines up to date; the one that has the focus keeps it."""
        lines = list(self.query(AddedSource))
        for line, source in zip(lines, sources, strict=False):
            line.update(description(source))
        for line in lines[len(sources) :]:
            await line.remove()
        new = enumerate(sources[len(lines) :], start=len(lines))
        await self.mount(*(AddedSource(place, source) for place, source in new))


def description(source: Source) -> str:
    """A source in words: its data, what is learnt of it, and what else was said of it."""
    columns = ", ".join(f"{role} in {name}" for role, name in source.columns.items())
    parts = [
        f"and {source.name}: {short_path(str(source.data))}",
        source.task and f"for {source.task}",
        columns and f"({columns})",
        source.separator and f"labels divided at {source.separator}",
        str(source.classes) and f"classes of {short_path(str(source.classes))}",
        "labels merged" if source.merge_labels else "",
        f"weight {source.weight:g}" if source.weight != 1 else "",
        source.eval_data and f"held out {short_path(str(source.eval_data))}",
        source.teacher and f"taught by {source.teacher}",
    ]
    return one_line(" ".join(part for part in parts if part))
