"""A model as other libraries compute it: one network of tensors, and what has to be done before and after it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

if TYPE_CHECKING:
    from zoo.runs.context import Predictor

FACTS = "model.json"
"""File of what has to be known to answer."""
Compute = Callable[..., torch.Tensor]
"""From the inputs of a network, in their order, to its output."""


class PortableInput(NamedTuple):
    """What a network is given."""

    name: str
    example: torch.Tensor
    """With at least two of whatever there may be several of."""
    dynamic: dict[int, str]
    """Names of the dimensions that may be of any size."""
    fewest: int = 0
    """The smallest size of the last of these; 0 for any."""
    most: int = 0
    """The largest, likewise."""

    @property
    def shape(self) -> list[int | str]:
        """Sizes, and names of those that may be any."""
        return [self.dynamic.get(number, size) for number, size in enumerate(self.example.shape)]


class Usage(NamedTuple):
    """Lines of Python around a network, which have numpy as `np` and the facts of the model as `facts`."""

    imports: str
    before: str
    """Make an array of each input, by its name."""
    after: str
    """Print the answer, from an array by the name of the output."""
    remark: str = ""
    """What they leave out."""


class Portable(ABC):
    """A model that is written down for other libraries."""

    module: nn.Module
    """On the CPU in float32; from the inputs, in their order, to one tensor."""
    inputs: tuple[PortableInput, ...]
    output: str = "logits"
    """Name of what comes out."""
    form: str = ""
    """What the network is given, where a folder answers by itself: `tokens` or `pixels`; empty where it does not."""

    @abstractmethod
    def predictor(self, compute: Compute, folder: Path) -> Predictor:
        """What answers with something else that computes what `module` does.

        Args:
            compute: of the file that was written.
            folder: has the facts and what else was saved; as far as these suffice, no more is used.
        """

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What has to be known to answer, in plain values."""

    @abstractmethod
    def usage(self) -> Usage:
        """How to answer without zoo."""

    def save(self, folder: Path) -> tuple[str, ...]:
        """Write what else it takes to answer, mostly nothing; returns the names of the files."""
        return ()
