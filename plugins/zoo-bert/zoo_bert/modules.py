"""Building transformers' BERT modules, from weights or from random numbers, and padding what they take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import BertConfig, BertPreTrainedModel
from transformers.utils import logging

from zoo import Card, StoreInvalid
from zoo_bert.weights import AGAIN, labels_of, read_config, read_json

ModelT = TypeVar("ModelT", bound=BertPreTrainedModel)

ATTENTION = "eager"
"""On a CPU torch's fused attention is slower than plain matrix products at the lengths of sentences."""


def from_weights(
    model: type[ModelT], folder: Path, *, new: tuple[str, ...] = (), dropout: float | None = None, **config: Any
) -> ModelT:
    """Load a module in float32.

    Args:
        model: the transformers class.
        folder: holds `config.json` and `model.safetensors`.
        new: beginnings of the names of parameters that may start from random numbers, where the weights lack them.
        dropout: of all layers; None keeps what the weights were trained with.
        config: further entries of the configuration.

    Raises:
        StoreInvalid: the configuration is unreadable, or tensors are missing or misshapen.
        Unsupported: the folder asks for code of its own, or holds something else than BERT.
    """
    read_config(folder)
    with quiet():
        loaded: Any = model.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            attn_implementation=ATTENTION,
            dtype=torch.float32,
            output_loading_info=True,
            **_dropout(dropout),
            **config,
        )
    module: ModelT
    module, loading = loaded
    misshapen = {str(entry[0]) for entry in loading["mismatched_keys"]}
    absent = [name for name in sorted(loading["missing_keys"] | misshapen) if not name.startswith(new)]
    if absent:
        raise StoreInvalid(
            f"the weights in {folder} lack {len(absent)} tensors, such as {absent[0]}",
            f"they are damaged, or of another shape than config.json says; {AGAIN}",
        )
    return module


def from_random(
    model: type[ModelT], card: Card, *, vocabulary_size: int, dropout: float | None, **config: Any
) -> ModelT:
    """Build a module of the card's dimensions, filled from torch's global generator."""
    shape = card.architecture
    built = BertConfig(
        vocab_size=vocabulary_size,
        num_hidden_layers=shape["layers"],
        hidden_size=shape["width"],
        num_attention_heads=shape["heads"],
        intermediate_size=shape["feed_forward"],
        max_position_embeddings=shape["positions"],
        **_dropout(dropout),
        **config,
    )
    module = model(built)
    module.set_attn_implementation(ATTENTION)
    return module


def stated_labels(folder: Path) -> tuple[str, ...]:
    """Labels of the classifier in a folder, in the order of its outputs; empty where there is none."""
    stated = read_json(folder / "config.json")
    if "BertForSequenceClassification" not in (stated.get("architectures") or ()):
        return ()
    return labels_of(stated)


def pad(sequences: Sequence[Sequence[int]], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad token ids to the longest.

    Positions and types are given in full, one row per example, so that per-example gradients can be taken.

    Returns:
        `input_ids`, `position_ids`, `token_type_ids` and, where anything is padded, `attention_mask`; each int64 of
        shape (batch, tokens).
    """
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    longest = int(lengths.max())
    input_ids = torch.tensor([[*sequence, *[pad_id] * (longest - len(sequence))] for sequence in sequences])
    positions = torch.arange(longest).repeat(len(sequences), 1)
    batch = {"input_ids": input_ids, "position_ids": positions, "token_type_ids": torch.zeros_like(input_ids)}
    if int(lengths.min()) < longest:
        batch["attention_mask"] = (positions < lengths[:, None]).long()
    return batch


def _dropout(share: float | None) -> dict[str, Any]:
    return {} if share is None else {"hidden_dropout_prob": share, "attention_probs_dropout_prob": share}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from drawing bars, and from telling that a new head is new."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
