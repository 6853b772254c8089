"""A conversation: every message is asked with all that was said before it."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from zoo.answers import GeneratedText, Prediction, Rejected
from zoo.kinds.prompt import Message
from zoo.sessions.chat import Chat


class Listener:
    """Answers with so many words as it has read messages, or as it is told to."""

    def __init__(self) -> None:
        self.read: list[list[Message]] = []

    def __call__(self, messages: list[Message]) -> Generator[str | Prediction]:
        self.read.append(messages)
        match messages[-1]["content"]:
            case "reject":
                yield Rejected("no")
            case "fail":
                raise ValueError("a cold")
            case "at once":
                yield GeneratedText("one\0two", "end", 2)
            case _:
                pieces = ["word "] * len(messages)
                yield from pieces
                yield GeneratedText("".join(pieces), "end", len(pieces))


def said(chat: Chat) -> list[str]:
    return [message["content"] for message in chat.said]


def test_all_that_was_said_is_asked_again() -> None:
    listener = Listener()
    chat = Chat(listener, system="be short")

    assert list(chat.ask("hi")) == ["word ", "word "]
    assert chat.answer == GeneratedText("word word ", "end", 2)
    chat.system = " "
    assert len(list(chat.ask("and"))) == 3
    assert listener.read == [
        [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"}],
        [*chat.said[:2], {"role": "user", "content": "and"}],
    ]
    assert [message["role"] for message in chat.said] == ["user", "assistant"] * 2


def test_what_was_said_until_someone_stops_it_is_kept() -> None:
    chat = Chat(Listener(), system="be short")
    answer = chat.ask("hi")
    next(answer)
    answer.close()
    unread = chat.ask("again")
    unread.close()

    assert said(chat) == ["hi", "word "]
    assert chat.answer is None


def test_what_was_not_answered_is_no_part_of_it() -> None:
    chat = Chat(Listener())

    assert list(chat.ask("reject")) == []
    assert chat.answer == Rejected("no")
    with pytest.raises(ValueError, match="a cold"):
        list(chat.ask("fail"))
    assert said(chat) == []
    assert list(chat.ask("at once")) == ["one\0two"]
    assert said(chat) == ["at once", "onetwo"]
