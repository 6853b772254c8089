"""`config.json` of a GPT-2 or a Llama: read, or made for a model that starts from random numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo import Card, Unsupported
from zoo.training.pretrained import read_json
from zoo_gpt.shape import CONFIG_NAMES, GPT2, LLAMA


def read_config(folder: Path) -> dict[str, Any]:
    """What a folder's `config.json` states.

    Raises:
        StoreInvalid: it is unreadable.
        Unsupported: it asks for code of its own.
    """
    config = read_json(folder / "config.json")
    if "auto_map" in config:
        raise Unsupported(f"{folder} asks for code of its own to be run", "zoo never runs code from model repositories")
    return config


def new_config(card: Card, vocabulary: int, end: int | None) -> dict[str, Any]:
    """That of a model without weights, of the card's dimensions.

    Args:
        card: of a GPT-2 or a Llama.
        vocabulary: number of tokens.
        end: id of the token that ends a text, and begins one.
    """
    names = CONFIG_NAMES[card.family]
    sizes = {theirs: card.architecture[ours] for ours, theirs in names.items() if ours != "vocabulary"}
    stated: dict[str, Any] = {
        "bos_token_id": end,
        "eos_token_id": end,
        "initializer_range": 0.02,
        "model_type": card.family,
        "tie_word_embeddings": True,
        "vocab_size": vocabulary,
        **sizes,
    }
    if card.family == LLAMA:
        heads = card.architecture["key_value_heads"]
        stated |= {"num_key_value_heads": heads, "rms_norm_eps": 1e-5, "rope_theta": 10_000.0}
    return stated


def with_dropout(config: dict[str, Any], share: float | None) -> dict[str, Any]:
    """The same with another dropout in all layers; None keeps what is stated, and Llama has none."""
    if share is None or config.get("model_type") != GPT2:
        return config
    return config | dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), share)
