"""A conversation at a terminal: `zoo predict MODEL`, with a model that chats."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, cast

from zoo.answers import Rejected
from zoo.cli import diagnostics, output
from zoo.data.lines import Lines, NotUtf8
from zoo.errors import ZooError
from zoo.sessions.chat import Chat, Stream

if TYPE_CHECKING:
    from io import BufferedReader

PROMPT = "> "
NEW = "/new"
"""What a person types to begin another conversation."""


def converse(stream: Stream) -> None:
    """Answer one message after another, each with all that was said before it, until nothing more is typed.

    Args:
        stream: asks the model.
    """
    diagnostics.note(f"one message a line; {NEW} begins another conversation, Ctrl-C ends an answer, Ctrl-D ends")
    chat, lines = Chat(stream), Lines(cast("BufferedReader", sys.stdin.buffer))
    while True:
        output.prompt(PROMPT)
        try:
            message = next(lines).strip()
        except StopIteration:
            output.line()
            return
        except NotUtf8:
            diagnostics.warn("the line is not UTF-8, and is left out")
            continue
        if message == NEW:
            chat = Chat(stream)
        elif message:
            _answer(chat, message)


def _answer(chat: Chat, message: str) -> None:
    """Show the answer to a message while it comes; an interruption ends it, not the conversation."""
    begun = False
    try:
        with contextlib.closing(chat.ask(message)) as pieces:
            for piece in pieces:
                output.piece(piece, first=not begun)
                begun = True
    except KeyboardInterrupt:
        begun, remark = True, "stopped"  # the terminal has written ^C
    except ZooError as problem:
        if begun:
            output.line()
        diagnostics.error(problem)
        return
    else:
        answer = chat.answer
        assert answer is not None
        remark = f"rejected: {answer.reason}" if isinstance(answer, Rejected) else answer.remark
    if begun:
        output.line()
    if remark:
        diagnostics.note(remark)
