"""Choosing a file or a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.text import Text, TextType
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DirectoryTree, Footer, Static

from zoo.sanitize import one_line
from zoo.tui.zoo_screen import Dialog


class _Tree(DirectoryTree):
    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        return [path for path in paths if not path.name.startswith(".")]

    def process_label(self, label: TextType) -> Text:
        return super().process_label(Text(one_line(str(label))))


class PickScreen(Dialog[Path | None]):
    """Choose a file or a folder.

    Args:
        near: what stands in the field already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "take_folder", "Take this folder"),
        Binding("backspace", "up", "Folder above"),
        Binding("escape", "close", "Cancel"),
    ]
    DEFAULT_CSS = """
    PickScreen {
        & .dialog { height: 90%; }
        & DirectoryTree { height: 1fr; background: $surface; }
    }
    """

    def __init__(self, near: str) -> None:
        super().__init__()
        path = Path(near).expanduser() if near else Path.cwd()
        while not path.is_dir():
            path = path.parent
        self._start = path.absolute()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(one_line(str(self._start)), classes="title", id="where", markup=False)
            yield _Tree(self._start)
            yield Static("Enter takes a file or opens a folder; Ctrl-S takes the folder marked", classes="note")
        yield Footer()

    @property
    def _tree(self) -> _Tree:
        return self.query_one(_Tree)

    def on_mount(self) -> None:
        self._tree.focus()

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        self.dismiss(event.path)

    def action_take_folder(self) -> None:
        """Take the folder under the cursor."""
        node = self._tree.cursor_node
        path = node.data.path if node is not None and node.data is not None else Path(self._tree.path)
        self.dismiss(path if path.is_dir() else path.parent)

    def action_up(self) -> None:
        """Show the folder above."""
        above = Path(self._tree.path).parent
        self._tree.path = above
        self.query_one("#where", Static).update(one_line(str(above)))
