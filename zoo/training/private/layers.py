"""The clipped sum of the gradients of examples without any of these, layer by layer.

The gradient of a linear layer is a product of what went in and of the gradient of what came out; the norm of that of
each example follows from their inner products (Li et al. 2022, arXiv:2110.05679, section 4), and so does the sum (Bu et
al. 2023, arXiv:2210.00038). Norms and sum are made of the same pieces: no example does more than the clip, even where a
use of a parameter was overlooked, as that is missing from both. That none was is found out with a few rows, see
`zoo.training.private.trial`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from zoo.errors import Unsupported
from zoo.plurals import with_article
from zoo.training import arithmetic
from zoo.training.objective import Batch, Objective, output_of
from zoo.training.private.gradients import clipping_factors, trained


class Unfit(Unsupported):
    """A network's gradients are not added up so.

    Args:
        reason: why.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"gradients cannot be shortened layer by layer: {reason}", "use a smaller --micro-batch-size")


class Part(ABC):
    """The gradients of a parameter, one for each example."""

    @abstractmethod
    def squares(self) -> torch.Tensor:
        """Their squared L2 norms, shape (batch,)."""

    @abstractmethod
    def weighted_sum(self, factors: torch.Tensor) -> torch.Tensor:
        """In the shape of the parameter; an example whose factor is 0 may have any numbers.

        Args:
            factors: of each example, shape (batch,).
        """

    @property
    def bytes_for_squares(self) -> int:
        """What an example needs for them."""
        return 0

    def check(self) -> None:  # noqa: B027  (most have nothing to insist on)
        """Insist that it can be added up; a device is waited for.

        Raises:
            Unfit: it cannot.
        """


class Small(Part):
    """They are so small that each is made.

    Args:
        gradients: shape (batch, *shape of the parameter).
    """

    def __init__(self, gradients: torch.Tensor) -> None:
        self._gradients = gradients

    def squares(self) -> torch.Tensor:
        """As they are."""
        return self._gradients.flatten(1).square().sum(1)

    def weighted_sum(self, factors: torch.Tensor) -> torch.Tensor:
        """As they are."""
        total: torch.Tensor = torch.tensordot(factors, _finite(self._gradients, factors), dims=1)
        return total


class Product(Part):
    """Of a matrix that vectors are multiplied by.

    Args:
        inputs: shape (batch, vectors, inputs).
        gradients: of what came out, shape (batch, vectors, outputs).
    """

    def __init__(self, inputs: torch.Tensor, gradients: torch.Tensor) -> None:
        self._inputs, self._gradients = inputs, gradients
        vectors, size = inputs.shape[1], inputs.shape[-1] * gradients.shape[-1]
        self._by_inner_products = 2 * vectors**2 < size
        self._numbers = min(2 * vectors**2, size)

    def squares(self) -> torch.Tensor:
        """By inner products of vectors where these are fewer than the numbers of the matrix."""
        inputs, gradients = self._inputs.float(), self._gradients.float()
        if self._by_inner_products:
            return ((inputs @ inputs.mT) * (gradients @ gradients.mT)).sum((1, 2))
        return (gradients.mT @ inputs).square().sum((1, 2))

    def weighted_sum(self, factors: torch.Tensor) -> torch.Tensor:
        """One product of all vectors."""
        scaled = _finite(self._gradients.float(), factors) * factors[:, None, None]
        return scaled.flatten(0, 1).mT @ _finite(self._inputs.float(), factors).flatten(0, 1)

    @property
    def bytes_for_squares(self) -> int:
        """In float32."""
        return 4 * self._numbers


class Lookup(Part):
    """Of a table whose rows are looked up.

    Args:
        rows: which, shape (batch, vectors).
        gradients: of what came out, shape (batch, vectors, width); 0 where nothing is learnt.
        count: rows of the table.
    """

    def __init__(self, rows: torch.Tensor, gradients: torch.Tensor, count: int) -> None:
        self._rows, self._gradients, self._count = rows, gradients, count

    def squares(self) -> torch.Tensor:
        """What is looked up several times has the sum of several gradients."""
        gradients = self._gradients.float()
        same = self._rows[:, :, None] == self._rows[:, None, :]
        return torch.where(same, gradients @ gradients.mT, 0.0).sum((1, 2))

    def weighted_sum(self, factors: torch.Tensor) -> torch.Tensor:
        """Shape (count, width)."""
        scaled = _finite(self._gradients.float(), factors) * factors[:, None, None]
        table = scaled.new_zeros(self._count, scaled.shape[-1])
        return table.index_add_(0, self._rows.flatten(), scaled.flatten(0, 1))

    @property
    def bytes_for_squares(self) -> int:
        """In float32."""
        return 8 * self._rows.shape[1] ** 2

    def check(self) -> None:
        """Insist on rows that the table has: a layer may look up others than it is asked for."""
        if self._rows.numel() and not 0 <= int(self._rows.min()) <= int(self._rows.max()) < self._count:
            raise Unfit("an embedding looks up others than it is asked for")


def _finite(tensor: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """With zeros for the examples whose factor is 0: what is not finite stays so whatever it is multiplied by."""
    return torch.where(factors.view(-1, *[1] * (tensor.ndim - 1)) > 0, tensor, 0.0)


Parts = Mapping[str, Part]
"""By the name of the parameter."""


def _of_linear(layer: Any, inputs: torch.Tensor, gradients: torch.Tensor) -> Parts:
    inputs, gradients = _as_vectors(inputs), _as_vectors(gradients)
    return {"weight": Product(inputs, gradients), "bias": Small(gradients.float().sum(1))}


def _of_embedding(layer: Any, inputs: torch.Tensor, gradients: torch.Tensor) -> Parts:
    if layer.max_norm is not None or layer.scale_grad_by_freq or layer.sparse:
        raise Unfit("an embedding is scaled")
    rows, gradients = inputs.reshape(len(inputs), -1), _as_vectors(gradients)
    if rows.shape != gradients.shape[:2]:
        raise Unfit("an embedding looks up others than it is asked for")
    if layer.padding_idx is not None:
        gradients = torch.where((rows == layer.padding_idx)[:, :, None], 0.0, gradients)
    return {"weight": Lookup(rows, gradients, layer.num_embeddings)}


def _of_layer_norm(layer: Any, inputs: torch.Tensor, gradients: torch.Tensor) -> Parts:
    shape = layer.normalized_shape
    normalised = functional.layer_norm(inputs.float(), shape, eps=layer.eps)
    both = {"weight": gradients.float() * normalised, "bias": gradients.float()}
    return {name: Small(one.reshape(len(one), -1, *shape).sum(1)) for name, one in both.items()}


def _as_vectors(tensor: torch.Tensor) -> torch.Tensor:
    """(batch, ..., width) to (batch, vectors, width)."""
    return tensor.reshape(len(tensor), -1, tensor.shape[-1])


_KNOWN: dict[type[nn.Module], Callable[[Any, torch.Tensor, torch.Tensor], Parts]] = {
    nn.Linear: _of_linear,
    nn.Embedding: _of_embedding,
    nn.LayerNorm: _of_layer_norm,
}


class _Pass(NamedTuple):
    """What a layer did to a batch."""

    layer: nn.Module
    inputs: torch.Tensor
    outputs: torch.Tensor
    version: int
    """Of the outputs, when they came out."""


class LayerByLayer:
    """Computes the parts of the gradients of the examples of a batch, each of which is a unit.

    Args:
        objective: has the losses.
        module: is trained.
    """

    def __init__(self, objective: Objective[Any], module: nn.Module) -> None:
        self._objective, self._module = objective, module

    def __call__(self, batch: Batch, weights: torch.Tensor) -> tuple[torch.Tensor, Parts, int]:
        """Compute them.

        Args:
            batch: as made by `Objective.collate`, on the device.
            weights: of each example in the loss, shape (batch,).

        Returns:
            The loss of each example, shape (batch,); the parts; and the bytes that they take for an example.

        Raises:
            Unfit: a layer that learns is not one of those whose gradients are known.
        """
        names = _learning(self._module)
        with torch.enable_grad():
            with _passes(names, len(weights)) as passes:
                losses = output_of(self._objective, self._module, batch, len(weights)).losses.float() * weights
            _check_as_they_came(passes)
            outputs = [one.outputs for one in passes]
            gradients = torch.autograd.grad(losses.sum(), outputs, allow_unused=True) if outputs else ()
        parts: dict[str, Part] = {}
        held = 0
        for one, gradient in zip(passes, gradients, strict=True):
            if gradient is None:
                continue
            held += gradient[0].nbytes
            made = _rule(one.layer)(one.layer, one.inputs.detach(), gradient)
            parts |= {name: made[own] for own, name in names[one.layer].items()}
        return losses.detach(), parts, held + max((part.bytes_for_squares for part in parts.values()), default=0)


def clipped_sum_of_parts(parts: Parts, module: nn.Module, clip: float) -> dict[str, torch.Tensor]:
    """Shorten the gradient of each example, over all parameters, to a norm, and add them up.

    As `zoo.training.private.gradients.clipped_sum` does. Outside of autocasting, which would round squares; these are
    products here, whose terms cancel, so they are not rounded to TF32 either.

    Args:
        parts: of the gradients.
        module: is trained.
        clip: largest L2 norm.

    Returns:
        By name, in the shape of the parameter; of those that nothing was computed with, there is none.
    """
    if not parts:
        return {}
    parameters = trained(module)
    with arithmetic.products(parameters[next(iter(parts))].device, exact=True):
        squares = torch.stack([part.squares() for part in parts.values()]).sum(0)
    factors = clipping_factors(squares.clamp(min=0.0).sqrt(), clip)  # rounding may leave less than nothing
    return {name: part.weighted_sum(factors).to(parameters[name].dtype) for name, part in parts.items()}


def _learning(module: nn.Module) -> dict[nn.Module, dict[str, str]]:
    """The layers with parameters that are trained, and the whole names of these by those in the layer.

    Raises:
        Unfit: one of them has others, or they share one.
    """
    layers: dict[nn.Module, dict[str, str]] = {}
    for prefix, layer in module.named_modules():
        own = {name: parameter for name, parameter in layer.named_parameters(recurse=False) if parameter.requires_grad}
        if own:
            _rule(layer)
            layers[layer] = {name: f"{prefix}.{name}".lstrip(".") for name in own}
    if sum(map(len, layers.values())) != len(trained(module)):
        raise Unfit("layers share their parameters")
    return layers


def _rule(layer: nn.Module) -> Callable[[Any, torch.Tensor, torch.Tensor], Parts]:
    """How the gradients of a layer come about.

    Raises:
        Unfit: it is no such layer.
    """
    rule = next((rule for known, rule in _KNOWN.items() if isinstance(layer, known)), None)
    if rule is None:
        raise Unfit(f"it learns {type(layer).__name__}")
    return rule


def _check_as_they_came(passes: Sequence[_Pass]) -> None:
    """Insist on outputs that nobody wrote into: their gradients are those of something else then.

    Raises:
        Unfit: somebody did, such as a dropout in place.
    """
    for one in passes:
        if one.outputs._version != one.version:
            raise Unfit(f"what {with_article(type(one.layer).__name__)} computes is overwritten")


@contextmanager
def _passes(layers: Mapping[nn.Module, Any], count: int) -> Iterator[list[_Pass]]:
    """Record what layers do to a batch.

    Args:
        layers: which.
        count: examples of the batch.

    Raises:
        Unfit: one of them does it several times, or not to each example.
    """
    passes: list[_Pass] = []

    def record(layer: nn.Module, arguments: tuple[Any, ...], outputs: Any) -> None:
        if not outputs.requires_grad:
            return
        if any(one.layer is layer for one in passes):
            raise Unfit(f"{with_article(type(layer).__name__)} computes several times")
        if len(arguments) != 1 or not len(arguments[0]) == len(outputs) == count or outputs.ndim < 2:
            raise Unfit(f"{with_article(type(layer).__name__)} does not compute each example by itself")
        passes.append(_Pass(layer, arguments[0], outputs, outputs._version))

    handles = [layer.register_forward_hook(record) for layer in layers]
    try:
        yield passes
    finally:
        for handle in handles:
            handle.remove()
