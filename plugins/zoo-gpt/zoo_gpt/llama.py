"""Llama as a network that can be trained (Touvron et al. 2023, arXiv:2302.13971).

Parameters have the names and shapes that transformers gives them, so what is saved of it is loaded there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from zoo.training import linear
from zoo_gpt.attention import attend, block_causal
from zoo_gpt.layers import ACTIVATIONS, EmptyEmbedding, EmptyLinear, RMSNorm
from zoo_gpt.shape import Shape, inverse_frequencies

Rotation = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines, each of shape (batch, 1, tokens, width of a head)."""


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._head_width = shape.head_width
        bias, width = shape.attention_bias, shape.heads * shape.head_width
        self.q_proj = EmptyLinear(shape.width, width, bias)
        self.k_proj, self.v_proj = (
            EmptyLinear(shape.width, shape.key_value_heads * shape.head_width, bias) for _ in range(2)
        )
        self.o_proj = EmptyLinear(width, shape.width, bias)

    def forward(self, x: torch.Tensor, rotation: Rotation, mask: torch.Tensor | None) -> torch.Tensor:
        """Shape (batch, tokens, width), as `x`."""
        query, key, value = (
            layer(x).view(*x.shape[:2], -1, self._head_width).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        attended: torch.Tensor = self.o_proj(attend(_rotated(query, rotation), _rotated(key, rotation), value, mask))
        return attended


class _FeedForward(nn.Module):
    """Two linear layers, the first one gated (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = (EmptyLinear(shape.width, shape.feed_forward, bias=False) for _ in range(2))
        self.down_proj = EmptyLinear(shape.feed_forward, shape.width, bias=False)
        self._activation = ACTIVATIONS[shape.activation]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape (batch, tokens, width), as `x`."""
        projected: torch.Tensor = self.down_proj(self._activation(self.gate_proj(x)) * self.up_proj(x))
        return projected


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = (RMSNorm(shape.width, shape.eps) for _ in range(2))
        self.self_attn = _Attention(shape)
        self.mlp = _FeedForward(shape)

    def forward(self, x: torch.Tensor, rotation: Rotation, mask: torch.Tensor | None) -> torch.Tensor:
        """Shape (batch, tokens, width), as `x`."""
        x = x + self.self_attn(self.input_layernorm(x), rotation, mask)
        output: torch.Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return output


class Llama(nn.Module):
    """Token ids to one vector a token, and to scores of the next one."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        shape = Shape.of(config)
        self._frequencies = inverse_frequencies(config, shape.head_width)
        self.model = nn.ModuleDict(
            {
                "embed_tokens": EmptyEmbedding(shape.vocabulary, shape.width),
                "layers": nn.ModuleList(_Layer(shape) for _ in range(shape.layers)),
                "norm": RMSNorm(shape.width, shape.eps),
            }
        )
        self.lm_head = None if shape.tied else EmptyLinear(shape.width, shape.vocabulary, bias=False)

    def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        """Compute the vectors of the last layer; see `Gpt2.forward`."""
        mask = block_causal(segments)
        x = self.model["embed_tokens"](input_ids)
        rotation = self._rotation(position_ids, x)
        layers: Any = self.model["layers"]
        for layer in layers:
            x = layer(x, rotation, mask)
        normalised: torch.Tensor = self.model["norm"](x)
        return normalised

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of the next token: (..., width) to (..., vocabulary)."""
        table: Any = self.model["embed_tokens"] if self.lm_head is None else self.lm_head
        return linear(hidden, table.weight)

    def _rotation(self, position_ids: torch.Tensor, x: torch.Tensor) -> Rotation:
        """Su et al. 2021 (arXiv:2104.09864), section 3.4.2."""
        frequencies = torch.tensor(self._frequencies, device=x.device)
        angles = (position_ids[:, None, :, None].float() * frequencies).repeat(1, 1, 1, 2)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


def _rotated(x: torch.Tensor, rotation: Rotation) -> torch.Tensor:
    """Turn pairs of numbers that stand half a head apart, as in transformers' files; shape of `x`."""
    cosines, sines = rotation
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat((-second, first), -1) * sines
