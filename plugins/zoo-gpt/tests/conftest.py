"""Tiny random models of both families, as transformers saves them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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


def tensors_of(folder: Path) -> Iterator[tuple[str, Any]]:
    """Tensors of a Llama by the names of GGUF, rows of queries and keys side by side as it has them."""
    from safetensors.numpy import load_file

    parts = {
        "q_proj": "attn_q",
        "k_proj": "attn_k",
        "v_proj": "attn_v",
        "o_proj": "attn_output",
        "gate_proj": "ffn_gate",
        "up_proj": "ffn_up",
        "down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    tops = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
    for name, tensor in load_file(folder / "model.safetensors").items():
        words = name.split(".")
        stem = words[-2]
        if stem in ("q_proj", "k_proj"):
            pairs = tensor.reshape(-1, 2, 4, tensor.shape[1]).swapaxes(1, 2)
            yield f"blk.{words[2]}.{parts[stem]}.weight", pairs.reshape(tensor.shape)
        else:
            yield f"{tops[stem]}.weight" if stem in tops else f"blk.{words[2]}.{parts[stem]}.weight", tensor


def llama_file(folder: Path, path: Path, block: str = "F32", **changes: Any) -> Path:
    """A GGUF file of a tiny Llama, matrices packed in one way."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(3)
    writer.add_embedding_length(64)
    writer.add_head_count(8)
    writer.add_head_count_kv(2)
    writer.add_feed_forward_length(96)
    writer.add_context_length(64)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(changes.get("pre", "smollm"))
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([3, 3, *[1] * (len(vocabulary) - 2)])
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_pad_token_id(1)
    writer.add_chat_template("{{ messages }}")
    kind = getattr(gguf.GGMLQuantizationType, block)
    for name, tensor in tensors_of(folder):
        packed = tensor.ndim == 2 and block != "F32"
        data = gguf.quants.quantize(tensor, kind) if packed else tensor
        writer.add_tensor(name, data, raw_dtype=kind if packed else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="session")
def make_gguf() -> Callable[..., Path]:
    """A GGUF file of a tiny Llama in a folder, of width 64 and with heads of width 8."""
    return llama_file
