"""The layers of GPT-2 and Llama as writing needs them: weights laid out once, what can be one product in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from zoo.training.packed_linear import ACTIVATIONS as FUSED
from zoo.training.packed_linear import IDENTITY, Linear, LinearFactory
from zoo.training.pretrained import WeightsReader
from zoo_gpt.layers import ACTIVATIONS
from zoo_gpt.shape import GPT2, Shape

Norm = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Layer:
    """One of them; all take and give tensors of shape (tokens, ...)."""

    attention_norm: Norm
    query_key_value: Linear
    """All queries, then all keys, then all values; the numbers that positions turn side by side."""
    attended: Linear
    feed_forward_norm: Norm
    feed_forward: Linear

    def rest(self, attended: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """What follows attention; shape of `x`."""
        x = self.attended(attended).add_(x)
        return self.feed_forward(self.feed_forward_norm(x)).add_(x)


class Decoder:
    """All of them, the tables before, and the scores after.

    Args:
        shape: of the network.
        weights: to be read from.
        make: makes linear layers.
    """

    def __init__(self, shape: Shape, weights: WeightsReader, make: LinearFactory) -> None:
        self._shape, self._weights, self._make = shape, weights, make
        gpt2 = shape.family == GPT2
        words = "transformer.wte.weight" if gpt2 else "model.embed_tokens.weight"
        table = weights.take(words, shape.vocabulary, shape.width)
        self._words = make.placed(table)
        self.dtype = self._words.dtype
        self._positions: torch.Tensor | None = None
        if gpt2:
            self._positions = make.placed(weights.take("transformer.wpe.weight", shape.positions, shape.width))
        layer = self._gpt2_layer if gpt2 else self._llama_layer
        self.layers = [layer(i) for i in range(shape.layers)]
        self._norm = self._norm_of("transformer.ln_f" if gpt2 else "model.norm")
        self._output = make(table if shape.tied else weights.take("lm_head.weight", shape.vocabulary, shape.width))

    def embedded(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """What the first layer takes, shape (tokens, width)."""
        x = functional.embedding(ids, self._words)
        return x if self._positions is None else x + functional.embedding(positions, self._positions)

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of the next token, float32 of shape (tokens, vocabulary)."""
        return self._output(self._norm(x)).float()

    def _gpt2_layer(self, number: int) -> Layer:
        shape, name = self._shape, f"transformer.h.{number}."
        pair = self._weights.pair
        up = self._make(
            *pair(f"{name}mlp.c_fc", shape.feed_forward, shape.width), FUSED.get(shape.activation, IDENTITY)
        )
        down = self._make(*pair(f"{name}mlp.c_proj", shape.width, shape.feed_forward))
        activation = None if shape.activation in FUSED else ACTIVATIONS[shape.activation]
        return Layer(
            attention_norm=self._norm_of(f"{name}ln_1"),
            query_key_value=self._make(*pair(f"{name}attn.c_attn", 3 * shape.width, shape.width)),
            attended=self._make(*pair(f"{name}attn.c_proj", shape.width, shape.width)),
            feed_forward_norm=self._norm_of(f"{name}ln_2"),
            feed_forward=lambda x: down(up(x) if activation is None else activation(up(x))),
        )

    def _llama_layer(self, number: int) -> Layer:
        shape, name = self._shape, f"model.layers.{number}."
        take, width, inner = self._weights.take, shape.width, shape.feed_forward
        halves = [take(f"{name}mlp.{part}_proj.weight", inner, width) for part in ("gate", "up")]
        gate_up = self._make(torch.cat(halves))
        down = self._make(take(f"{name}mlp.down_proj.weight", width, inner))
        activation = ACTIVATIONS[shape.activation]

        def feed_forward(x: torch.Tensor) -> torch.Tensor:
            gate, up = gate_up(x).chunk(2, -1)
            return down(activation(gate).mul_(up))

        return Layer(
            attention_norm=self._norm_of(f"{name}input_layernorm"),
            query_key_value=self._make(*self._query_key_value(f"{name}self_attn")),
            attended=self._make(*self._projection(f"{name}self_attn.o_proj", width, shape.heads * shape.head_width)),
            feed_forward_norm=self._norm_of(f"{name}post_attention_layernorm"),
            feed_forward=feed_forward,
        )

    def _query_key_value(self, name: str) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Weights and biases, the rows of queries and keys in pairs that are turned together."""
        shape, parts = self._shape, []
        for part, heads in (("q", shape.heads), ("k", shape.key_value_heads), ("v", shape.key_value_heads)):
            outputs = heads * shape.head_width
            layer = self._projection(f"{name}.{part}_proj", outputs, shape.width)
            parts.append(layer if part == "v" else tuple(None if one is None else self._paired(one) for one in layer))
        weights, biases = zip(*parts, strict=True)
        return torch.cat(weights), None if biases[0] is None else torch.cat(biases)

    def _paired(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows that stand half a head apart, side by side."""
        halves = rows.view(-1, 2, self._shape.head_width // 2, *rows.shape[1:])
        return halves.transpose(1, 2).reshape(rows.shape)

    def _projection(self, name: str, outputs: int, inputs: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        weight = self._weights.take(f"{name}.weight", outputs, inputs)
        return weight, self._weights.take(f"{name}.bias", outputs) if self._shape.attention_bias else None

    def _norm_of(self, name: str) -> Norm:
        width, eps = self._shape.width, self._shape.eps
        weight = self._make.placed(self._weights.take(f"{name}.weight", width))
        if self._shape.family == GPT2:
            bias = self._make.placed(self._weights.take(f"{name}.bias", width))
            return lambda x: functional.layer_norm(x, (width,), weight, bias, eps)
        return lambda x: functional.rms_norm(x, (width,), weight, eps)
