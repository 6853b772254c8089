"""A conversation: who says what, one below the other, the last of it in sight."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from zoo.sanitize import one_line, plain

PAINT_S = 0.05
"""What comes within so short a time is painted at once."""


class MessageText(Static):
    """What one of them says; it may grow.

    Args:
        speaker: who says it.
        text: what is known of it.
        tone: of the name of the speaker.
    """

    DEFAULT_CSS = "MessageText { height: auto; padding: 0 1 1 1; }"

    def __init__(self, speaker: str, text: str = "", *, tone: str = "bold") -> None:
        super().__init__()
        self._speaker, self._tone = one_line(speaker), tone
        self._text, self._remark = text, ""
        self._painting, self._ended = False, bool(text)

    def on_mount(self) -> None:
        self._paint()

    @property
    def text(self) -> str:
        """What was said so far."""
        return self._text

    def append(self, piece: str) -> None:
        """Let it go on."""
        self._text += piece
        if self.is_attached and not self._painting:
            self._painting = True
            self.set_timer(PAINT_S, self._paint)

    def end(self, remark: str = "") -> None:
        """Nothing more comes.

        Args:
            remark: what a person has to know beside it.
        """
        self._remark, self._ended = plain(remark), True
        if self.is_attached:
            self._paint()

    def _paint(self) -> None:
        self._painting = False
        text = plain(self._text).strip("\n") or "…" * (not self._ended)
        lines = [(self._speaker, self._tone), (text, ""), (self._remark, "$text-warning")]
        self.update(Content("\n").join(Content.assemble(line) for line in lines if line[0]))


class Conversation(VerticalScroll):
    """Messages; one that has scrolled up reads on undisturbed."""

    DEFAULT_CSS = "Conversation { height: 1fr; }"

    def on_mount(self) -> None:
        self.anchor()

    def add(self, message: MessageText) -> MessageText:
        """Put a message below the others, in sight."""
        self.mount(message)
        self.anchor()
        return message
