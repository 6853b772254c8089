"""Writing texts: the same as transformers writes, whatever stands beside it, and whole letters only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from tests.tiny_causal_body import POSITIONS, TinyBody
from zoo.answers import GeneratedText, Rejected
from zoo.errors import OptionInvalid
from zoo.tasks.options import GenerationOptions
from zoo.training import Batch
from zoo.training.text.detokenising import Detokeniser
from zoo.training.text.generating import Writing
from zoo.training.text.generator import TextGenerator
from zoo.training.text.sampling import Sampler, filtered, penalised

PROMPTS = ["a", "some longer text", "no"]


class Gpt2Body(TinyBody):
    """transformers' own network in the place of the tiny one."""

    def __init__(self, *, chat: bool = False) -> None:
        super().__init__(SimpleNamespace(weights=None), chat=chat)
        torch.manual_seed(0)
        config = GPT2Config(
            vocab_size=self.vocabulary_size,
            n_positions=POSITIONS,
            n_embd=32,
            n_layer=2,
            n_head=4,
            initializer_range=0.5,
        )
        self.module = GPT2LMHeadModel(config).eval()

    def hidden(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        inputs = {"input_ids": batch["input_ids"], "attention_mask": (batch["segments"] > 0).long()}
        return module.transformer(**inputs).last_hidden_state

    def scores(self, module: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
        return module.lm_head(hidden)


def generator(body: TinyBody | None = None, **options: Any) -> TextGenerator:
    run = SimpleNamespace(
        card=SimpleNamespace(name="tiny"),
        device="cpu",
        precision="fp32",
        options=SimpleNamespace(batch_tokens=512, **_fields(GenerationOptions(**options))),
    )
    return TextGenerator(run, body or Gpt2Body())


def _fields(options: GenerationOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__struct_fields__}


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_the_likeliest_text_is_the_one_that_transformers_writes(penalty: float) -> None:
    body = Gpt2Body()
    answers = generator(body, max_tokens=24, repetition_penalty=penalty).predict(PROMPTS)

    for prompt, answer in zip(PROMPTS, answers, strict=True):
        ids = torch.tensor(body.text_ids([prompt]))
        written = body.module.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=24,
            do_sample=False,
            repetition_penalty=penalty,
            eos_token_id=body.eos_ids[0],
            pad_token_id=0,
        )[0, ids.shape[1] :]
        assert answer.text == body.tokenizer.decode(written.tolist())
        assert answer.tokens == len(written)


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(0.7, None, None), (1.0, 5, None), (1.3, None, 0.6), (0.5, 40, 0.9), (1.0, 900, 1.0)],
)
def test_what_is_drawn_from_is_what_transformers_draws_from(
    temperature: float, top_k: int | None, top_p: float | None
) -> None:
    scores = torch.randn(4, 260, generator=torch.Generator().manual_seed(1)) * 3
    seen = [[1, 2, 3], [4], [5, 5, 6], [7, 8]]
    ids = torch.tensor([(one * 3)[:3] for one in seen])
    processors = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(1.2), TemperatureLogitsWarper(temperature)])
    if top_k is not None:
        processors.append(TopKLogitsWarper(top_k))
    if top_p is not None:
        processors.append(TopPLogitsWarper(top_p))

    ours = filtered(penalised(scores, seen, 1.2), temperature=temperature, top_k=top_k, top_p=top_p)
    torch.testing.assert_close(ours, processors(ids, scores.clone()))


def test_draws_follow_the_probabilities_and_the_seed() -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0, -torch.inf]])
    sampler = Sampler(GenerationOptions(temperature=1.0, seed=3), 1)
    draws = torch.cat([sampler.next_tokens(scores, [[]]) for _ in range(4000)])
    shares = torch.bincount(draws, minlength=4) / len(draws)

    torch.testing.assert_close(shares, scores[0].softmax(-1), atol=0.03, rtol=0)
    options = {"max_tokens": 12, "temperature": 1.5}
    first, again, other = (generator(seed=seed, **options).predict(["a"])[0] for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("options", [{}, {"temperature": 1.2, "top_k": 50, "seed": 5}])
def test_an_answer_depends_on_none_beside_it(options: dict[str, Any]) -> None:
    ask = generator(max_tokens=16, **options)
    together = ask.predict(PROMPTS)

    assert [ask.predict([one])[0] for one in PROMPTS] == together
    assert ask.predict(PROMPTS[::-1]) == together[::-1]
    for prompt, answer in zip(PROMPTS, together, strict=True):
        *pieces, whole = ask.stream(prompt)
        assert ("".join(pieces), whole) == (answer.text, answer)


def test_letters_come_whole_and_blanks_stay() -> None:
    body = TinyBody(SimpleNamespace(weights=None))
    text = " né 日本 🙂 end"
    (ids,) = body.text_ids([text])
    reader = Detokeniser(body.tokenizer, body.text_ids(["so"])[0])
    pieces = [reader.add(token) for token in ids]

    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)
    assert reader.rest() == ""
    broken = Detokeniser(body.tokenizer)
    assert broken.add(body.text_ids(["日"])[0][0]) == ""
    assert broken.rest() == "\ufffd"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("one<|end|>two", {}, GeneratedText("one", "end", 4)),
        ("onetwo", {"max_tokens": 3}, GeneratedText("one", "length", 3)),
        ("one STOP two", {"stop": "STOP"}, GeneratedText("one ", "stop", 8)),
        ("one\ntwo", {"stop": r"\n"}, GeneratedText("one", "stop", 4)),
        ("one two", {"stop": '["x", "two", "e t"]'}, GeneratedText("on", "stop", 5)),
        ("one STO", {"stop": "STOP", "max_tokens": 7}, GeneratedText("one STO", "length", 7)),
        ("日本", {"max_tokens": 4}, GeneratedText("日\ufffd", "length", 4)),
    ],
)
def test_a_text_ends_where_it_shall(text: str, options: dict[str, Any], expected: GeneratedText) -> None:
    body = TinyBody(SimpleNamespace(weights=None))
    writing = Writing(body.text_ids(["a"])[0], body.tokenizer, body.eos_ids, GenerationOptions(**options), POSITIONS)
    pieces = []
    for token in body.text_ids([text])[0]:
        if writing.finish is None:
            writing.add(token)
            pieces.append(writing.take())

    assert writing.answer == expected
    assert "".join(pieces) == expected.text


def test_a_text_ends_where_the_network_has_no_place_left() -> None:
    answer = generator(max_tokens=500).predict(["x" * (POSITIONS - 5)])[0]
    assert (answer.finish, answer.tokens) in (("length", 5), ("end", answer.tokens))


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        (" ", "the prompt is empty"),
        (7, "the input is int, neither text nor messages"),
        ("a\udc80", "the prompt holds bytes that are not UTF-8"),
        ("x" * POSITIONS, f"the prompt has {POSITIONS} tokens, and the model takes {POSITIONS} with the answer"),
        ([{"role": "user", "content": "hi"}], "tiny has no chat template, so it cannot read messages"),
        ([{"role": "user"}], "the prompt, message 1 lacks a text as its content"),
    ],
)
def test_what_cannot_be_answered_is_rejected_in_its_place(prompt: Any, reason: str) -> None:
    ask = generator(max_tokens=2)
    first, middle, last = ask.predict(["a", prompt, "b"])

    assert middle == Rejected(reason)
    assert list(ask.stream(prompt)) == [Rejected(reason)]
    assert not isinstance(first, Rejected)
    assert not isinstance(last, Rejected)


def test_other_options_need_no_other_model() -> None:
    body = Gpt2Body(chat=True)
    first = generator(body, max_tokens=4)
    other = first.with_options(SimpleNamespace(batch_tokens=512, **_fields(GenerationOptions(max_tokens=9, stop="z"))))

    assert other.predict(["a"]) == generator(body, max_tokens=9, stop="z").predict(["a"])
    assert first.predict(["a"]) == generator(body, max_tokens=4).predict(["a"])


def test_a_conversation_that_is_too_long_loses_its_oldest_turns_and_says_so() -> None:
    def said(*texts: str) -> list[dict[str, str]]:
        return [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)]

    ask = generator(Gpt2Body(chat=True), max_tokens=20)
    system = [{"role": "system", "content": "be short"}]
    long = [*system, *said("a" * 30, "b" * 30, "c", "d", "e")]
    whole, left = ask.predict([[*system, *said("c", "d", "e")], long])
    *pieces, streamed = ask.stream(long)
    other = [{"from": {"user": "human"}.get(one["role"], one["role"]), "value": one["content"]} for one in long]

    assert whole.messages_left_out == 0
    assert whole.truncated_at is None
    assert left == streamed == ask.predict([other])[0]
    assert (left.text, left.messages_left_out, left.truncated_at) == (whole.text, 2, 20)
    assert "".join(pieces) == left.text
    assert left.remark == (
        "the conversation is too long for the model, which did not read the oldest 2 messages; it was cut after 20 "
        "tokens"
    )
    assert ask.predict([said("a" * 200, "b", "c" * 100)]) == [
        Rejected(f"the prompt has 103 tokens, and the model takes {POSITIONS} with the answer")
    ]
    assert ask.predict([said("a" * 85)])[0].messages_left_out == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_p": 0.9}, "--top-p has no effect at --temperature 0"),
        ({"top_k": 5}, "--top-k has no effect at --temperature 0"),
        ({"seed": 5}, "--seed has no effect at --temperature 0"),
        ({"raw": True, "system": "be short"}, "--system has no effect with --raw"),
        ({"stop": "[1]"}, "--stop is '\\[1\\]', which is no JSON list of texts"),
    ],
)
def test_no_option_is_ignored_in_silence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionInvalid, match=message):
        GenerationOptions(**options).check()


def test_a_system_message_needs_a_model_that_chats() -> None:
    with pytest.raises(OptionInvalid, match="--system goes with models that chat"):
        generator(system="be short")
    assert generator(Gpt2Body(chat=True), system="be short").chats
