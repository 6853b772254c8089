"""One input and what a model answers to it: as it is typed, and as it is written where answers grow."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static, TextArea

from zoo.answers import Prediction, Rejected, shown_piece
from zoo.blocks import DrawnBlock, Paragraph
from zoo.errors import ZooError
from zoo.kinds import InputKind, Unusable
from zoo.rendering.cells import PictureCells
from zoo.sessions import Session
from zoo.tui.widgets.blocks import draw_answer
from zoo.tui.widgets.conversation import MessageText
from zoo.tui.widgets.fields import PathSuggester
from zoo.tui.widgets.picture import Picture, Png, first_picture, fit_picture
from zoo.tui.zoo_screen import ZooScreen

TYPING_S = 0.2
"""The text is answered once nothing was typed for so long."""


def text_placeholder(kind: InputKind) -> str:
    """What to type, for an input that is typed as text: a line for each part where it has several."""
    parts = ", ".join(f"line {number}: {role}" for number, role in enumerate(kind.roles, 1))
    how = f"\n{parts}" if len(kind.roles) > 1 else ""
    return f"Type or paste {kind.singular}; the answer comes as you type{how}"


class TextEditor(TextArea):
    """Where an input is typed as text."""

    def action_cursor_page_up(self) -> None:
        """Look further up in the answer."""
        self.screen.query_one("#answers", VerticalScroll).scroll_page_up()

    def action_cursor_page_down(self) -> None:
        """Look further down in the answer."""
        self.screen.query_one("#answers", VerticalScroll).scroll_page_down()


class _Asking(NamedTuple):
    """An input that is being answered."""

    session: Session
    input: Any
    options: dict[str, Any] | None
    room: Size | None
    """Of its picture; None where it has none."""
    width: int
    """Columns for the answer."""
    stop: threading.Event
    """Set by a person who has read enough."""


class AnswerView(Vertical):
    """What a model without memory is asked, and what it answers."""

    DEFAULT_CSS = """
    AnswerView {
        height: 1fr;
        & #text { height: 5; border: round $panel; padding: 0 1; }
        & #text:focus { border: round $primary; }
        & #file-line { height: 1; padding: 0 1; }
        & #file { width: 1fr; }
        & #file-label { width: auto; min-width: 7; padding-right: 1; color: $text-muted; }
        & #answer { height: auto; padding: 1 1; }
        & #answers { height: 1fr; }
        & MessageText { padding: 1 1; }
        & #picture { display: none; }
        & #halves { height: 1fr; }
        &.-files #text { display: none; }
        &.-files #picture { display: block; width: 1fr; margin: 1 1; }
        &.-files #answers { width: 1fr; }
        &.-texts #file-line { display: none; }
    }
    """

    class StateChanged(Message):
        """The model has begun to answer, or has ended."""

    class Remarked(Message):
        """Something is to be known of the answer.

        Args:
            text: what; empty where there is nothing any more.
        """

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._kind: InputKind | None = None
        self._session: Session | None = None
        self._options: dict[str, Any] = {}
        self._typing: Timer | None = None
        self._asking: _Asking | None = None
        self._answer: Prediction | None = None
        self._written: MessageText | None = None
        """An answer that grows, or has grown."""
        self._follows = False
        """Whether the end of it is kept in sight."""

    def compose(self) -> ComposeResult:
        yield TextEditor(id="text", compact=False)
        with Horizontal(id="file-line"):
            yield Static("", id="file-label", markup=False)
            yield Input(compact=True, id="file", suggester=PathSuggester())
        with Horizontal(id="halves"):
            yield Picture(id="picture")
            with VerticalScroll(id="answers", can_focus=False):
                yield Static("", id="answer")

    def on_mount(self) -> None:
        self.watch(self.query_one("#answers"), "virtual_size", self._follow, init=False)

    @property
    def takes_files(self) -> bool:
        """Whether the input is the path of a file."""
        return self.has_class("-files")

    @property
    def editor(self) -> TextArea | Input:
        """Where the input is typed."""
        return self.query_one("#file", Input) if self.takes_files else self.query_one("#text", TextArea)

    @property
    def typed(self) -> str:
        """What is typed."""
        return self.editor.value.strip() if isinstance(self.editor, Input) else self.editor.text

    @property
    def is_answering(self) -> bool:
        """Whether an answer grows, so that it can be stopped."""
        return self._asking is not None and self._asking.session.streams

    def begin(self, kind: InputKind) -> None:
        """Take inputs of another kind, for a model that may still be on its way; nothing of the one before stays."""
        self._kind, self._session, self._options, self._asking = kind, None, {}, None
        takes_files = kind.from_files and len(kind.roles) == 1
        self.set_class(takes_files, "-files")
        self.set_class(not takes_files, "-texts")
        self.query_one("#text", TextArea).placeholder = text_placeholder(kind)
        self.query_one("#file-label", Static).update(kind.name)
        self.query_one("#file", Input).placeholder = f"path of {kind.singular}; Ctrl-O chooses one"
        self._clear()

    def ask(self, session: Session, options: dict[str, Any] | None = None) -> None:
        """Answer what is typed, and whatever is typed from now on.

        Args:
            session: of the model.
            options: in place of those that it was loaded with.
        """
        self._session, self._options = session, options or {}
        self._submit()

    def stop(self) -> None:
        """Let the model say no more; what it has said stays."""
        if self._asking is not None:
            self._asking.stop.set()

    @on(TextArea.Changed, "#text")
    @on(Input.Changed, "#file")
    def _typed(self) -> None:
        self._soon()

    def on_resize(self) -> None:
        flows_anew = self._written is not None and not self.takes_files
        if self._answer is not None and not flows_anew:
            self.call_after_refresh(self._soon)

    def _soon(self) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._submit)

    def _submit(self) -> None:
        typed, session, kind = self.typed, self._session, self._kind
        self._ask(None)  # answers to earlier inputs, still to come, are not shown any more
        if not typed.strip():
            self._clear()
        if not typed.strip() or session is None or kind is None:
            return
        try:
            value = kind.typed(typed)
        except Unusable as unusable:
            self._clear()
            self.post_message(self.Remarked(str(unusable)))
            return
        room = self.query_one(Picture).size if self.takes_files else None
        width = self.query_one("#answers").size.width - 3
        asking = _Asking(session, value, self._options or None, room, width, threading.Event())
        self._ask(asking)
        screen = cast("ZooScreen[Any]", self.screen)
        self.run_worker(
            lambda: self._answer_in_thread(asking, kind, screen), thread=True, group="ask", exit_on_error=False
        )

    def _ask(self, asking: _Asking | None) -> None:
        self._asking = asking
        self.post_message(self.StateChanged())

    def _answer_in_thread(self, asking: _Asking, kind: InputKind, screen: ZooScreen[Any]) -> None:
        """Show the picture, if it is one, then the answer, and what the answer marks on the picture."""

        def later(change: Callable[[], None]) -> None:
            screen.later(lambda: change() if self._asking is asking else None)

        def show(block: DrawnBlock) -> None:
            if asking.room is not None:
                image = fit_picture(block, asking.room.width, asking.room.height, screen.zoo.graphics)
                later(lambda: self._show_picture(image))

        if self._asking is not asking:  # something newer was typed while the model was busy
            return
        try:
            if drawing := kind.drawing_of(asking.input):
                show(drawing)
            answer = self._answer_of(asking, later)
            if answer is None:
                later(lambda: self._end("stopped"))
                return
            drawn = draw_answer(answer, asking.width)
            if asking.room is not None and (marked := first_picture(answer.blocks(asking.input))):
                show(marked)
            later(lambda: self._show_answer(answer, drawn))
        except ZooError as error:
            failure = error
            later(lambda: self._show_failure(failure))

    def _answer_of(self, asking: _Asking, later: Callable[[Callable[[], None]], None]) -> Prediction | None:
        """The answer, shown as it grows where it does; None where it was stopped, or something newer was typed."""
        if not asking.session.streams:
            return asking.session.predict([asking.input])[0]
        later(self._begin_writing)
        with contextlib.closing(asking.session.stream(asking.input, asking.options)) as items:
            for item in items:
                if not isinstance(item, str):
                    return item
                if asking.stop.is_set() or self._asking is not asking:
                    return None
                later(partial(self._write, item))
        return None

    def _begin_writing(self) -> None:
        self._clear_answer()
        self._written = MessageText("")
        self.query_one("#answer").display = False
        self.query_one("#answers").mount(self._written)

    def _write(self, piece: str) -> None:
        if self._written is not None:
            self._written.append(shown_piece(piece, first=not self._written.text))

    def _follow(self) -> None:
        """Keep the end of a long text in sight, until a person looks back; a short one begins at the top.

        Asked whenever what is written takes another place: only then is it known whether all of it is in sight.
        """
        answers = self.query_one("#answers")
        if self._written is not None and not self._follows and answers.max_scroll_y > 0:
            self._follows = True
            answers.anchor()

    def _end(self, remark: str) -> None:
        if self._written is not None:
            self._written.end(remark)
        self._ask(None)

    def _show_answer(self, answer: Prediction, drawn: Content) -> None:
        """As it was written, if that is all of it; else drawn."""
        self.post_message(self.Remarked(""))
        is_text = not isinstance(answer, Rejected) and all(isinstance(block, Paragraph) for block in answer.blocks())
        if self._written is not None and self._written.text.strip() and is_text:
            self._end(answer.remark)
        else:
            self._clear_answer()
            self.query_one("#answer", Static).update(drawn)
            self._ask(None)
        self._answer = answer

    def _show_picture(self, image: PictureCells | Png | str) -> None:
        """Show an image; the answer says why there is none."""
        picture = self.query_one(Picture)
        picture.clear() if isinstance(image, str) else picture.show(image)

    def _show_failure(self, error: ZooError) -> None:
        self._clear()
        self._ask(None)
        self.post_message(self.Remarked(f"{error.message}. {error.hint}"))

    def _clear(self) -> None:
        """Nothing of an earlier input stays beside a new one."""
        self._clear_answer()
        self.query_one(Picture).clear()

    def _clear_answer(self) -> None:
        self._answer = None
        drawn = self.query_one("#answer", Static)
        drawn.update("")
        drawn.display = True
        if self._written is not None:
            self._written.remove()
            self._written = None
        self._follows = False
        self.query_one("#answers").anchor(False)
