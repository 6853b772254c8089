"""BERT's forward pass, as answering needs it (Devlin et al. 2018, arXiv:1810.04805): fast, and nothing else.

It computes what transformers' modules compute, with three savings. Nothing has to be padded: texts of one length are
computed as a block, and all blocks of a batch share the matrix products of the linear layers. Queries, keys and values
come of one product. And where only one vector of a text is wanted, the last layer computes no other. An accelerator is
given one padded block, as attention takes several kernels a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from zoo.training.packed_linear import ACTIVATIONS, IDENTITY, ROWS, Activation, Linear, LinearFactory
from zoo.training.pretrained import WeightsReader
from zoo.training.text.network import Block, Blocks
from zoo_bert.config import FUSED_FROM, Shape

Norm = tuple[torch.Tensor, torch.Tensor]
Pair = tuple[torch.Tensor, torch.Tensor]
"""Weights of shape (outputs, inputs) and biases of shape (outputs,)."""
ALIGNED = 16
"""Numbers in memory of which a row of a mask is a multiple."""


@dataclass(frozen=True)
class _Layer:
    query_key_value: Linear
    attended: Linear
    attended_norm: Norm
    up: Linear
    """With the activation."""
    down: Linear
    down_norm: Norm


class _BlockShape(NamedTuple):
    """A block, as attention sees it."""

    texts: int
    tokens: int
    hidden: torch.Tensor | None
    """What is added to the scores, shape (texts, 1, 1, tokens): nothing, or minus infinity where a text is padded."""

    @property
    def rows(self) -> int:
        """Tokens of all texts."""
        return self.texts * self.tokens

    @classmethod
    def of(cls, block: Block, dtype: torch.dtype) -> _BlockShape:
        """With rows in memory that are aligned as the kernels of accelerators want them, which else copy them at each
        layer.
        """
        texts, tokens = block.ids.shape
        if block.lengths is None:
            return cls(texts, tokens, None)
        aligned = torch.zeros(texts, 1, 1, -(-tokens // ALIGNED) * ALIGNED, dtype=dtype, device=block.ids.device)
        places = torch.arange(aligned.shape[-1], device=block.ids.device)
        hidden = aligned.masked_fill_(places >= block.lengths[:, None, None, None], -torch.inf)
        return cls(texts, tokens, hidden[..., :tokens])


class Encoder:
    """Token ids to one vector a token, or one vector a text."""

    def __init__(self, weights: WeightsReader, shape: Shape, make: LinearFactory) -> None:
        self.shape = shape
        self._make, self._weights = make, weights
        width = shape.width
        words = weights.take("bert.embeddings.word_embeddings.weight", shape.vocabulary, width)
        positions = weights.take("bert.embeddings.position_embeddings.weight", shape.positions, width)
        types = weights.take("bert.embeddings.token_type_embeddings.weight", shape.types, width)
        self._word, self._position = make.table(words), make.placed(positions + types[0])
        self._norm = self.norm("bert.embeddings.LayerNorm")
        names = [f"bert.encoder.layer.{i}" for i in range(shape.layers)]
        self._layers = [self._layer(name) for name in names]
        query, *key_value = self._projections(names[-1])
        self._last_query, self._last_key_value = make(*query), make(*_stacked(key_value))

    def linear(self, name: str, outputs: int, inputs: int, activation: Activation = IDENTITY) -> Linear:
        """One of the weights' linear layers."""
        return self._make(*self._weights.pair(name, outputs, inputs), activation)

    def norm(self, name: str) -> Norm:
        """One of the weights' layer norms."""
        weight, bias = (self._weights.take(f"{name}.{part}", self.shape.width) for part in ("weight", "bias"))
        return self._make.placed(weight), self._make.placed(bias)

    def normalized(self, x: torch.Tensor, norm: Norm) -> torch.Tensor:
        """Layer norm over the last dimension."""
        return functional.layer_norm(x, (self.shape.width,), *norm, self.shape.eps)

    def _projections(self, name: str) -> list[Pair]:
        """To queries, scaled by the square root of the width of a head, to keys and to values."""
        width = self.shape.width
        scale = (width // self.shape.heads) ** -0.5
        (query, query_bias), *key_value = (
            self._weights.pair(f"{name}.attention.self.{part}", width, width) for part in ("query", "key", "value")
        )
        return [(query * scale, query_bias * scale), *key_value]

    def _layer(self, name: str) -> _Layer:
        width, inner = self.shape.width, self.shape.feed_forward
        return _Layer(
            query_key_value=self._make(*_stacked(self._projections(name))),
            attended=self.linear(f"{name}.attention.output.dense", width, width),
            attended_norm=self.norm(f"{name}.attention.output.LayerNorm"),
            up=self.linear(f"{name}.intermediate.dense", inner, width, ACTIVATIONS[self.shape.activation]),
            down=self.linear(f"{name}.output.dense", width, inner),
            down_norm=self.norm(f"{name}.output.LayerNorm"),
        )

    def __call__(self, blocks: Blocks, at: torch.Tensor | None = None) -> torch.Tensor:
        """Compute the vectors of the last layer.

        Args:
            blocks: of the texts.
            at: of each text, over all blocks, the position whose vector is wanted, shape (all texts,); None wants all.

        Returns:
            Shape (all tokens, width), text after text, those that pad included; with `at`, shape (all texts, width).
        """
        x = self._embedded(blocks)
        shapes = [_BlockShape.of(block, x.dtype) for block in blocks]
        last = self._layers[-1]
        for layer in self._layers if at is None else self._layers[:-1]:
            x = self._layer_of(layer, x, self._attention(layer.query_key_value(x), shapes))
        if at is None:
            return x[: sum(shape.rows for shape in shapes)]
        selected = x[_starts(shapes, x.device) + at]
        return self._layer_of(
            last, selected, self._attention_of_one(self._last_query(selected), self._last_key_value(x), shapes)
        )

    def _embedded(self, blocks: Blocks) -> torch.Tensor:
        """What the first layer takes; on a CPU rows of no text fill up to a multiple of `ROWS`."""
        ids = torch.cat([block.ids.reshape(-1) for block in blocks])
        if ids.is_cpu:
            ids = functional.pad(ids, (0, -len(ids) % ROWS))
        x = self._word(ids)
        at = 0
        for texts, tokens in (block.ids.shape for block in blocks):
            x[at : at + texts * tokens].view(texts, tokens, -1).add_(self._position[:tokens])
            at += texts * tokens
        return self.normalized(x, self._norm)

    def _layer_of(self, layer: _Layer, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """What follows attention, shape (rows, width) as all three."""
        x = self.normalized(layer.attended(attended).add_(x), layer.attended_norm)
        return self.normalized(layer.down(layer.up(x)).add_(x), layer.down_norm)

    def _attention(self, query_key_value: torch.Tensor, shapes: Sequence[_BlockShape]) -> torch.Tensor:
        """Within each text; (all tokens, 3 * width) to (all tokens, width)."""
        if len(shapes) == 1 and shapes[0].rows == len(query_key_value):
            ((texts, tokens, hidden),) = shapes
            query, key, value = self._heads(query_key_value, texts, tokens, 3)
            return _attend(query, key, value, hidden).transpose(1, 2).reshape(texts * tokens, -1)
        attended = query_key_value.new_empty(query_key_value.shape[0], self.shape.width)
        at = 0
        for texts, tokens, hidden in shapes:
            rows = slice(at, at + texts * tokens)
            query, key, value = self._heads(query_key_value[rows], texts, tokens, 3)
            heads = attended[rows].view(texts, tokens, self.shape.heads, -1).transpose(1, 2)
            heads.copy_(_attend(query, key, value, hidden))
            at += texts * tokens
        attended[at:] = 0
        return attended

    def _attention_of_one(
        self, query: torch.Tensor, key_value: torch.Tensor, shapes: Sequence[_BlockShape]
    ) -> torch.Tensor:
        """One query a text; (all texts, width) and (all tokens, 2 * width) to (all texts, width)."""
        attended = torch.empty_like(query)
        at = text = 0
        for texts, tokens, hidden in shapes:
            key, value = self._heads(key_value[at : at + texts * tokens], texts, tokens, 2)
            one = query[text : text + texts].view(texts, self.shape.heads, 1, -1)
            attended[text : text + texts].view(one.shape).copy_(_attend(one, key, value, hidden))
            at, text = at + texts * tokens, text + texts
        return attended

    def _heads(self, rows: torch.Tensor, texts: int, tokens: int, parts: int) -> tuple[torch.Tensor, ...]:
        """(texts * tokens, parts * width) to as many tensors of shape (texts, heads, tokens, width of a head)."""
        return rows.view(texts, tokens, parts, self.shape.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)


def _stacked(pairs: Sequence[Pair]) -> Pair:
    """Several linear layers of the same inputs as one."""
    weights, biases = zip(*pairs, strict=True)
    return torch.cat(weights), torch.cat(biases)


def _starts(shapes: Sequence[_BlockShape], device: torch.device) -> torch.Tensor:
    """Where each text begins among the tokens of all, int64 of shape (all texts,)."""
    if len(shapes) == 1:  # computed where it is used: nothing has to be copied
        return torch.arange(0, shapes[0].rows, shapes[0].tokens, device=device)
    lengths = [length for texts, tokens, _ in shapes for length in [tokens] * texts]
    return torch.tensor([0, *lengths[:-1]], device=device).cumsum(0)


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, hidden: torch.Tensor | None) -> torch.Tensor:
    """Scaled already; each of shape (texts, heads, tokens, width of a head), `hidden` that of a `_BlockShape`."""
    if query.is_cpu and query.shape[-2] < FUSED_FROM:
        scores = query @ key.transpose(-1, -2)
        # In float32, as torch's own softmax of bf16 takes up to five times as long.
        weights = torch.softmax(scores if hidden is None else scores + hidden, -1, dtype=torch.float32)
        return weights.to(value.dtype) @ value
    return functional.scaled_dot_product_attention(query, key, value, hidden, scale=1.0)
