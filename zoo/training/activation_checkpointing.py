"""Activation checkpointing: layers keep what they were given, and are computed again for their gradients.

Chen et al. 2016 (arXiv:1604.06174); transformers calls it gradient checkpointing. Memory for about one more forward
pass: random draws are repeated, and batch norms count a batch once, so the result is that without it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, cast

import torch
from torch import nn

from zoo.errors import Unsupported

_CONTAINERS = (nn.ModuleList, nn.Sequential, nn.ModuleDict)


def repeated_layers(module: nn.Module) -> list[nn.Module]:
    """The layers of a network that follow one another: whatever stands in a container with others of its class.

    Layers that consist of nothing smaller, such as a single product, are none: what they are given is most of what they
    keep. Of layers within layers the outer ones are meant; a container within a container is none itself.
    """
    layers: list[nn.Module] = []
    children = list(module.children())
    classes = Counter(type(child) for child in children if isinstance(module, _CONTAINERS))
    for child in children:
        is_layer = not isinstance(child, _CONTAINERS) and next(child.children(), None) is not None
        layers += [child] if is_layer and classes[type(child)] > 1 else repeated_layers(child)
    return layers


def checkpoint_activations(layers: Iterable[nn.Module]) -> None:
    """Let layers keep their inputs alone until their gradients are computed; in place.

    Raises:
        Unsupported: there are none.
    """
    layers = list(dict.fromkeys(layers))
    if not layers:
        raise Unsupported(
            "this model has no layers that follow one another, so --activation-checkpointing cannot be used",
            "use a smaller --micro-batch-size; the result stays the same",
        )
    for layer in layers:
        layer.__class__ = _checkpointed(type(layer))  # type: ignore[arg-type]  # mypy takes classes for their members


@cache
def _checkpointed(layer_class: type[nn.Module]) -> type[nn.Module]:
    """The same class, computed again for the gradients; a copy of a layer calls itself, as it would not if the layer
    had a function of its own in the place of its method.
    """

    class Checkpointed(layer_class):  # type: ignore[valid-type, misc]
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            """What the layer computes."""
            if not torch.is_grad_enabled():
                return super().forward(*args, **kwargs)
            from torch.utils.checkpoint import checkpoint  # the first call takes seconds: it imports torch's compiler

            return checkpoint(
                super().forward,
                *(list(value) if isinstance(value, list) else value for value in args),  # the caller may add to it
                use_reentrant=False,
                context_fn=lambda: (contextlib.nullcontext(), _again(self, _random_state(self))),
                **kwargs,
            )

    Checkpointed.__name__, Checkpointed.__qualname__ = layer_class.__name__, layer_class.__qualname__
    Checkpointed.__module__ = layer_class.__module__
    return cast("type[nn.Module]", Checkpointed)


def _random_state(layer: nn.Module) -> torch.Tensor | None:
    """Where the generator of Apple's devices stands, whose draws torch does not repeat as it does those of others."""
    first = next(layer.parameters(), None)
    return torch.mps.get_rng_state() if first is not None and first.device.type == "mps" else None


@contextlib.contextmanager
def _again(layer: nn.Module, state: torch.Tensor | None) -> Iterator[None]:
    """Compute a layer a second time: what it draws is the same, and what it notes down goes nowhere."""
    now = None if state is None else torch.mps.get_rng_state()
    if state is not None:
        torch.mps.set_rng_state(state)
    try:
        with _counted_already(layer):
            yield
    finally:
        if now is not None:
            torch.mps.set_rng_state(now)


@contextlib.contextmanager
def _counted_already(layer: nn.Module) -> Iterator[None]:
    """Let what a layer notes down of each batch, as batch norms do, go nowhere: the batch is noted down already."""
    noted = [(module, dict(module._buffers)) for module in layer.modules() if module.training and module._buffers]
    for module, buffers in noted:
        module._buffers.update({name: None if one is None else one.clone() for name, one in buffers.items()})
    try:
        yield
    finally:
        for module, buffers in noted:
            module._buffers.update(buffers)
