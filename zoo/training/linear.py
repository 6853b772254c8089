"""Linear layers that are computed by oneDNN where torch would leave a processor's wide vectors unused."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class Linear(nn.Linear):
    """`torch.nn.Linear`, computed by `linear`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(..., inputs) to (..., outputs)."""
        return linear(input, self.weight, self.bias)


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """`torch.nn.functional.linear`, up to rounding, by whichever library is faster.

    In float32 torch calls MKL, which computes with half of the vector width on processors that are not Intel's; oneDNN
    uses all of it, and is asked wherever vectors have 512 bits. The other types go to oneDNN already.

    Args:
        x: shape (..., inputs).
        weight: shape (outputs, inputs).
        bias: shape (outputs,).

    Returns:
        Shape (..., outputs).
    """
    if not (onednn_is_faster(x) and x.numel() and _plain(x, weight, bias)):
        return functional.linear(x, weight, bias)
    rows, weight = x.reshape(-1, x.shape[-1]).contiguous(), weight.contiguous()
    bias = None if bias is None else bias.contiguous()
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, weight, bias)):
        product: torch.Tensor = _Product.apply(rows, weight, bias)
    else:
        product = _product(rows, weight, bias)
    return product.view(*x.shape[:-1], -1)


def onednn_is_faster(tensor: torch.Tensor) -> bool:
    """Whether oneDNN, called by `torch.ops.mkldnn._linear_pointwise`, multiplies matrices faster than torch would.

    What is written down for other libraries is never computed so: they know torch's own operations alone.

    In bfloat16 that takes weights laid out by `torch.ops.mkldnn._reorder_linear_weight`; in float32 they help, too.

    Args:
        tensor: any of the device and type in question.
    """
    return tensor.is_cpu and not torch.compiler.is_exporting() and _fast_in(tensor.dtype)


@cache
def _fast_in(dtype: torch.dtype) -> bool:
    """Whether there are vectors of 512 bits that compute in a type, and the operation that uses them."""
    has_onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not (has_onednn and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        return False
    needed = {torch.float32: "avx512_f", torch.bfloat16: "avx512_bf16"}.get(dtype, "")
    return bool(torch.cpu.get_capabilities().get(needed, False))


def _plain(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
    """Whether it is the usual case: float32 throughout, of the usual shapes, and nobody transforms what is computed."""
    tensors = (x, weight) if bias is None else (x, weight, bias)
    usual = weight.ndim == 2 and (bias is None or bias.shape == weight.shape[:1])
    in_float32 = all(tensor.dtype == torch.float32 for tensor in tensors) and not torch.is_autocast_enabled("cpu")
    return usual and in_float32 and not torch._C._are_functorch_transforms_active()


def _product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """(rows, inputs) times (outputs, inputs) transposed, to (rows, outputs).

    Both lie in memory without gaps, row by row or column by column; for others oneDNN takes a thousand times as long.
    """
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


class _Product(torch.autograd.Function):
    """The same with gradients."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        of_x, of_weight, of_bias = ctx.needs_input_grad
        product = linear if torch.is_grad_enabled() else _product  # with gradients: somebody asks for second ones
        return (
            product(gradient, weight.t(), None) if of_x else None,
            product(gradient.t(), x.t(), None) if of_weight else None,
            gradient.sum(0) if of_bias else None,
        )
