"""Chatting: a conversation with a model, what it is told beforehand, and where one types."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, ClassVar, NamedTuple, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from zoo.answers import Rejected
from zoo.errors import ZooError
from zoo.kinds.prompt import USER
from zoo.kinds.prompt import Message as ChatMessage
from zoo.sessions.chat import Chat, Stream
from zoo.tui.widgets.conversation import Conversation, MessageText
from zoo.tui.zoo_screen import ZooScreen


class MessageEditor(TextArea):
    """Where a message is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", priority=True),
        Binding("ctrl+j,shift+enter", "begin_line", "New line", show=False, priority=True),
    ]

    class Sent(Message):
        """The message is complete."""

    def action_send(self) -> None:
        """The message is complete."""
        self.post_message(self.Sent())

    def action_begin_line(self) -> None:
        """Go on in a new line."""
        self.insert("\n")

    def action_cursor_page_up(self) -> None:
        """Look further up in the conversation."""
        self.screen.query_one(Conversation).scroll_page_up()

    def action_cursor_page_down(self) -> None:
        """Look further down in the conversation."""
        self.screen.query_one(Conversation).scroll_page_down()


class _Answering(NamedTuple):
    """An answer that is being given."""

    chat: Chat
    question: str
    shown: MessageText
    stop: threading.Event
    """Set by a person who has read enough."""


class ChatView(Vertical):
    """A conversation with a model."""

    DEFAULT_CSS = """
    ChatView {
        height: 1fr;
        & .line { height: 1; padding: 0 1; }
        & .label { width: 8; color: $text-muted; }
        & Input { width: 1fr; }
        & MessageEditor { height: 4; border: round $panel; padding: 0 1; }
        & MessageEditor:focus { border: round $primary; }
    }
    """

    class StateChanged(Message):
        """The model has begun to answer, or has ended."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._model = ""
        self._chat: Chat | None = None
        self._answering: _Answering | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Static("system", classes="label", markup=False)
            yield Input(compact=True, id="system", placeholder="what the model is told before the conversation")
        yield Conversation()
        yield MessageEditor(placeholder="Type a message; Ctrl-J begins a new line", compact=False)

    @property
    def editor(self) -> MessageEditor:
        """Where a message is typed."""
        return self.query_one(MessageEditor)

    @property
    def is_answering(self) -> bool:
        """Whether the model is answering, so that it can be stopped."""
        return self._answering is not None

    def begin(self, model: str, stream: Stream) -> None:
        """Begin a conversation.

        Args:
            model: its name.
            stream: asks it, in any thread.
        """
        self.stop()
        self._model, self._chat, self._answering = model, Chat(stream), None
        self.query_one(Conversation).remove_children()
        self.post_message(self.StateChanged())

    def restart(self) -> None:
        """Begin another one with the same model."""
        if self._chat is not None:
            self.begin(self._model, self._chat.stream)
            self.editor.focus()

    def end(self) -> None:
        """The model goes away; what was said stays in sight until another one comes."""
        self.stop()
        self._chat = None

    def stop(self) -> None:
        """Let the model say no more; what it has said stays."""
        if self._answering is not None:
            self._answering.stop.set()

    @property
    def system(self) -> str:
        """What the model is told beforehand."""
        return self.query_one("#system", Input).value

    @property
    def messages(self) -> list[ChatMessage]:
        """The conversation, and what is typed next."""
        typed = self.editor.text
        question: list[ChatMessage] = [{"role": USER, "content": typed}] if typed.strip() else []
        return [*(self._chat.said if self._chat is not None and not self.is_answering else ()), *question]

    def on_message_editor_sent(self) -> None:
        question, chat = self.editor.text, self._chat
        if not question.strip():
            return
        if chat is None or self._answering is not None:
            self.notify("the model is still answering: Esc stops it" if chat else "the model is not there")
            return
        self.editor.clear()
        chat.system = self.system
        conversation = self.query_one(Conversation)
        conversation.add(MessageText("you", question, tone="bold $text-accent"))
        shown = conversation.add(MessageText(self._model, tone="bold $text-primary"))
        answering = self._answering = _Answering(chat, question, shown, threading.Event())
        screen = cast("ZooScreen[Any]", self.screen)
        self.run_worker(lambda: self._answer(answering, screen), thread=True, group="chat", exit_on_error=False)
        self.post_message(self.StateChanged())

    def _answer(self, answering: _Answering, screen: ZooScreen[Any]) -> None:
        """In a thread."""

        def show(piece: str) -> None:
            screen.later(lambda: answering.shown.append(piece))

        said, remark = False, ""
        try:
            with contextlib.closing(answering.chat.ask(answering.question)) as pieces:
                for piece in pieces:
                    said = True
                    show(piece)
                    if answering.stop.is_set():
                        remark = "stopped"
                        break
        except ZooError as error:
            remark = f"{error.message}. {error.hint}" if error.hint else error.message
        answer = answering.chat.answer
        if isinstance(answer, Rejected):
            remark = f"rejected: {answer.reason}"
        elif answer is not None:
            remark = answer.remark
        screen.later(lambda: self._answered(answering, remark, said=said))

    def _answered(self, answering: _Answering, remark: str, *, said: bool) -> None:
        answering.shown.end(remark)
        if self._answering is not answering:  # another conversation has begun
            return
        self._answering = None
        if not said and not self.editor.text:  # it is no part of the conversation, so that one can put it otherwise
            self.editor.text = answering.question
            self.editor.move_cursor(self.editor.document.end)
        self.post_message(self.StateChanged())
