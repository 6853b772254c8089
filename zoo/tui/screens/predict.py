"""A warm model: what is typed is answered while it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from zoo.card import Card
from zoo.encoding import encode_json
from zoo.kinds import InputKind
from zoo.sanitize import one_line
from zoo.sessions.messages import Ready
from zoo.tasks import get_task
from zoo.tui.commands import command_line
from zoo.tui.model_session import ModelSession
from zoo.tui.page import Page
from zoo.tui.recorder import Recorder
from zoo.tui.widgets.answer_view import AnswerView
from zoo.tui.widgets.chat_view import ChatView

NO_MODEL = "choose a model first: Ctrl-L"


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
        Binding("ctrl+r", "record", "Record", priority=True),
        Binding("ctrl+r", "stop_recording", "Stop recording", priority=True),
        Binding("ctrl+b", "batch", "A whole file", priority=True),
        Binding("ctrl+y", "copy_command", "Copy the command", show=False, priority=True),
        Binding("escape", "leave_field", "Leave the field"),
    ]

    def __init__(self) -> None:
        super().__init__(classes="-nothing")
        self.model = ModelSession(self, self._show_state, self._model_is_ready)
        """The one that is asked."""
        self._recorder = Recorder(self, self._show_state, self.refresh_bindings, self._answer_recording)
        self._chats = self._adjusts = False
        self._options: dict[str, Any] = {}
        """As a person has set them since the model was loaded."""
        self._loaded_as = ""

    def body(self) -> ComposeResult:
        yield Static("", id="model-line", markup=False)
        yield Static("", id="state", markup=False)
        yield AnswerView(id="answer-view")
        yield ChatView(id="chat")

    def on_mount(self) -> None:
        self._arrange()

    def on_unmount(self) -> None:
        self._recorder.stop()
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
        self.set_class(self._chats, "-chat")
        self.set_class(self._card is None, "-nothing")
        if self._card is None:
            self.query_one("#model-line", Static).update("no model is loaded: Ctrl-L chooses one")
            return
        task = self._card.tasks_of("predict")[0]
        options = [f"{name.replace('_', ' ')} {value}" for name, value in self._options.items()]
        self.query_one("#model-line", Static).update("  ".join(map(one_line, (self._card.name, task, *options))))

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
        self._chats = self._adjusts = False
        self._options = {}
        answer_view = self.query_one(AnswerView)
        answer_view.begin(self._kind)
        self._arrange()
        answer_view.editor.focus()

    def _model_is_ready(self, ready: Ready) -> None:
        self._loaded_as = f"loaded, on {ready.device} in {ready.precision}"
        session, card = self.model.session, self._card
        assert session is not None
        assert card is not None
        self._chats, self._adjusts = ready.chats, ready.streams and ready.adjusts
        answer_view, chat = self.query_one(AnswerView), self.query_one(ChatView)
        if not ready.chats:
            answer_view.ask(session)
            self.refresh_bindings()
            return
        chat.begin(card.name, lambda messages: session.stream(messages, self._options or None))
        chat.editor.text = answer_view.typed
        if answer_view.editor.has_focus or self.focused is None:
            chat.editor.focus()
        answer_view.editor.clear()
        self._arrange()

    def on_answer_view_remarked(self, remarked: AnswerView.Remarked) -> None:
        self._show_state(remarked.text or self._loaded_as)

    def on_answer_view_state_changed(self) -> None:
        self.refresh_bindings()

    def on_chat_view_state_changed(self) -> None:
        self.refresh_bindings()

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
        if not self.query_one(AnswerView).takes_files:
            words = f"this model takes {self._kind}s; Ctrl-B answers a whole file" if self._card else NO_MODEL
            self.notify(words, markup=False)
            return
        from zoo.tui.screens.pick import PickScreen

        field = self.query_one("#file", Input)

        def enter_choice(path: Path | None) -> None:
            if path is not None:
                field.value = str(path)

        self.app.push_screen(PickScreen(field.value), enter_choice)

    def action_record(self) -> None:
        """Answer what is said now."""
        self._recorder.start()

    def action_stop_recording(self) -> None:
        """Say no more."""
        self._recorder.stop()

    def _answer_recording(self, path: Path) -> None:
        if self._card is not None and self._kind.from_microphone:  # else another model was chosen meanwhile
            self.query_one("#file", Input).value = str(path)

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
        question, flags = self.query_one(AnswerView).typed.strip(), self._options
        words = self._kind.typed_words(question) if question else []
        if self._chats:
            chat = self.query_one(ChatView)
            words = [encode_json(chat.messages).decode()] if chat.messages else []
            flags = {"system": chat.system, **flags}
        self.zoo.copy(command_line("predict", self._card.name, *words, flags=flags))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        if action in ("new_conversation", "options"):
            return self._chats if action == "new_conversation" else self._adjusts
        if action == "record":
            return self._card is not None and self._kind.from_microphone and not self._recorder.is_recording
        if action == "stop_recording":
            return self._recorder.is_recording
        if action in ("stop_answer", "leave_field"):
            return self._is_answering == (action == "stop_answer") if self.is_mounted else False
        return super().check_action(action, parameters)

    @property
    def _is_answering(self) -> bool:
        return self.query_one(ChatView).is_answering or self.query_one(AnswerView).is_answering

    def action_new_conversation(self) -> None:
        """Begin another conversation with the same model."""
        self.query_one(ChatView).restart()

    def action_options(self) -> None:
        """Choose how the model answers from now on."""
        from zoo.tui.screens.predict_options import PredictOptionsScreen

        def use(options: dict[str, Any]) -> None:
            self._options = options
            self._arrange()
            if (session := self.model.session) is not None and not self._chats:
                self.query_one(AnswerView).ask(session, options)

        assert self._card is not None
        self.zoo.show_page(PredictOptionsScreen(self._card, self._options, use))

    def action_stop_answer(self) -> None:
        """Let the model say no more; what it has said stays."""
        self.query_one(ChatView).stop()
        self.query_one(AnswerView).stop()

    def action_leave_field(self) -> None:
        """Let single keys be commands again."""
        self.set_focus(None)
