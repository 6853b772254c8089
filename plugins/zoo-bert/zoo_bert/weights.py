"""Reading what a folder of weights holds: its small files, and its tensors by the names transformers gives them."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open

from zoo import StoreInvalid

AGAIN = "fetch or train the model again"
BODY = "bert."
"""Begins the names of the body's tensors, unless the body was saved alone."""
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
    """The tensors of `model.safetensors`, in float32, their shapes checked as they are taken."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "model.safetensors"
        try:
            file: Any = safe_open(self._path, framework="pt")
        except (OSError, SafetensorError) as error:
            raise StoreInvalid(f"{self._path} cannot be read: {error}", AGAIN) from error
        self._file, self._names = file, set(file.keys())

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

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
        tensor: torch.Tensor = self._file.get_tensor(there)
        if tuple(tensor.shape) != shape:
            raise StoreInvalid(
                f"{name} in {self._path} is of shape {tuple(tensor.shape)}, but config.json makes it {shape}", AGAIN
            )
        return tensor.float()

    def pair(self, name: str, outputs: int, inputs: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and biases of a linear layer, shapes (outputs, inputs) and (outputs,)."""
        return self.take(f"{name}.weight", outputs, inputs), self.take(f"{name}.bias", outputs)

    def _name(self, name: str) -> str | None:
        for known in (name, name.removeprefix(BODY), OTHER_NAMES.get(name, name)):
            for ending, earlier in (("", ""), *EARLIER_NAMES.items()):
                if known.endswith(ending) and (found := known.removesuffix(ending) + earlier) in self._names:
                    return found
        return None
