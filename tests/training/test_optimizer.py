"""The optimizer is torch's fused AdamW, without what torch imports for its own."""

from __future__ import annotations

import torch
from torch import nn

from zoo.training.optimizer import make_optimizer


def trained(module: nn.Sequential, optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    inputs = torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(7))
    for step, batch in enumerate(inputs):
        loss = module[1:](batch).square().sum() if step == 0 else module(batch).square().sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return [parameter.detach() for parameter in module.parameters()]


def module() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3), nn.Linear(3, 2))


def test_it_moves_as_torchs_own_does() -> None:
    ours, theirs = module(), module()
    by_dimension = [
        {"params": [p for p in theirs.parameters() if p.ndim >= 2], "weight_decay": 0.1},
        {"params": [p for p in theirs.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    expected = trained(theirs, torch.optim.AdamW(by_dimension, lr=0.01, fused=True))
    assert all(torch.equal(a, b) for a, b in zip(expected, trained(ours, make_optimizer(ours, 0.01, 0.1)), strict=True))


def test_only_what_is_trained_is_moved() -> None:
    frozen = module()
    frozen[0].requires_grad_(False)
    before = frozen[0].weight.clone()
    trained(frozen, make_optimizer(frozen, 0.01, 0.1))
    assert torch.equal(before, frozen[0].weight)
