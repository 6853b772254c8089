"""Networks of transformers: loaded without code of the repository, their last layer apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers.pytorch_utils import Conv1D

from zoo import StoreInvalid, Unsupported
from zoo.training.head import HeadConfig

SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""How everything is loaded."""


def read_config(folder: Path) -> Any:
    """The configuration of a model.

    Raises:
        StoreInvalid: it cannot be read.
    """
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        return transformers.AutoConfig.from_pretrained(folder, **SAFE)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreInvalid(
            f"{folder / 'config.json'} cannot be read: {_first_line(error)}", "fetch it again"
        ) from error


def load(
    auto: Any, folder: Path, config: Any, fitting: Callable[[str], bool] = bool, *, with_head: bool = False
) -> Any:
    """A network in float32, filled from a folder; a head that the weights lack begins with random numbers.

    Args:
        auto: an Auto class of transformers, which says what head it has.
        folder: holds the files.
        config: as `read_config` gives it.
        fitting: whether the weights must have a tensor as the network has it, by its name, even within the body.
        with_head: refuse weights that lack the head, too, or have one of another shape.

    Raises:
        Unsupported: transformers has no such network of this architecture.
        StoreInvalid: the weights are unreadable, or of another network.
    """
    if type(config) not in auto._model_mapping:
        raise Unsupported(f"transformers has no {auto.__name__} of {config.model_type}", "choose another --task")
    try:
        network, report = auto.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **SAFE,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise StoreInvalid(
            f"the weights in {folder} cannot be read: {_first_line(error)}", "fetch them again"
        ) from error
    prefix = "" if with_head else f"{network.base_model_prefix}."
    lacking = sorted(name for name in report["missing_keys"] if name.startswith(prefix) and not _may_lack(name))
    mismatched = (str(one[0]) for one in report["mismatched_keys"])
    odd = sorted(name for name in mismatched if name.startswith(prefix) and fitting(name))
    if lacking or odd:
        raise StoreInvalid(
            f"the weights in {folder} do not fit the network: {', '.join((*lacking, *odd)[:5])}", "fetch them again"
        )
    return network


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


def _may_lack(name: str) -> bool:
    """Whether a network does without weights for a tensor: the pooler, which few heads use and some files leave out."""
    return ".pooler." in name or name.startswith("pooler.")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
