"""Networks in the layout of transformers: filled from a folder of weights or with random numbers, and written down."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from zoo.errors import StoreInvalid
from zoo.hub_config import INDEX, WEIGHTS
from zoo.training.packing import TensorFile

AGAIN = "fetch or train the model again"
IGNORED_PREFIXES = ("_", "transformers_version", "torch_dtype", "num_labels")
"""Beginnings of what a configuration says of the file it stood in, or once more."""
EARLIER_NAMES = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
"""How files converted from TensorFlow call them, `bert-base-uncased` among them."""

OTHER_NAMES = {"cls.predictions.decoder.bias": "cls.predictions.bias"}
"""What some files call a tensor that others have under both names."""


def read_json(path: Path) -> dict[str, Any]:
    """The content of one of a model's small files.

    Raises:
        StoreInvalid: there is none, or it is not a JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreInvalid(f"{path} cannot be read: {error}", AGAIN) from error
    if not isinstance(content, dict):
        raise StoreInvalid(f"{path} is not a JSON object", AGAIN)
    return content


class WeightsReader:
    """The tensors of `model.safetensors`, or of its shards, in float32; their shapes are checked as they are taken.

    Args:
        folder: holds the files.
        body: begins the names of the body's tensors, unless the body was saved alone: transformers'
            `base_model_prefix` and a dot.
    """

    def __init__(self, folder: Path, body: str) -> None:
        self._body = body
        self._path = folder / WEIGHTS
        self._open_files = contextlib.ExitStack()
        self._files: dict[str, TensorFile] = {}
        for path in _weights_paths(folder):
            try:
                file = TensorFile(self._open_files.enter_context(safe_open(path, framework="pt")))
            except (OSError, SafetensorError, ValueError, KeyError) as error:
                raise StoreInvalid(f"{path} cannot be read: {error}", AGAIN) from error
            self._files |= dict.fromkeys(file.keys(), file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_files.close()

    def has(self, name: str) -> bool:
        """Whether there is a tensor of that name."""
        return self._name(name) is not None

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """One tensor.

        Raises:
            StoreInvalid: it is missing or misshapen.
        """
        there = self._name(name)
        if there is None:
            raise StoreInvalid(f"{self._path} lacks the tensor {name}", f"it is damaged, or another model; {AGAIN}")
        tensor = self._files[there].get_tensor(there)
        if tuple(tensor.shape) != shape:
            raise StoreInvalid(
                f"{name} in {self._path} is of shape {tuple(tensor.shape)}, but config.json makes it {shape}", AGAIN
            )
        return tensor.float()

    def pair(self, name: str, outputs: int, inputs: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and biases of a linear layer, shapes (outputs, inputs) and (outputs,)."""
        return self.take(f"{name}.weight", outputs, inputs), self.take(f"{name}.bias", outputs)

    def _name(self, name: str) -> str | None:
        for alias in (name, name.removeprefix(self._body), OTHER_NAMES.get(name, name)):
            for ending, earlier in (("", ""), *EARLIER_NAMES.items()):
                if alias.endswith(ending) and (stored := alias.removesuffix(ending) + earlier) in self._files:
                    return stored
        return None


def _weights_paths(folder: Path) -> list[Path]:
    """The file of a model's weights, or its shards as their index names them."""
    if (folder / WEIGHTS).exists() or not (folder / INDEX).exists():
        return [folder / WEIGHTS]
    shard_of = read_json(folder / INDEX).get("weight_map")
    names = sorted({str(name) for name in shard_of.values()}) if isinstance(shard_of, dict) else []
    if not names or any(Path(name).name != name for name in names):
        raise StoreInvalid(f"{folder / INDEX} does not name the files of the weights", AGAIN)
    return [folder / name for name in names]


def fill(
    network: nn.Module,
    prefix: str,
    config: dict[str, Any],
    weights: WeightsReader | None,
    *,
    may_lack: bool = False,
    anew: tuple[str, ...] = (),
) -> None:
    """Fill a network with the tensors of some weights, in float32, and with random numbers from torch's generator.

    Args:
        network: made without numbers.
        prefix: begins the names of its tensors in the weights.
        config: of the model, as transformers writes it.
        weights: None for random numbers alone.
        may_lack: whether parameters that the weights lack start from random numbers.
        anew: beginnings of the names of parameters that do so in any case.

    Raises:
        StoreInvalid: tensors are missing or misshapen.
    """
    random = []
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if weights is None or name.startswith(anew) or (may_lack and not weights.has(prefix + name)):
                random.append(name)
            else:
                parameter.copy_(weights.take(prefix + name, *parameter.shape))
    _randomise(network, config, random)


def save_config(config: dict[str, Any], folder: Path) -> None:
    """Write `config.json`; the configuration names the architecture."""
    stated = {key: config[key] for key in config if not key.startswith(IGNORED_PREFIXES)} | {"dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(stated, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _randomise(network: nn.Module, config: dict[str, Any], names: list[str]) -> None:
    """Fill parameters as transformers does: biases with 0, norms with 1, all others from a normal distribution."""
    norms = tuple(name for name, module in network.named_modules() if isinstance(module, nn.LayerNorm | nn.RMSNorm))
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
