"""Networks of transformers: saved, and their last layer apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from zoo import PredictionRun, TrainingRun, Unsupported
from zoo.training.head import HeadConfig


def weights_of(run: TrainingRun | PredictionRun) -> Path:
    """The folder of the weights of a run, which says what the network is.

    Raises:
        Unsupported: it is to begin from random numbers.
    """
    if run.weights is None:
        raise Unsupported(
            f"{run.card.name} is known by its weights, and cannot begin without them", "choose another model"
        )
    return run.weights


def save(network: Any, config: Any, folder: Path, state: dict[str, torch.Tensor], head: HeadConfig | None) -> None:
    """Write a network's configuration and weights as transformers does.

    Args:
        network: whose class it is saved from.
        config: of the network.
        folder: exists and is empty.
        state: its tensors.
        head: what its head is for; None where its outputs have no names.
    """
    if head:
        for name in ("tag_scheme", "tag_words_spaced"):  # of the head before
            vars(config).pop(name, None)
        config.update(head.to_transformers())
        config.id2label = dict(enumerate(head.labels or ("LABEL_0",)))
    config.architectures = [type(network).__name__]
    network.config = config
    network.save_pretrained(folder, state_dict=state)


def without_output_layer(network: Any) -> tuple[str, nn.Linear]:
    """Take the output layer out of a network: it then says what that layer sees.

    Args:
        network: of transformers, with a head.

    Returns:
        Path of the layer, and the layer.

    Raises:
        Unsupported: it has none that is linear.
    """
    outputs = network.get_output_embeddings() if hasattr(network, "get_output_embeddings") else None
    body = f"{network.base_model_prefix}."
    linear = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    of_head = [(name, module) for name, module in linear if not name.startswith(body)]
    found = [pair for pair in of_head if pair[1] is outputs] or of_head[-1:]
    if not found:
        raise Unsupported(f"{type(network).__name__} has no linear layer as its last", "choose another model")
    network.set_submodule(found[0][0], nn.Identity())
    return found[0]


def adaptable_layers(network: nn.Module) -> tuple[str, ...]:
    """Names of the layers that LoRA adapts: of queries and values, as its paper has it (arXiv:2106.09685, section 4.2).

    Where a network computes them in one layer, that one.
    """
    names = {
        name.rpartition(".")[2] for name, module in network.named_modules() if isinstance(module, nn.Linear | Conv1D)
    }
    for choice in _LORA_LAYERS:
        if names.issuperset(choice):
            return choice
    return ()


_LORA_LAYERS = (
    ("query", "value"),
    ("q_proj", "v_proj"),
    ("query_proj", "value_proj"),
    ("q_lin", "v_lin"),
    ("q", "v"),
    ("Wqkv",),
    ("query_key_value",),
    ("qkv_proj",),
    ("qkv",),
    ("c_attn",),
    ("in_proj",),
)
