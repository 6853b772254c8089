"""What a GGUF file says of a GPT-2 or a Llama, in the words of transformers' configuration; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo import StoreInvalid, Unsupported
from zoo_gpt.shape import ARCHITECTURES, GPT2, LLAMA, Shape

KEY = "tokenizer.ggml."
"""Begins what a file says of its tokenizer."""
_CONFIG = {
    LLAMA: {
        "block_count": "num_hidden_layers",
        "embedding_length": "hidden_size",
        "attention.head_count": "num_attention_heads",
        "attention.head_count_kv": "num_key_value_heads",
        "attention.key_length": "head_dim",
        "feed_forward_length": "intermediate_size",
        "context_length": "max_position_embeddings",
        "attention.layer_norm_rms_epsilon": "rms_norm_eps",
        "rope.freq_base": "rope_theta",
    },
    GPT2: {
        "block_count": "n_layer",
        "embedding_length": "n_embd",
        "attention.head_count": "n_head",
        "feed_forward_length": "n_inner",
        "context_length": "n_positions",
        "attention.layer_norm_epsilon": "layer_norm_epsilon",
    },
}
ROLES = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
"""Special tokens as transformers calls them, and as files do."""


def config_of(metadata: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """What transformers would call the model.

    Args:
        metadata: of the header; of the tokenizer, the numbers of special tokens are enough.
        shapes: of the tensors, by their names.

    Raises:
        StoreInvalid: there is no table of tokens.
        Unsupported: it is of an architecture, or a variant, that is not known here.
    """
    family = metadata.get("general.architecture")
    if family not in _CONFIG:
        raise Unsupported(f"this GGUF file holds a {family!r} model", f"{', '.join(_CONFIG)} are known")
    if "rope_freqs.weight" in shapes:
        raise Unsupported("this GGUF file turns positions by rope_freqs (Llama 3.1 and later)", "take its safetensors")
    if "token_embd.weight" not in shapes:
        raise StoreInvalid("this GGUF file lacks the tensor token_embd.weight", "fetch it again")
    stated = {theirs: metadata.get(f"{family}.{key}") for key, theirs in _CONFIG[family].items()}
    vocabulary = shapes["token_embd.weight"][0]
    roles = {f"{name}_id": token_id(metadata, ROLES[name], vocabulary) for name in ROLES if name != "unk_token"}
    config = {
        "architectures": [ARCHITECTURES[family]],
        "model_type": family,
        **{key: value for key, value in {**stated, **roles}.items() if value is not None},
        "tie_word_embeddings": "output.weight" not in shapes,
        "vocab_size": vocabulary,
    }
    if family == LLAMA:
        config["attention_bias"] = "blk.0.attn_q.bias" in shapes
    Shape.of(config)
    return config


def token_id(metadata: Mapping[str, Any], role: str, tokens: int) -> int | None:
    """The id of a token with a role, such as `eos`; None where none has it.

    Raises:
        StoreInvalid: there is no such token.
    """
    number = metadata.get(f"{KEY}{role}_token_id")
    if number is None:
        return None
    if not isinstance(number, int) or not 0 <= number < tokens:
        raise StoreInvalid(f"{KEY}{role}_token_id is {number!r}, of {tokens:,} tokens", "fetch it again")
    return number


def special_ids(metadata: Mapping[str, Any]) -> dict[str, int]:
    """Ids of the tokens for beginning, end and padding, by transformers' names of them."""
    tokens = len(texts_of(metadata, "tokens"))
    ids = {name: token_id(metadata, role, tokens) for name, role in ROLES.items()}
    return {name: number for name, number in ids.items() if number is not None}


def texts_of(metadata: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts that a file has of its tokenizer.

    Raises:
        StoreInvalid: there is none.
    """
    texts = metadata.get(f"{KEY}{name}")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise StoreInvalid(f"this GGUF file has no {KEY}{name}", "choose one that holds its tokenizer")
    return texts
