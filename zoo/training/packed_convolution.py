"""Layers of any network in 8 bits, for predicting: weights are quantised once, inputs each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import nn

from zoo.errors import Unsupported
from zoo.training.linear import Linear
from zoo.training.packed_linear import LinearFactory, levels_here, quantized_inputs, quantized_rows


class QuantizedConvolution:
    """One convolution with int8 weights, a scale for each output channel (Jacob et al. 2018, arXiv:1712.05877).

    Inputs become 8 bits with one scale for the whole batch, the range of which is found anew each time.

    Args:
        weight: shape (outputs, inputs, height, width).
        bias: shape (outputs,).
        stride: likewise the next two as `torch.nn.functional.conv2d` has them, but pairs.
        padding: as numbers.
        dilation: as numbers.
    """

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
    ) -> None:
        if not hasattr(torch.ops.onednn, "qconv_pointwise"):
            raise Unsupported("int8 is not computed on this machine", "use --precision auto")
        integers, self._scales = quantized_rows(weight)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias, self._geometry = bias, (list(stride), list(padding), list(dilation), 1)
        # The scale and the zero of inputs are known later: that they are neither 1 nor 0 is all that is asked here.
        self._packed = torch.ops.onednn.qconv_prepack(integers, self._scales, 0.5, 1, *self._geometry, None)
        self._levels = levels_here()

    def __call__(self, x: torch.Tensor, activation: str = "none") -> torch.Tensor:
        """From (batch, inputs, height, width) to (batch, outputs, height, width), float32, channels last."""
        by_pixel = x.permute(0, 2, 3, 1).contiguous()  # as channels last lie in memory: nothing is copied
        integers, scale, zero = quantized_inputs(by_pixel, self._levels)
        integers = integers.permute(0, 3, 1, 2)
        compute: Callable[..., torch.Tensor] = torch.ops.onednn.qconv_pointwise
        weights = (self._packed, self._scales, self._zeros, self._bias)
        return compute(integers, scale, zero, *weights, *self._geometry, 1.0, 0, torch.float32, activation, [None], "")


class _Convolution(nn.Module):
    """In the place of a `torch.nn.Conv2d`."""

    def __init__(self, like: nn.Conv2d) -> None:
        super().__init__()
        assert not isinstance(like.padding, str)
        bias = torch.zeros(like.out_channels) if like.bias is None else like.bias.detach()
        self.bias = nn.Parameter(bias, requires_grad=False)
        self._compute = QuantizedConvolution(like.weight.detach(), bias, like.stride, like.padding, like.dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As that does."""
        return self._compute(x)


class _Linear(nn.Module):
    """In the place of a `torch.nn.Linear`."""

    def __init__(self, like: nn.Linear) -> None:
        super().__init__()
        bias = torch.zeros(like.out_features) if like.bias is None else like.bias.detach()
        self.bias = nn.Parameter(bias, requires_grad=False)
        self._inputs = like.in_features
        self._compute = LinearFactory(torch.device("cpu"), "int8")(like.weight.detach(), bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As that does."""
        return self._compute(x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], -1)

    @cached_property
    def weight(self) -> torch.Tensor:
        """What it multiplies with, in float32, for networks that do so themselves: Swin and BEIT hand it to a function.

        It is what comes of the rows of the unit matrix, which are exact in 8 bits; the integers are kept nowhere else.
        """
        return (self._compute(torch.eye(self._inputs)) - self.bias).T.contiguous()


_QUANTIZED: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    nn.Conv2d: _Convolution,
    nn.Linear: _Linear,
    Linear: _Linear,
}
"""Layers by their very class: what is derived of one may compute something else with its weights."""


def quantized(network: nn.Module) -> nn.Module:
    """The same network with its convolutions and linear layers in 8 bits; those in groups stay, which gain nothing.

    Args:
        network: on the CPU, in float32; answers from now on. What follows convolutions is folded into them already.
    """
    for name, layer in list(network.named_modules()):
        make = _QUANTIZED.get(type(layer))
        if make is None or not name or getattr(layer, "groups", 1) != 1 or _is_reflected(layer):
            continue
        network.set_submodule(name, make(layer))
    return network


def _is_reflected(layer: nn.Module) -> bool:
    """Whether a convolution pads with anything but zeros, or with as many as it takes."""
    return getattr(layer, "padding_mode", "zeros") != "zeros" or isinstance(getattr(layer, "padding", 0), str)
