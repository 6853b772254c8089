"""Networks that only answer: batch norms are fixed by then, and folded into the convolutions before them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.fx.experimental.optimization import fuse


def fold_blocks(network: nn.Module, names: Iterable[str]) -> None:
    """Put the folded form in the place of each of some modules, which stay modules of the network.

    Args:
        network: answers from now on.
        names: of its modules.
    """
    network.eval()
    for name in names:
        block = network.get_submodule(name)
        if any(block.children()):
            network.set_submodule(name, folded(block))


def folded(network: nn.Module) -> nn.Module:
    """The same network with fewer steps (Jacob et al. 2018, arXiv:1712.05877, section 3.2), channels last."""
    fused: nn.Module = fuse(network.eval())
    return fused.to(memory_format=torch.channels_last)
