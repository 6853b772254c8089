"""Activation checkpointing: less is kept of a step, and nothing else is different."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import Unsupported
from zoo.training import Dropout
from zoo.training.activation_checkpointing import checkpoint_activations, repeated_layers


class Layer(nn.Module):
    """Notes down the statistics of its inputs, and drops some of its outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.up, self.down = nn.Linear(8, 64), nn.Linear(64, 8)
        self.dropout = Dropout(0.25)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.dropout(self.down(torch.tanh(self.up(self.norm(x)))))


class Deep(nn.Module):
    def __init__(self, layers: int = 4) -> None:
        super().__init__()
        self.body = nn.ModuleDict({"first": nn.Linear(3, 8), "layers": nn.ModuleList(Layer() for _ in range(layers))})
        self.head = nn.Linear(8, 2)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        x = self.body["first"](numbers)
        layers: Any = self.body["layers"]
        for layer in layers:
            x = layer(x)
        return self.head(x)


class DeepToy(Toy):
    """A toy with several layers."""

    lora_targets = ("up",)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.module = Deep()


def kept_bytes(network: nn.Module) -> int:
    """What a forward pass keeps for the gradients, each tensor as often as it is kept."""
    kept = 0

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(numbers=torch.ones(256, 3))
    return kept


def test_layers_are_those_of_one_class_that_stand_in_a_container() -> None:
    network = Deep()
    assert repeated_layers(network) == list(network.body["layers"].children())
    assert repeated_layers(Deep(1)) == []
    assert repeated_layers(nn.Sequential(*(nn.Linear(2, 2) for _ in range(3)))) == []


def test_less_is_kept_of_a_step() -> None:
    plain, sparing = Deep(), Deep()
    checkpoint_activations(repeated_layers(sparing))
    assert kept_bytes(sparing) < kept_bytes(plain) / 5


@pytest.mark.parametrize("method", ["full", "lora", "head"])
def test_the_result_is_the_same_to_the_bit(tmp_path: Path, method: str) -> None:
    options: dict[str, Any] = {"epochs": 3, "batch_size": 8, "micro_batch_size": 4, "method": method}
    for name in ("plain", "sparing"):
        run, _ = make_run(tmp_path / name, activation_checkpointing=name == "sparing", **options)
        DeepToy().fit(run)
    assert_identical(final_weights(tmp_path / "plain"), final_weights(tmp_path / "sparing"))


def test_a_copy_computes_with_its_own_numbers() -> None:
    network = Deep()
    checkpoint_activations(repeated_layers(network))
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert not twin(torch.ones(4, 3)).any()
    assert network(torch.ones(4, 3)).any()


class Overwriting(nn.Module):
    """Changes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.mul_(2)).sin()


def test_no_gradient_is_made_from_an_input_that_was_overwritten() -> None:
    network = nn.Sequential(Overwriting(), Overwriting())
    checkpoint_activations(repeated_layers(network))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        network(torch.ones(2, 3)).sum().backward()


class Collecting(nn.Module):
    """Sees what all layers before it made."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 1)

    def forward(self, parts: list[torch.Tensor]) -> torch.Tensor:
        return self.layer(torch.cat(parts, 1)).tanh()


def test_a_list_that_grows_is_what_it_was() -> None:
    torch.manual_seed(0)
    layers = nn.ModuleList(Collecting(width) for width in (1, 2, 3))
    checkpointed = copy.deepcopy(layers)
    checkpoint_activations(repeated_layers(checkpointed))
    gradients = []
    for network in (layers, checkpointed):
        parts = [torch.ones(2, 1)]
        for layer in network:
            parts.append(layer(parts))
        parts[-1].sum().backward()
        gradients.append({name: parameter.grad for name, parameter in network.named_parameters()})
    assert_identical(*gradients)


def test_a_network_without_layers_is_refused(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, activation_checkpointing=True)
    with pytest.raises(Unsupported, match="no layers that follow one another"):
        Toy().fit(run)
