"""GPT-2 as a network that can be trained (Radford et al. 2019).

Parameters have the names that transformers gives them. Its `Conv1D` layers are linear layers here, with weights of
shape (outputs, inputs); `Conv1DReader` and `conv1d_state` turn them as they are read and saved.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from zoo.training import Dropout, linear
from zoo.training.pretrained import WeightsReader
from zoo_gpt.attention import attend, block_causal
from zoo_gpt.layers import ACTIVATIONS, EmptyEmbedding, EmptyLinear
from zoo_gpt.shape import CONV1D, Shape


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._heads = shape.heads
        self._dropout = shape.dropout
        self.c_attn = EmptyLinear(shape.width, 3 * shape.width)
        self.c_proj = EmptyLinear(shape.width, shape.width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Shape (batch, tokens, width), as `x`."""
        parts = self.c_attn(x).view(*x.shape[:2], 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        attended = attend(query, key, value, mask, self._dropout if self.training else 0.0)
        projected: torch.Tensor = self.c_proj(attended)
        return projected


class _FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.c_fc = EmptyLinear(shape.width, shape.feed_forward)
        self.c_proj = EmptyLinear(shape.feed_forward, shape.width)
        self._activation = ACTIVATIONS[shape.activation]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (batch, tokens, width), as `x`."""
        projected: torch.Tensor = self.c_proj(self._activation(self.c_fc(x)))
        return projected


class _Layer(nn.Module):
    """Attention, then two linear layers, each after a norm (section 2.3)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = (nn.LayerNorm(shape.width, shape.eps) for _ in range(2))
        self.attn = _Attention(shape)
        self.mlp = _FeedForward(shape)
        self.dropout = Dropout(shape.dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Shape (batch, tokens, width), as `x`."""
        x = x + self.dropout(self.attn(self.ln_1(x), mask))
        output: torch.Tensor = x + self.dropout(self.mlp(self.ln_2(x)))
        return output


class Gpt2(nn.Module):
    """Token ids to one vector a token, and to scores of the next one."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        shape = Shape.of(config)
        self.transformer = nn.ModuleDict(
            {
                "wte": EmptyEmbedding(shape.vocabulary, shape.width),
                "wpe": EmptyEmbedding(shape.positions, shape.width),
                "drop": Dropout(shape.dropout),
                "h": nn.ModuleList(_Layer(shape) for _ in range(shape.layers)),
                "ln_f": nn.LayerNorm(shape.width, shape.eps),
            }
        )
        self.lm_head = None if shape.tied else EmptyLinear(shape.width, shape.vocabulary, bias=False)

    def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        """Compute the vectors of the last layer.

        Args:
            input_ids: int64 of shape (batch, tokens).
            position_ids: of the same shape, from 0 in each text.
            segments: of the same shape, as `block_causal` takes them.

        Returns:
            Shape (batch, tokens, width).
        """
        parts = self.transformer
        mask = block_causal(segments)
        x = parts["drop"](parts["wte"](input_ids) + parts["wpe"](position_ids))
        layers: Any = parts["h"]
        for layer in layers:
            x = layer(x, mask)
        normalised: torch.Tensor = parts["ln_f"](x)
        return normalised

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of the next token: (..., width) to (..., vocabulary)."""
        table: Any = self.transformer["wte"] if self.lm_head is None else self.lm_head
        return linear(hidden, table.weight)


class Conv1DReader(WeightsReader):
    """Weights of GPT-2, linear layers as torch has them."""

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """One tensor; see `WeightsReader.take`."""
        if name.endswith(CONV1D):
            return super().take(name, *reversed(shape)).t()
        return super().take(name, *shape)


def conv1d_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors as transformers' GPT-2 has them."""
    return {name: tensor.t().contiguous() if name.endswith(CONV1D) else tensor for name, tensor in state.items()}


def scale_residual(network: Gpt2, layers: int) -> None:
    """Shrink new projections into the sum of all layers by the root of their number (section 2.3)."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("c_proj.weight"):
                parameter.mul_((2 * layers) ** -0.5)
