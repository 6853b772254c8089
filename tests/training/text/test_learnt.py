"""What is learnt of texts, completions and conversations: the words that shall be written, and their end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.tiny_causal_body import TinyBody
from zoo.errors import Unsupported
from zoo.training.text.learnt import LearntText, LearntTexts

CHAT = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "hello"},
    {"role": "user", "content": "bye"},
    {"role": "assistant", "content": "ciao"},
]

SPACED = (
    "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}"
)
"""A template that writes more after the end of an answer, which is no part of it."""
ENDED_OUTSIDE = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}<|end|>"
    "{% else %}{{ m.content }};{% endif %}{% endfor %}"
)
"""One that leaves the end of an answer out of its marks."""
ENDLESS = "{% for m in messages %}{{ m.content }};{% endfor %}"


def texts_of(*, chat: bool = False) -> tuple[LearntTexts, TinyBody]:
    body = TinyBody(SimpleNamespace(weights=None), chat=chat)
    return LearntTexts(body, "tiny"), body


def marked(body: TinyBody, text: LearntText) -> str:
    """The text with what is learnt in brackets."""
    shown, inside = "", False
    for token, learnt in zip(text.ids, text.learnt, strict=True):
        shown += "[" * (learnt and not inside) + "]" * (inside and not learnt)
        shown, inside = shown + body.tokenizer.decode([token], skip_special_tokens=False), learnt
    return shown + "]" * inside


@pytest.mark.parametrize(
    ("prompt", "completion", "chat", "expected"),
    [
        ("some text", None, False, "[some text<|end|>]"),
        ("some text", None, True, "[some text<|end|>]"),
        ("Who?", " me", False, "Who?[ me<|end|>]"),
        ("Who?", "me", True, "<|user|>Who?<|end|><|assistant|>[me<|end|>]"),
        (CHAT, None, True, "<|user|>hi<|end|><|assistant|>[hello<|end|>]<|user|>bye<|end|><|assistant|>[ciao<|end|>]"),
        (CHAT[:1], "yes", True, "<|user|>hi<|end|><|assistant|>[yes<|end|>]"),
        (CHAT[:1], None, True, "<|user|>hi<|end|>"),
        ("Who?", "", False, "Who?"),
    ],
)
def test_what_is_learnt(prompt: Any, completion: str | None, chat: bool, expected: str) -> None:
    texts, body = texts_of(chat=chat)
    assert marked(body, texts.of(prompt, completion)) == expected


def test_a_prompt_is_asked_as_it_was_learnt() -> None:
    for chat in (False, True):
        texts, _ = texts_of(chat=chat)
        learnt = texts.of("Who?", "me")
        prompt = texts.prompt_ids("Who?")
        assert (learnt.ids[: len(prompt)], learnt.learnt[: len(prompt) + 1]) == (prompt, [False] * len(prompt) + [True])


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (SPACED, "u:hi<|end|>\na:[hello<|end|>]\nu:bye<|end|>\na:[ciao<|end|>]\n"),
        (ENDED_OUTSIDE, "hi;[hello<|end|>]bye;[ciao<|end|>]"),
        (ENDLESS, "hi;[hello;]bye;[ciao;<|end|>]"),
    ],
)
def test_answers_end_where_the_model_shall_end_them(template: str, expected: str) -> None:
    body = TinyBody(SimpleNamespace(weights=None))
    body.chat_template = template
    assert marked(body, LearntTexts(body, "tiny").of(CHAT, None)) == expected


def test_a_system_message_goes_before_what_has_none() -> None:
    texts, body = texts_of(chat=True)
    system = [{"role": "system", "content": "be kind"}]

    begun = body.tokenizer.decode(texts.prompt_ids("hi", system="be short"), skip_special_tokens=False)
    kept = body.tokenizer.decode(texts.prompt_ids([*system, *CHAT[:1]], system="be short"), skip_special_tokens=False)
    assert begun == "<|system|>be short<|end|><|user|>hi<|end|><|assistant|>"
    assert kept == "<|system|>be kind<|end|><|user|>hi<|end|><|assistant|>"
    assert texts.prompt_ids("hi", raw=True) == body.text_ids(["hi"])[0]


def test_messages_need_a_model_that_chats() -> None:
    with pytest.raises(Unsupported, match="tiny has no chat template"):
        texts_of()[0].of(CHAT, None)


@pytest.mark.parametrize(("size", "stride"), [(4, 3), (4, 2), (5, 5), (10, 1), (12, 6)])
def test_each_token_is_learnt_once_in_the_windows_of_a_text(size: int, stride: int) -> None:
    text = LearntText(list(range(11)), [True] * 11)
    windows = list(text.windows(size, stride))

    assert [token for one in windows for token, learnt in zip(*one, strict=True) if learnt] == text.ids
    assert all(len(one.ids) <= size for one in windows)
    assert all(one.ids == list(range(one.ids[0], one.ids[-1] + 1)) for one in windows)
