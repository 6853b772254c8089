"""GPT-2 and Llama models of the Hub: a card is made of what their configuration says; others are left to others."""

from __future__ import annotations

from typing import Any

import pytest
from zoo_gpt.plugin import card_for

import zoo
from zoo import Card, HubSource, Unsupported, Weights, WeightsFile

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 16,
    "hidden_size": 2048,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 8192,
    "max_position_embeddings": 131072,
    "vocab_size": 128256,
    "rope_scaling": {
        "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
}  # fmt: skip
GPT2 = {
    "model_type": "gpt2",
    "architectures": ["GPT2LMHeadModel"],
    "n_layer": 12,
    "n_embd": 768,
    "n_head": 12,
    "n_positions": 1024,
    "vocab_size": 50257,
}
FILES = ("README.md", "config.json", "generation_config.json", "model.safetensors", "pytorch_model.bin",
         "tokenizer.json", "tokenizer_config.json")  # fmt: skip


def described(config: dict[str, Any], *, files: tuple[str, ...] = FILES, **documents: Any) -> Card | None:
    source = HubSource(repository="a/b", revision="0" * 40)
    weights = Weights(files=tuple(WeightsFile(name=name) for name in files), sources=(source,))
    return card_for("b", config, weights, {f"{name}.json": content for name, content in documents.items()})


@pytest.mark.parametrize("config", [GPT2, LLAMA], ids=["gpt2", "llama"])
def test_a_model_that_writes_is_described(config: dict[str, Any]) -> None:
    card = described(config)

    assert card is not None
    assert ("text-generation", config["model_type"]) == (card.task, card.family)
    assert ("pretrain", "finetune", "predict") == card.verbs
    positions = config.get("n_positions") or config["max_position_embeddings"]
    assert zoo.TextInput(max_tokens=positions) == card.input
    assert card.weights is not None
    assert [
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
    ] == [file.name for file in card.weights.files]


def test_what_the_tokenizer_advises_is_the_limit() -> None:
    card = described(LLAMA, tokenizer_config={"model_max_length": 4096})
    assert card is not None
    assert zoo.TextInput(max_tokens=4096) == card.input


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "bert"},
        {**GPT2, "architectures": ["GPT2ForSequenceClassification"]},
        {**GPT2, "add_cross_attention": True},
        {**GPT2, "activation_function": "swish"},
        {**LLAMA, "mlp_bias": True},
        {**LLAMA, "rope_scaling": {"rope_type": "yarn", "factor": 2.0}},
        {**LLAMA, "num_key_value_heads": 5},
        {**LLAMA, "hidden_size": None},
    ],
)
def test_what_is_not_computed_here_is_left_to_others(config: dict[str, Any]) -> None:
    assert described(config) is None


def test_a_model_without_a_tokenizer_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"b lacks tokenizer\.json"):
        described(GPT2, files=("config.json", "model.safetensors"))
