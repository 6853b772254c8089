"""Linear layers for predicting, in each precision: weights are laid out or quantised once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from zoo.errors import Unsupported
from zoo.training.linear import onednn_is_faster
from zoo.training.precisions import DTYPES

Linear = Callable[[torch.Tensor], torch.Tensor]
"""(rows, inputs) to (rows, outputs)."""
Table = Callable[[torch.Tensor], torch.Tensor]
"""(...) numbers of rows to (..., width)."""


@dataclass(frozen=True)
class Activation:
    """What may follow a linear layer."""

    in_place: Callable[[torch.Tensor], torch.Tensor]
    """Computes it after the layer, in the memory of its argument."""
    name: str
    """As oneDNN calls it, which computes it together with the layer."""
    algorithm: str = ""
    """Which of several ways, likewise."""


_GELU_TANH = Activation(lambda x: torch.ops.aten.gelu_(x, approximate="tanh"), "gelu", "tanh")
ACTIVATIONS = {
    "gelu": Activation(torch.ops.aten.gelu_, "gelu", "none"),
    "gelu_new": _GELU_TANH,
    "gelu_pytorch_tanh": _GELU_TANH,
    "relu": Activation(torch.relu_, "relu"),
}
"""By their names in config.json."""
IDENTITY = Activation(lambda x: x, "none")
ROWS = 64
"""Numbers of tokens are rounded up to a multiple of it, since oneDNN compiles its kernels anew for each other number of
rows; and weights are laid out for so many, unless a factory is told otherwise."""
PART = 1024
"""Rows that are quantised at once."""
LEVELS, LEVELS_WITHOUT_VNNI = 254, 127
"""Steps from the smallest to the largest input of a layer. Processors without VNNI add pairs of products in 16 bits,
which overflow sooner."""


class LinearFactory:
    """Makes linear layers for one device and precision.

    Args:
        device: where they compute.
        precision: in which.
        rows: how many are mostly computed at once, for which weights are laid out.
    """

    def __init__(self, device: torch.device, precision: str, rows: int = ROWS) -> None:
        self._device, self._dtype, self._rows = device, DTYPES[precision], rows
        self._quantized = precision == "int8"
        if self._quantized:
            _check_kernels(device)

    def __call__(
        self, weight: torch.Tensor, bias: torch.Tensor | None = None, activation: Activation = IDENTITY
    ) -> Linear:
        """A layer of weights of shape (outputs, inputs) and, if it has any, biases of shape (outputs,)."""
        return _quantized(weight, bias, activation) if self._quantized else self.plain(weight, bias, activation)

    def plain(
        self, weight: torch.Tensor, bias: torch.Tensor | None = None, activation: Activation = IDENTITY
    ) -> Linear:
        """The same, never quantised."""
        weight, bias = self.placed(weight).contiguous(), None if bias is None else self.placed(bias)
        if onednn_is_faster(weight):
            return _packed(weight, bias, activation, self._rows)
        return lambda x: activation.in_place(functional.linear(x, weight, bias))

    def table(self, weight: torch.Tensor) -> Table:
        """What looks up the rows of a table; in 8 bits it keeps integers, with a scale for each row."""
        if not self._quantized:
            placed = self.placed(weight)
            return lambda ids: functional.embedding(ids, placed)
        integers, scales = quantized_rows(weight)
        return lambda ids: functional.embedding(ids, integers).float().mul_(scales[ids].unsqueeze(-1))

    def placed(self, tensor: torch.Tensor) -> torch.Tensor:
        """On the device, in the type that is computed with."""
        return tensor.to(device=self._device, dtype=self._dtype)


def _check_kernels(device: torch.device) -> None:
    """Raise Unsupported where torch has no integer kernels."""
    if device.type != "cpu" or not hasattr(torch.ops.onednn, "qlinear_pointwise"):
        raise Unsupported(f"int8 is not computed on this {device}", "use --precision auto")


def _packed(weight: torch.Tensor, bias: torch.Tensor | None, activation: Activation, rows: int) -> Linear:
    """With the weights laid out once as oneDNN reads them, which it would otherwise do at each call."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    product: Callable[..., torch.Tensor] = torch.ops.mkldnn._linear_pointwise
    return lambda x: product(x, packed, bias, activation.name, [], activation.algorithm)


def _quantized(weight: torch.Tensor, bias: torch.Tensor | None, activation: Activation) -> Linear:
    """Weights as int8 with a scale for each output, inputs as 8 bits with one scale for all rows (Jacob et al. 2018,
    arXiv:1712.05877), the range of the inputs found anew each time.
    """
    quantized_weight, scales = quantized_rows(weight)
    zeros = torch.zeros(len(scales), dtype=torch.int32)
    packed = torch.ops.onednn.qlinear_prepack(quantized_weight, None)
    product: Callable[..., torch.Tensor] = torch.ops.onednn.qlinear_pointwise
    levels = levels_here()

    def quantized(x: torch.Tensor) -> torch.Tensor:
        integers, scale, zero = quantized_inputs(x, levels)
        fused: tuple[str, list[float], str] = (activation.name, [], activation.algorithm)
        return product(integers, scale, zero, packed, scales, zeros, bias, 1.0, 0, torch.float32, *fused)

    return quantized


def quantized_rows(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights as int8 of their shape, and a scale for each row of the first dimension; some rows at a time."""
    integers = torch.empty(weight.shape, dtype=torch.int8)
    parts = []
    for rows, part in zip(torch.split(integers, PART), torch.split(weight, PART), strict=True):
        scales = (part.abs().flatten(1).amax(1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
        rows.copy_((part / scales.view(-1, *[1] * (part.ndim - 1))).round_())
        parts.append(scales)
    return integers, torch.cat(parts)


def levels_here() -> int:
    """Steps of the inputs that this processor multiplies without overflow."""
    return LEVELS if torch.cpu.get_capabilities().get("avx512_vnni", False) else LEVELS_WITHOUT_VNNI


def quantized_inputs(x: torch.Tensor, levels: int) -> tuple[torch.Tensor, float, int]:
    """Numbers as uint8, the step between two, and which of them stands for zero."""
    low, high = (float(end) for end in torch.aminmax(x))
    low, high = min(low, 0.0), max(high, 0.0)
    step = (high - low) / levels or 1.0
    zero = round(-low / step)
    return torch.add(torch.tensor(zero + 0.5), x, alpha=1 / step).to(torch.uint8), step, zero  # cut, so rounded
