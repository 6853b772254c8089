"""Filling networks, from weights or with random numbers, and writing them down as transformers would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import nn

from zoo_bert.weights import WeightsReader

NOT_KEPT = ("_", "transformers_version", "torch_dtype", "num_labels")
"""Beginnings of what a configuration says of the file it stood in, or once more."""
Network = TypeVar("Network", bound=nn.Module)


def from_random(make: Callable[[], Network], config: dict[str, Any]) -> Network:
    """Build a network of random numbers, from torch's global generator.

    Args:
        make: builds it.
        config: of the network, as transformers writes it.
    """
    network = make()
    _randomise(network, config, [name for name, _ in network.named_parameters()])
    return network


def from_weights(
    make: Callable[[], Network],
    config: dict[str, Any],
    folder: Path,
    *,
    may_lack: tuple[str, ...] = (),
    anew: tuple[str, ...] = (),
) -> Network:
    """Build a network of the tensors of a folder, in float32.

    Args:
        make: builds it.
        config: of the network, as transformers writes it.
        folder: holds `model.safetensors`.
        may_lack: beginnings of the names of parameters that start from random numbers where the weights lack them.
        anew: beginnings of the names of those that do so in any case.

    Raises:
        StoreInvalid: tensors are missing or misshapen.
    """
    network = make()
    with WeightsReader(folder) as weights, torch.no_grad():
        lacking = []
        for name, parameter in network.named_parameters():
            if name.startswith(anew) or (name.startswith(may_lack) and not weights.has(name)):
                lacking.append(name)
            else:
                parameter.copy_(weights.take(name, *parameter.shape))
    _randomise(network, config, lacking)
    return network


def save(network: nn.Module, config: dict[str, Any], folder: Path) -> None:
    """Write `config.json` and `model.safetensors`; `config` names the architecture."""
    state = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    stated = {key: config[key] for key in config if not key.startswith(NOT_KEPT)} | {"dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(stated, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _randomise(network: nn.Module, config: dict[str, Any], names: Iterable[str]) -> None:
    """Fill parameters as transformers does: biases with 0, norms with 1, all others from a normal distribution."""
    norms = tuple(name for name, module in network.named_modules() if isinstance(module, nn.LayerNorm))
    with torch.no_grad():
        for name in names:
            parameter = network.get_parameter(name)
            owner, _, kind = name.rpartition(".")
            if kind == "bias":
                parameter.zero_()
            elif owner in norms:
                parameter.fill_(1)
            else:
                parameter.normal_(std=config.get("initializer_range", 0.02))
