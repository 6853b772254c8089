"""A warm model: what is typed is answered while it is typed."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.timer import Timer
from textual.widgets import Input, Static, TextArea

from zoo.answers import Prediction
from zoo.blocks import DrawnBlock
from zoo.card import Card
from zoo.encoding import encode_json
from zoo.errors import ZooError
from zoo.kinds import InputKind, Unusable
from zoo.rendering.cells import PictureCells
from zoo.sanitize import one_line, plain
from zoo.sessions import Session
from zoo.sessions.messages import Ready
from zoo.tasks import get_task
from zoo.tui.commands import command_line
from zoo.tui.model_session import ModelSession
from zoo.tui.page import Page
from zoo.tui.widgets.blocks import draw_answer
from zoo.tui.widgets.chat_view import ChatView
from zoo.tui.widgets.fields import PathSuggester
from zoo.tui.widgets.picture import Picture, Png, first_picture, fit_picture

TYPING_S = 0.2
"""The text is answered once nothing was typed for so long."""
NO_MODEL = "choose a model first: Ctrl-L"


def text_placeholder(kind: InputKind) -> str:
    """What to type, for an input that is typed as text: a line for each part where it has several."""
    parts = ", ".join(f"line {number}: {role}" for number, role in enumerate(kind.roles, 1))
    how = f"\n{parts}" if len(kind.roles) > 1 else ""
    return f"Type or paste {kind.singular}; the answer comes as you type{how}"


class PredictScreen(Page):
    """Ask a model: it stays loaded while you type."""

    CSS_PATH = "predict.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop_answer", "Stop", priority=True),
        Binding("ctrl+c", "stop_answer", "Stop", show=False, priority=True),
        Binding("ctrl+n", "new_conversation", "New conversation", priority=True),
        Binding("ctrl+t", "options", "Options", priority=True),
        Binding("ctrl+l", "choose", "Choose a model", priority=True),
        Binding("ctrl+o", "pick", "Choose a file", priority=True),
        Binding("ctrl+b", "batch", "A whole file", priority=True),
        Binding("ctrl+y", "copy_command", "Copy the command", show=False, priority=True),
        Binding("escape", "leave_field", "Leave the field"),
    ]

    def __init__(self) -> None:
        super().__init__(classes="-nothing")
        self.model = ModelSession(self, self._show_state, self._model_is_ready)
        """The one that is asked."""
        self._chats = self._adjusts = False
        self._options: dict[str, Any] = {}
        """Of a conversation, as a person has set them."""
        self._typing: Timer | None = None
        self._question_number = 0
        self._answer: Prediction | None = None
        self._loaded_as = ""

    def body(self) -> ComposeResult:
        yield Static("", id="model-line", markup=False)
        yield Static("", id="state", markup=False)
        yield TextArea(id="text", compact=False)
        with Horizontal(id="file-line"):
            yield Static("", id="file-label", markup=False)
            yield Input(compact=True, id="file", suggester=PathSuggester())
        with Horizontal(id="halves"):
            yield Picture(id="picture")
            with VerticalScroll(id="answers", can_focus=False):
                yield Static("", id="answer")
        yield ChatView(id="chat")

    def on_mount(self) -> None:
        self._arrange()

    def on_unmount(self) -> None:
        self.model.close()

    def show(self) -> None:
        """Open the model that another screen asked for."""
        name = self.zoo.chosen_model
        if name:
            line = self.zoo.feed.line(name)
            if line is not None:
                self.zoo.chosen_model = ""
                self._open(line.card)
            elif self.zoo.feed.models_loaded:
                self._show_state(f"{name} is not there yet")
        self._arrange()

    def _arrange(self) -> None:
        kind = self._kind if self._card is not None else None
        for name, visible in (
            ("-chat", self._chats),
            ("-texts", kind is not None and not (kind.from_files and len(kind.roles) == 1)),
            ("-images", kind is not None and kind.from_files and len(kind.roles) == 1),
            ("-nothing", kind is None),
        ):
            self.set_class(visible, name)
        if self._card is None or kind is None:
            self.query_one("#model-line", Static).update("no model is loaded: Ctrl-L chooses one")
            return
        task = self._card.tasks_of("predict")[0]
        options = [f"{name.replace('_', ' ')} {value}" for name, value in self._options.items()]
        self.query_one("#model-line", Static).update("  ".join(map(one_line, (self._card.name, task, *options))))
        self.query_one("#text", TextArea).placeholder = text_placeholder(kind)
        self.query_one("#file-label", Static).update(kind.name)
        self.query_one("#file", Input).placeholder = f"path of {kind.singular}; Ctrl-O chooses one"

    @property
    def _card(self) -> Card | None:
        return self.model.card

    @property
    def _kind(self) -> InputKind:
        """What the model takes."""
        assert self._card is not None
        return get_task(self._card.tasks_of("predict")[0]).input

    def _show_state(self, text: str) -> None:
        self.query_one("#state", Static).update(one_line(text))

    # The model

    def _open(self, card: Card) -> None:
        if not self.model.open(card):
            return
        self.query_one(ChatView).end()
        self._clear_answer()
        self._chats = self._adjusts = False
        self._options = {}
        self._arrange()
        editor = self.query_one("#file") if self.has_class("-images") else self.query_one("#text")
        editor.focus()

    def _model_is_ready(self, ready: Ready) -> None:
        self._loaded_as = f"loaded, on {ready.device} in {ready.precision}"
        session, card = self.model.session, self._card
        assert session is not None
        assert card is not None
        if not ready.chats:
            self._submit_question()
            return
        self._chats, self._adjusts = True, ready.adjusts
        text, chat = self.query_one("#text", TextArea), self.query_one(ChatView)
        chat.begin(card.name, lambda messages: session.stream(messages, self._options or None))
        chat.editor.text = text.text
        if text.has_focus or self.focused is None:
            chat.editor.focus()
        text.clear()
        self._arrange()

    # Questions and answers

    @property
    def _question(self) -> str:
        if self.has_class("-images"):
            return self.query_one("#file", Input).value.strip()
        return self.query_one("#text", TextArea).text

    @on(TextArea.Changed, "#text")
    @on(Input.Changed, "#file")
    def _question_changed(self) -> None:
        self._soon()

    def _soon(self) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._submit_question)

    def _submit_question(self) -> None:
        question, session = self._question, self.model.session
        self._question_number += 1  # answers to earlier questions, still to come, are not shown any more
        if not question.strip():
            self._clear_answer()
        if not question.strip() or session is None or self._chats:
            return
        number, images = self._question_number, self.has_class("-images")
        try:
            inputs = self._kind.typed(question)
        except Unusable as unusable:
            self._clear_answer()
            self._show_state(str(unusable))
            return
        picture = self.query_one(Picture).size if images else None
        width = self.query_one("#answers").size.width - 3
        self.run_worker(
            lambda: self._answer_in_thread(session, inputs, number, picture, width),
            thread=True,
            group="ask",
            exit_on_error=False,
        )

    def _answer_in_thread(self, session: Session, question: Any, number: int, room: Size | None, width: int) -> None:
        """Show the picture, if it is one, then the answer, and what the answer marks on the picture.

        Args:
            session: to ask.
            question: the input.
            number: of the question.
            room: of the picture; None where the input is none.
            width: columns for the answer.
        """
        if number != self._question_number:  # something newer was typed while the model was busy
            return

        def show(block: DrawnBlock) -> None:
            if room is not None:
                image = fit_picture(block, room.width, room.height, self.zoo.graphics)
                self.later(lambda: self._show_picture(image) if number == self._question_number else None)

        try:
            if drawing := self._kind.drawing_of(question):
                show(drawing)
            answer = self._answer_of(session, question, number)
            if answer is None:
                return
            drawn = draw_answer(answer, width)
            self.later(lambda: self._show_answer(answer, drawn) if number == self._question_number else None)
            if room is not None and (marked := first_picture(answer.blocks(question))):
                show(marked)
        except ZooError as error:
            failure = error
            self.later(lambda: self._show_failure(failure) if number == self._question_number else None)

    def _answer_of(self, session: Session, question: Any, number: int) -> Prediction | None:
        """The answer; that to a recording is shown as it grows. None where something newer was typed meanwhile."""
        if not self._kind.is_always_drawn:
            return session.predict([question])[0]
        text = ""
        with contextlib.closing(session.stream(question)) as items:
            for item in items:
                if not isinstance(item, str):
                    return item
                if number != self._question_number:
                    return None
                text += item
                part = Content(plain(text))
                self.later(partial(self._show_part, part, number))
        return None

    def _show_part(self, part: Content, number: int) -> None:
        if number == self._question_number:
            self.query_one("#answer", Static).update(part)

    def _show_picture(self, image: PictureCells | Png | str) -> None:
        """Show an image; the answer says why there is none."""
        picture = self.query_one(Picture)
        picture.clear() if isinstance(image, str) else picture.show(image)

    def _show_failure(self, error: ZooError) -> None:
        self._clear_answer()
        self._show_state(f"{error.message}. {error.hint}")

    def _clear_answer(self) -> None:
        """Nothing of an earlier question stays beside a new one."""
        self._answer = None
        self.query_one("#answer", Static).update("")
        self.query_one(Picture).clear()

    def _show_answer(self, answer: Prediction, drawn: Content) -> None:
        self._answer = answer
        self._show_state(self._loaded_as)
        self.query_one("#answer", Static).update(drawn)

    def on_resize(self) -> None:
        if self._answer is not None:
            self.call_after_refresh(self._soon)

    # What the keys do

    def action_choose(self) -> None:
        """Choose the model that answers."""
        from zoo.tui.screens.choose_model import ChooseModelScreen

        def open_choice(card: Card | None) -> None:
            if card is not None:
                self._open(card)

        self.app.push_screen(ChooseModelScreen(), open_choice)

    def action_pick(self) -> None:
        """Choose an image."""
        if not self.has_class("-images"):
            self.notify(f"this model takes {self._kind}s; Ctrl-B answers a whole file" if self._card else NO_MODEL)
            return
        from pathlib import Path

        from zoo.tui.screens.pick import PickScreen

        field = self.query_one("#file", Input)

        def enter_choice(path: Path | None) -> None:
            if path is not None:
                field.value = str(path)

        self.app.push_screen(PickScreen(field.value), enter_choice)

    def action_batch(self) -> None:
        """Answer a whole file into another."""
        if self._card is None:
            self.notify(NO_MODEL)
            return
        from zoo.tui.screens.batch import BatchScreen

        self.zoo.show_page(BatchScreen(self._card))

    def action_copy_command(self) -> None:
        """Copy what one would type instead; an input of several parts is a word for each."""
        if self._card is None:
            return
        question, flags = self._question.strip(), {}
        words = self._kind.typed_words(question) if question else []
        if self._chats:
            chat = self.query_one(ChatView)
            words = [encode_json(chat.messages).decode()] if chat.messages else []
            flags = {"system": chat.system, **self._options}
        self.zoo.copy(command_line("predict", self._card.name, *words, flags=flags))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        if action in ("new_conversation", "options"):
            return self._chats and (action != "options" or self._adjusts)
        if action in ("stop_answer", "leave_field"):
            return self.query_one(ChatView).is_answering == (action == "stop_answer") if self.is_mounted else False
        return super().check_action(action, parameters)

    def on_chat_view_state_changed(self) -> None:
        self.refresh_bindings()

    def action_new_conversation(self) -> None:
        """Begin another conversation with the same model."""
        self.query_one(ChatView).restart()

    def action_options(self) -> None:
        """Choose how the model answers from the next message on."""
        from zoo.tui.screens.predict_options import PredictOptionsScreen

        def use(options: dict[str, Any]) -> None:
            self._options = options
            self._arrange()

        assert self._card is not None
        self.zoo.show_page(PredictOptionsScreen(self._card, self._options, use))

    def action_stop_answer(self) -> None:
        """Let the model say no more; what it has said stays."""
        self.query_one(ChatView).stop()

    def action_leave_field(self) -> None:
        """Let single keys be commands again."""
        self.set_focus(None)
