"""Building transformers' BERT modules, from weights or from random numbers, and padding what they take."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import BertConfig, BertPreTrainedModel
from transformers.utils import logging

from zoo import Card, Unsupported

ModelT = TypeVar("ModelT", bound=BertPreTrainedModel)

ATTENTION = "eager"
"""On a CPU torch's fused attention is slower than plain matrix products at the lengths of sentences."""


def from_weights(model: type[ModelT], folder: Path, *, dropout: float | None = None, **config: Any) -> ModelT:
    """Load a module in float32; a head the weights do not have starts from random numbers.

    Raises:
        Unsupported: the folder asks for code of its own, or holds something else than BERT.
    """
    stated = json.loads((folder / "config.json").read_bytes())
    if "auto_map" in stated:
        raise Unsupported(f"{folder} asks for code of its own to be run", "zoo never runs code from model repositories")
    if stated.get("model_type") != "bert":
        raise Unsupported(f"{folder} holds a {stated.get('model_type')!r} model, not BERT", "choose another plugin")
    if dropout is not None:
        config |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    with _quiet():
        module: ModelT = model.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            attn_implementation=ATTENTION,
            dtype=torch.float32,
            **config,
        )
    return module


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and from telling that a new head is new."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def from_random(
    model: type[ModelT], card: Card, *, vocabulary_size: int, dropout: float | None, **config: Any
) -> ModelT:
    """Build a module of the card's dimensions; torch's global generator, seeded by the engine, fills it."""
    shape = card.architecture
    if dropout is not None:
        config |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    return model(
        BertConfig(
            vocab_size=vocabulary_size,
            num_hidden_layers=shape["layers"],
            hidden_size=shape["width"],
            num_attention_heads=shape["heads"],
            intermediate_size=shape["feed_forward"],
            max_position_embeddings=shape["positions"],
            attn_implementation=ATTENTION,
            **config,
        )
    )


def pad(sequences: Sequence[Sequence[int]], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad token ids to the longest.

    Positions and types are given in full, one row per example, so that per-example gradients can be taken.

    Returns:
        `input_ids`, `position_ids`, `token_type_ids` and `attention_mask`, each int64 of shape (batch, tokens).
    """
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    longest = int(lengths.max())
    input_ids = torch.full((len(sequences), longest), pad_id)
    for row, sequence in zip(input_ids, sequences, strict=True):
        row[: len(sequence)] = torch.tensor(sequence)
    positions = torch.arange(longest).repeat(len(sequences), 1)
    return {
        "input_ids": input_ids,
        "position_ids": positions,
        "token_type_ids": torch.zeros_like(input_ids),
        "attention_mask": (positions < lengths[:, None]).long(),
    }
