"""`config.json` of a BERT: what transformers writes there, and which variants are computed here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import Card, Unsupported
from zoo.training.head import HeadConfig
from zoo.training.packed_linear import ACTIVATIONS
from zoo.training.pretrained import read_json

BODY = "bert."
"""Begins the names of the body's tensors."""
OUTPUT_LAYER = "classifier"
"""Name of what tells the labels apart, in the head and in the weights."""
CLASSIFIER, TAGGER, LANGUAGE_MODEL = "BertForSequenceClassification", "BertForTokenClassification", "BertForMaskedLM"
"""transformers' names of the architectures that are trained here."""
MAX_TOKENS = 512
"""Of any input."""
FUSED_FROM = 192
"""Number of tokens from which attention is fused on a CPU, too: plain matrix products are as fast there in float32 and
much faster in bfloat16, but take memory by the square of the length."""


def read_config(folder: Path) -> dict[str, Any]:
    """What a folder's `config.json` states.

    Raises:
        StoreInvalid: it is unreadable.
        Unsupported: it asks for code of its own, or describes something else than BERT.
    """
    config = read_json(folder / "config.json")
    if "auto_map" in config:
        raise Unsupported(f"{folder} asks for code of its own to be run", "zoo never runs code from model repositories")
    if config.get("model_type") != "bert":
        raise Unsupported(f"{folder} holds a {config.get('model_type')!r} model, not BERT", "choose another plugin")
    return config


def new_config(card: Card, vocabulary: int) -> dict[str, Any]:
    """That of a model without weights, of the card's dimensions.

    Args:
        card: of a BERT.
        vocabulary: number of word pieces.
    """
    shape = card.architecture
    return {
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": shape["width"],
        "initializer_range": 0.02,
        "intermediate_size": shape["feed_forward"],
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": shape["positions"],
        "model_type": "bert",
        "num_attention_heads": shape["heads"],
        "num_hidden_layers": shape["layers"],
        "pad_token_id": 0,
        "tie_word_embeddings": True,
        "type_vocab_size": 2,
        "vocab_size": vocabulary,
    }


def with_dropout(config: dict[str, Any], share: float | None) -> dict[str, Any]:
    """The same with another dropout in all layers; None keeps what is stated."""
    if share is None:
        return config
    return config | {"hidden_dropout_prob": share, "attention_probs_dropout_prob": share}


def max_tokens_of(folder: Path, config: dict[str, Any]) -> int:
    """Most tokens of an input: what the table of positions and the tokenizer of a folder allow, and 512 at most."""
    positions = int(config["max_position_embeddings"])
    stated = folder / "tokenizer_config.json"
    advised = read_json(stated).get("model_max_length", positions) if stated.exists() else positions
    return min(positions, int(advised), MAX_TOKENS)


def head_of(config: dict[str, Any]) -> HeadConfig | None:
    """What the head of the weights beside it is for; None where they are not a classifier's."""
    classifies = {CLASSIFIER, TAGGER}.intersection(config.get("architectures") or ())
    return HeadConfig.from_transformers(config) if classifies else None


def architecture_of(head: HeadConfig | None) -> str:
    """Transformers' name of a BERT with a head; None for that of a language model."""
    if head is None:
        return LANGUAGE_MODEL
    return TAGGER if head.is_of_tokens else CLASSIFIER


@dataclass(frozen=True)
class Shape:
    """What config.json says of the architecture."""

    layers: int
    width: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    eps: float
    """Of the layer norms."""
    activation: str

    @classmethod
    def of(cls, config: dict[str, Any]) -> Shape:
        """Read it.

        Raises:
            Unsupported: it is a variant that is not computed here.
        """
        activation = config.get("hidden_act", "gelu")
        if activation not in ACTIVATIONS:
            raise Unsupported(f"this BERT uses {activation!r} as activation", f"{', '.join(ACTIVATIONS)} are known")
        if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
            raise Unsupported("this is a variant of BERT (positions or direction)", "choose another model")
        return cls(
            layers=config["num_hidden_layers"],
            width=config["hidden_size"],
            heads=config["num_attention_heads"],
            feed_forward=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            positions=config["max_position_embeddings"],
            types=config.get("type_vocab_size", 2),
            eps=config.get("layer_norm_eps", 1e-12),
            activation=activation,
        )
