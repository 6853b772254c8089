"""Weights in half precision beside those that are trained, so that autocast has none to cast in each step.

A network is trained in float32: its optimizer moves such weights, checkpoints and results hold them. Autocast makes
copies of them in each forward pass, and brings the gradients of the copies back, with a kernel for each tensor. Here
all copies are brought up to date at once when a step begins, and the network sees them in the places of the weights
while it computes; their gradients are then added to those of the weights, all at once. The values are those of
autocast to the bit, but for the order in which some sums of three are added up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from zoo.training.precisions import DTYPES

if TYPE_CHECKING:
    from accelerate.accelerator import Accelerator

ADDED_AT_ONCE = 2**25
"""Numbers of gradients that are added at once: their float32 copies are in memory meanwhile."""


def copies_pay(device: torch.device) -> bool:
    """Whether launching kernels takes a device longer than computing them."""
    return device.type != "cpu"


def working_weights_of(module: nn.Module, accelerator: Accelerator) -> WorkingWeights | None:
    """Those of a network that is in place; None where autocast has no weights to cast, or is left to do so.

    As for several processes: they average gradients while these are computed, in the type of what they belong to.
    """
    dtype = DTYPES.get(accelerator.mixed_precision, torch.float32)
    if dtype == torch.float32 or accelerator.num_processes > 1 or not copies_pay(accelerator.device):
        return None
    return WorkingWeights(module, dtype)


class _Place(NamedTuple):
    """Where a network has a weight."""

    parameters: dict[str, nn.Parameter | None]
    """Of the layer, by name."""
    name: str
    weight: nn.Parameter


class WorkingWeights:
    """Copies of those weights that autocast casts whenever they are used.

    Which these are is seen while a network computes for the first time: what it also uses in float32, or in a part of
    it without autocast, stays as it is.

    Args:
        module: what is trained, on its device.
        dtype: of the copies.
    """

    def __init__(self, module: nn.Module, dtype: torch.dtype) -> None:
        self._module, self._dtype = module, dtype
        self._copies: dict[nn.Parameter, nn.Parameter] = {}
        self._places: list[_Place] = []
        self._uses = _Uses(dtype)
        self._seen: set[int] = set()

    @torch.no_grad()
    def refresh(self) -> None:
        """Let the copies be of the weights as they are now."""
        if self._copies:
            torch._foreach_copy_(list(self._copies.values()), list(self._copies))

    @contextlib.contextmanager
    def computing(self, network: int) -> Iterator[None]:
        """Let a network compute with the copies, forward and backward.

        Args:
            network: which of those within the module: the first time, it is watched.
        """
        if network not in self._seen:
            with self._uses:
                yield
            self._seen.add(network)
            self._make_copies()
            return
        try:
            for parameters, name, weight in self._places:
                parameters[name] = self._copies[weight]
            yield
            self._add_gradients()
        finally:
            for parameters, name, weight in self._places:
                parameters[name] = weight
            for copy in self._copies.values():
                copy.grad = None

    def _make_copies(self) -> None:
        """Of what was cast, and used in no other way, by all networks so far."""
        cast = self._uses.cast - self._uses.plain
        self._places = [
            _Place(layer._parameters, name, weight)
            for layer in self._module.modules()
            for name, weight in layer._parameters.items()
            if weight is not None and weight.requires_grad and weight in cast
        ]
        before, self._copies = self._copies, {}
        for _, _, weight in self._places:
            copy = before[weight] if weight in before else nn.Parameter(weight.detach().to(self._dtype))
            self._copies[weight] = copy

    @torch.no_grad()
    def _add_gradients(self) -> None:
        """Add the gradients of the copies to those of the weights."""
        pairs = [(weight, copy.grad) for weight, copy in self._copies.items() if copy.grad is not None]
        for some in _portions(pairs):
            gradients = [torch.empty_like(weight) for weight, _ in some]
            torch._foreach_copy_(gradients, [gradient for _, gradient in some])
            there = []
            for (weight, _), gradient in zip(some, gradients, strict=True):
                if weight.grad is None:
                    weight.grad = gradient
                else:
                    there.append((weight.grad, gradient))
            if there:
                torch._foreach_add_([grad for grad, _ in there], [gradient for _, gradient in there])


def _portions(
    pairs: Sequence[tuple[nn.Parameter, torch.Tensor]],
) -> Iterator[list[tuple[nn.Parameter, torch.Tensor]]]:
    """Weights and their gradients, as many at once as may be in memory twice."""
    portion: list[tuple[nn.Parameter, torch.Tensor]] = []
    numbers = 0
    for weight, gradient in pairs:
        if portion and numbers + gradient.numel() > ADDED_AT_ONCE:
            yield portion
            portion, numbers = [], 0
        portion.append((weight, gradient))
        numbers += gradient.numel()
    if portion:
        yield portion


class _Uses(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes how parameters are used: cast to a type, or in any other way."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._dtype = dtype
        self.cast: set[nn.Parameter] = set()
        self.plain: set[nn.Parameter] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        is_cast = func is torch.ops.aten._to_copy.default and kwargs.get("dtype") is self._dtype
        used = {each for each in tree_leaves((args, kwargs)) if isinstance(each, nn.Parameter)}
        (self.cast if is_cast else self.plain).update(used)
        return func(*args, **kwargs)
