"""AdamW, in torch's fused kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from zoo.training.sharding import local

BETAS = (0.9, 0.999)
EPS = 1e-8
FAST = 100.0
"""What the learning rate of a few single numbers is multiplied by: one that is right for a network would hardly move
them in a few hundred steps."""


class AdamW(torch.optim.Optimizer):
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), to the bit that of `torch.optim.AdamW(fused=True)`.

    It is here because the methods of torch's own that are overridden below import `torch._dynamo` when they are first
    called: three seconds of a training's start, for a compiler that is not used.
    """

    _step_supports_amp_scaling = True
    """As `torch.amp.GradScaler` asks: it sets `found_inf` rather than reading it."""
    found_inf: torch.Tensor | None = None
    """Float of shape (), on the device of the parameters: where it is 1, the next step moves nothing."""
    grad_scale: torch.Tensor | None = None
    """What gradients are divided by in the next step, likewise."""

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float) -> None:
        super().__init__(groups, {"lr": lr, "lr_scale": 1.0, "weight_decay": 0.0})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take in parameters, with a `weight_decay` of their own."""
        self.param_groups.append(self.defaults | param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or let them be zero where they are."""
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        if not set_to_none:
            torch._foreach_zero_([parameter.grad for parameter in parameters if parameter.grad is not None])
            return
        for parameter in parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the parameters that have a gradient; of those that are divided, what this process has."""
        assert closure is None
        for group in self.param_groups:
            gradients = [(parameter, parameter.grad) for parameter in group["params"] if parameter.grad is not None]
            pairs = [(parameter, part) for parameter, gradient in gradients if (part := local(gradient)).numel()]
            if pairs:
                self._move(pairs, lr=group["lr"], weight_decay=group["weight_decay"])

    def _move(self, pairs: list[tuple[torch.Tensor, torch.Tensor]], *, lr: float, weight_decay: float) -> None:
        """Update parameters by their gradients."""
        states = [self._state_of(parameter) for parameter, _ in pairs]
        counts = [state["step"] for state in states]
        torch._foreach_add_(counts, 1)
        torch._fused_adamw_(
            [local(parameter) for parameter, _ in pairs],
            [gradient for _, gradient in pairs],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            counts,
            lr=lr,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=weight_decay,
            eps=EPS,
            amsgrad=False,
            maximize=False,
            grad_scale=self.grad_scale,
            found_inf=self.found_inf,
        )
        if self.found_inf is not None:
            torch._foreach_sub_(counts, [self.found_inf] * len(counts))

    def _state_of(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        """Steps done and moments; those of a parameter that never moved are zero."""
        state: dict[str, torch.Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            for moment in ("exp_avg", "exp_avg_sq"):
                state[moment] = torch.zeros_like(local(parameter), memory_format=torch.preserve_format)
        return state


def make_optimizer(module: nn.Module, lr: float, weight_decay: float, fast: Sequence[nn.Parameter] = ()) -> AdamW:
    """AdamW over what is trained; biases and norms (one dimension) do not decay.

    Each group has as `lr_scale` what its learning rate is multiplied by.

    Args:
        module: what is trained.
        lr: learning rate.
        weight_decay: of matrices.
        fast: parameters that are to move faster than those of a network, and do not decay.
    """
    apart = set(fast)
    trained = [p for p in module.parameters() if p.requires_grad and p not in apart]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2]},
    ]
    if fast:
        groups.append({"params": list(fast), "lr_scale": FAST})
    return AdamW(groups, lr=lr)
