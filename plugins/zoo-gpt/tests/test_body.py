"""Bodies are filled from transformers' folders, saved as such, and learn as their objective has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from zoo_gpt.body import GptBody
from zoo_gpt.cards import ABILITIES, CARDS
from zoo_gpt.tokenization import chat_template, end_ids, learn

from zoo import Ability, Card, Example, PredictionRun, TextInput, TrainingRun, Weights, WeightsFile
from zoo.tasks import get_task
from zoo.testing import PluginHooks

TEXTS = ("where is my parcel", "the shoes do not fit", "my parcel never came", "I want my money back")
EXAMPLES = tuple(Example(text, None, i + 1) for i, text in enumerate(TEXTS))
MakeRun = Callable[..., TrainingRun]


def card(name: str = "gpt-tiny-scratch") -> Card:
    return {card.name: card for card in CARDS}[name]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    def make(weights: Path | None = None, name: str = "gpt-tiny-scratch", **options: Any) -> TrainingRun:
        return TrainingRun(
            card=card(name),
            task=get_task("text-generation"),
            weights=weights,
            train=EXAMPLES,
            eval=(),
            labels=(),
            options=PluginHooks.options(
                Ability(verb="pretrain", task="text-generation", options=ABILITIES[0].options), **options
            ),
            device="cpu",
            precision="fp32",
            folder=tmp_path / "run",
            emit=lambda event: None,
            should_stop=lambda: False,
        )

    return make


def prediction(folder: Path, own: Card | None = None, **options: Any) -> PredictionRun:
    ability = ABILITIES[2]
    return PredictionRun(
        card=own or card(),
        task=get_task("text-generation"),
        weights=folder,
        options=PluginHooks.options(ability, **options),
        device="cpu",
        precision="fp32",
    )


def saved(body: GptBody, folder: Path) -> Path:
    folder.mkdir()
    body.save(folder, body.module.state_dict(), None)
    return folder


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("tied", [True, False])
@torch.inference_mode()
def test_what_is_saved_is_what_was_loaded(
    family: str, tied: bool, make_folder: Any, make_run: MakeRun, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = make_folder(family, tie_word_embeddings=tied)

    folder = saved(GptBody(make_run(source)), tmp_path / "model")

    ids = torch.randint(0, 280, (1, 20), generator=torch.Generator().manual_seed(0))
    model, original = (AutoModelForCausalLM.from_pretrained(one) for one in (folder, source))
    torch.testing.assert_close(model(ids).logits, original(ids).logits, atol=0, rtol=0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert AutoTokenizer.from_pretrained(source).get_vocab() == tokenizer.get_vocab()
    assert "{{ messages }}" == tokenizer.chat_template
    assert (0, 1) == (tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert set(load_file(source / "model.safetensors")) == set(load_file(folder / "model.safetensors"))


@torch.inference_mode()
@pytest.mark.parametrize("name", ["gpt-tiny-scratch", "llama-small-scratch"])
def test_a_model_from_nothing_is_saved_for_transformers(name: str, make_run: MakeRun, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    body = GptBody(make_run(name=name))
    folder = saved(body, tmp_path / "model")

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert tokenizer.eos_token_id != tokenizer.pad_token_id
    assert (tokenizer.eos_token_id,) == body.eos_ids
    inputs = tokenizer("my parcel", return_tensors="pt")
    assert body.text_ids(["my parcel"]) == inputs.input_ids.tolist()
    batch = body.collate(body.text_ids(["my parcel"]), [0], training=False)
    torch.testing.assert_close(body.logits(body.module, batch), model(**inputs).logits, atol=1e-5, rtol=1e-5)
    assert tokenizer("", return_tensors=None).input_ids == []


def test_new_numbers_are_those_of_gpt2(make_run: MakeRun) -> None:
    torch.manual_seed(0)
    state = GptBody(make_run(name="gpt-small-scratch")).module.state_dict()

    for name, tensor in state.items():
        if name.endswith("bias"):
            assert {0.0} == set(tensor.tolist()), name
        elif ".ln_" in name:
            assert {1.0} == set(tensor.tolist()), name
        else:
            std = 0.02 / 12**0.5 if name.endswith("c_proj.weight") else 0.02
            assert std == pytest.approx(tensor.std().item(), rel=0.1), name


def test_norms_of_a_new_llama_begin_with_ones(make_run: MakeRun) -> None:
    state = GptBody(make_run(name="llama-small-scratch")).module.state_dict()
    assert {1.0} == {number for name in state if "norm" in name for number in state[name].tolist()}


def test_the_same_texts_give_the_same_vocabulary() -> None:
    texts = [f"{text} number {i}" for text in TEXTS for i in range(20)]
    assert learn(texts).to_str() == learn(texts).to_str()
    assert 300 >= learn(texts, 300).get_vocab_size()


def test_any_bytes_can_be_written() -> None:
    tokenizer = learn(TEXTS)
    text = "ünïcode 字 \n\t🙂"
    assert text == tokenizer.decode(tokenizer.encode(text).ids)


def test_what_ends_a_text_is_what_is_said_of_generation(tmp_path: Path) -> None:
    assert (7,) == end_ids(tmp_path, {"eos_token_id": 7})
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [3, 4]}', encoding="utf-8")
    assert (3, 4) == end_ids(tmp_path, {"eos_token_id": 7})


@pytest.mark.parametrize(
    ("stated", "template"),
    [("one", "one"), ([{"name": "tool", "template": "x"}, {"name": "default", "template": "y"}], "y"), (None, "")],
)
def test_chat_templates_are_where_transformers_looks(stated: Any, template: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": stated}), encoding="utf-8")
    assert template == chat_template(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("of its own", encoding="utf-8")
    assert "of its own" == chat_template(tmp_path)


@torch.inference_mode()
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_texts_are_written_as_transformers_writes_them(family: str, make_folder: Any) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = make_folder(family)
    prompts = ["my parcel", "the shoes do not fit, and the"]
    predictor = GptBody(prediction(folder)).predictor(prediction(folder, max_tokens=20, raw=True))

    answers = [answer.text for answer in predictor.predict(prompts)]

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    for prompt, answer in zip(prompts, answers, strict=True):
        inputs = tokenizer(prompt, return_tensors="pt")
        ids = model.generate(**inputs, max_new_tokens=20, do_sample=False)[0, inputs.input_ids.shape[1] :]
        assert tokenizer.decode(ids, skip_special_tokens=True) == answer


@pytest.mark.parametrize("alone", [True, False])
def test_a_gguf_file_is_asked_like_a_folder(make_folder: Any, make_gguf: Any, tmp_path: Path, alone: bool) -> None:
    source = make_folder("llama", hidden_size=64, num_attention_heads=8, head_dim=8, num_key_value_heads=2)
    path = make_gguf(source, tmp_path / "tiny.gguf")
    weights = Weights(files=(WeightsFile(name=path.name),), sources=())
    if not alone:  # it stands in for files that are not here
        weights = Weights(files=(WeightsFile(name="model.safetensors"),), sources=(), alternatives=(weights,))
    own = Card(
        name="g", task="text-generation", family="llama", summary="s", abilities=ABILITIES, weights=weights,
        input=TextInput(max_tokens=64), plugin="gpt",
    )  # fmt: skip

    answers = [
        GptBody(run).predictor(run).predict(["my parcel"])
        for run in (prediction(tmp_path, own, max_tokens=9, raw=True), prediction(source, max_tokens=9, raw=True))
    ]

    assert answers[0] == answers[1]
