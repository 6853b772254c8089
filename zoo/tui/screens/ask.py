"""A question whose answer is a line of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from zoo.errors import ZooError
from zoo.sanitize import plain, unbroken
from zoo.tui.zoo_screen import Dialog


class AskScreen(Dialog[str | None]):
    """Asks for a line; stays open until it is right or the person gives up.

    Args:
        question: what is asked for.
        value: what stands there at first.
        check: raises `ZooError` for an answer that will not do.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Cancel")]

    def __init__(self, question: str, value: str, check: Callable[[str], object] = lambda answer: None) -> None:
        super().__init__()
        self._question, self._value, self._check = question, value, check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), classes="title", markup=False)
            yield Input(self._value)
            yield Static("Enter takes it, Escape leaves it as it was", classes="note", id="fault", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self._check(event.value.strip())
        except ZooError as error:
            self.query_one("#fault", Static).update(f"{unbroken(error.message)}\n{unbroken(error.hint)}")
        else:
            self.dismiss(event.value.strip())
