"""Chat templates are rendered as transformers renders them, and say which words are the model's own."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from tests.tiny_causal_body import CHAT_TEMPLATE
from zoo.errors import Unsupported
from zoo.training.text.chat import ChatTemplate

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
CHAT = [
    {"role": "system", "content": "be short"},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "hello {{ there }}"},
    {"role": "user", "content": "bye"},
    {"role": "assistant", "content": "ciao"},
]
MARKED = """{{ bos_token }}{% for message in messages %}
    {%- if message.role == 'assistant' %}
[A]{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}
    {%- else %}
[{{ message.role | upper }}]{{ message.content | trim }}
    {%- endif %}
{% endfor %}
{% if add_generation_prompt %}[A]{% endif %}"""
HELPFUL = """{{ dict(a=1).items() | list }}{% set ns = namespace(n=0) %}
{% for message in messages %}{% if loop.index0 > 9 %}{% break %}{% endif %}
{% set ns.n = ns.n + 1 %}{{ ns.n }}{{ message | tojson }}{% endfor %}"""


@pytest.mark.parametrize("source", [CHAT_TEMPLATE, MARKED, HELPFUL])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_conversation_is_rendered_as_transformers_does(source: str, count: int) -> None:
    peer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **SPECIAL)
    template = ChatTemplate(source, SPECIAL, "model")
    arguments = {"chat_template": source, "tokenize": False}

    assert template.render(CHAT[:count]) == peer.apply_chat_template(
        CHAT[:count], add_generation_prompt=True, **arguments
    )
    assert template.render_answers(CHAT[:count]).text == peer.apply_chat_template(CHAT[:count], **arguments)


@pytest.mark.parametrize(
    ("source", "answers"),
    [(CHAT_TEMPLATE, ["hello {{ there }}<|end|>", "ciao<|end|>"]), (MARKED, ["hello {{ there }}</s>", "ciao</s>"])],
    ids=["by what is added", "by the template"],
)
def test_the_words_of_the_model_are_found(source: str, answers: list[str]) -> None:
    rendered = ChatTemplate(source, SPECIAL, "model").render_answers(CHAT)

    assert [rendered.text[start:stop] for start, stop in rendered.answers] == answers


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% if %}", "the chat template of model cannot be read"),
        ("{{ raise_exception('users first') }}", "the chat template of model refuses the messages: users first"),
        ("{{ ().__class__.__base__.__subclasses__() }}", "refuses the messages: .*unsafe"),
        ("{% set ns = namespace(_a=1) %}", "refuses the messages: a namespace cannot hold _a"),
        ("{{ messages.clear() }}", "refuses the messages: "),
        ("{{ messages[-1].content }}", "renders message 3 otherwise"),
    ],
)
def test_a_template_that_cannot_serve_is_named(source: str, message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        ChatTemplate(source, SPECIAL, "model").render_answers(CHAT)
