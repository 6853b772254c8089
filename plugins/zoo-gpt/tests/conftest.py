"""Tiny random models of both families, as transformers saves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MakeFolder = Callable[..., Path]

TEXTS = (
    "where is my parcel, it should have been here on monday",
    "please send the money back, the shoes do not fit",
    "the app closes whenever I open my orders",
    "my parcel never came, and 1234 days have gone by since 1234 of them, 1234!",
)
TOKENS = 280
SIZES = {
    "gpt2": {"n_layer": 3, "n_embd": 48, "n_head": 4, "n_positions": 64},
    "llama": {
        "num_hidden_layers": 3,
        "hidden_size": 48,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "intermediate_size": 96,
        "max_position_embeddings": 64,
    },
}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No hub, and a store of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("zoo-home")))


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> MakeFolder:
    """A model of random numbers, large enough that its scores lie apart, and a tokenizer learnt from a few texts."""

    def make(family: str, *, shards: str = "5GB", dtype: str = "float32", **config: Any) -> Path:
        import torch
        from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PreTrainedTokenizerFast
        from zoo_gpt.tokenization import END, PAD, learn

        tokenizer = learn(TEXTS, TOKENS)
        kind = {"gpt2": GPT2Config, "llama": LlamaConfig}[family]
        ids = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(
            kind(**{**SIZES[family], **ids, "vocab_size": TOKENS, "initializer_range": 0.2, **config})
        )
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:  # norms and biases of nothing but ones and zeros would hide mistakes
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        folder = tmp_path_factory.mktemp(family)
        model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shards)
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token=END, eos_token=END, pad_token=PAD, chat_template="{{ messages }}"
        ).save_pretrained(folder)
        return folder

    return make
