"""Prompts and completions: texts, and conversations in the shapes that data sets have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zoo.kinds import COMPLETION, PROMPT, Unusable

CHAT = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]


def read(value: Any) -> Any:
    return PROMPT.read(value, "messages", Path())


@pytest.mark.parametrize(
    "cell",
    [
        CHAT,
        json.dumps(CHAT),
        [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}],
        [{"role": "user", "content": [{"type": "text", "text": "hi"}]}, {"role": "assistant", "content": "hello"}],
        [{**message, "id": 7} for message in CHAT],
    ],
)
def test_conversations_are_read_in_all_usual_shapes(cell: Any) -> None:
    assert read(cell) == CHAT
    assert PROMPT.typed(json.dumps(CHAT)) == CHAT
    assert PROMPT.is_one(CHAT)
    assert not PROMPT.is_one(["hi", "there"])
    assert PROMPT.display_text(CHAT) == "user: hi\nassistant: hello"


@pytest.mark.parametrize("text", ["hi", "[1, 2]", "[late] parcel", '["a"]'])
def test_a_text_stays_a_text(text: str) -> None:
    assert read(text) == PROMPT.typed(text) == text


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ([], "column messages holds a list where a list of messages was expected"),
        ([CHAT[0], {"role": "assistant"}], "column messages, message 2 lacks a text as its content"),
        ([{"content": "hi"}], "column messages, message 1 lacks a role"),
        (["hi"], "column messages, message 1 is str, not an object with role and content"),
        ([{"role": "user", "content": "a\0b"}], "column messages, message 1 holds a NUL character"),
        ([{"role": "user", "content": [{"type": "image"}]}], "column messages, message 1 has a part that is no text"),
        (None, "column messages is empty"),
        (7, "column messages holds a number, not text or messages"),
    ],
)
def test_what_is_no_prompt_is_told(cell: Any, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        read(cell)
    assert str(caught.value) == reason


def test_a_completion_is_a_text_and_an_empty_one_teaches_nothing() -> None:
    cells = ["yes", 7, None, " \n"]
    targets = [COMPLETION.read(cell, "answer") for cell in cells]

    assert targets == ["yes", "7", "", " \n"]
    assert [bool(COMPLETION.teaches_nothing(target)) for target in targets] == [False, False, True, True]
    with pytest.raises(Unusable, match="column answer holds a list, not text"):
        COMPLETION.read(["yes"], "answer")
