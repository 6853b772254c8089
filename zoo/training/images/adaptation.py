"""Which layers of an image network low-rank adapters can stand beside."""

from __future__ import annotations

from torch import nn


def adaptable_layers(module: nn.Module) -> tuple[str, ...]:
    """Names of the layers that LoRA can adapt: linear ones, and convolutions over all channels.

    Attention of torch's own reads the weights of its layers past their modules, so that nothing within it would learn.
    """
    within = [name for name, one in module.named_modules() if isinstance(one, nn.MultiheadAttention)]
    return tuple(
        name
        for name, one in module.named_modules()
        if (isinstance(one, nn.Linear) or (isinstance(one, nn.Conv2d) and one.groups == 1))
        and not any(name.startswith(f"{attention}.") for attention in within)
    )
