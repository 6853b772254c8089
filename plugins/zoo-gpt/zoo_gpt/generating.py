"""GPT-2 and Llama as they write: keys and values are kept, and a step computes one token of each text.

It computes what transformers' modules compute, with these savings. Weights are laid out once. Queries, keys and values
come of one product, and so do both halves of a gated layer. Nothing of a prompt is padded. In one step the heads that
share keys are computed as if they were tokens, so that no key is copied. Numbers that a position turns stand side by
side, so that turning them is one complex product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from zoo.training.packed_linear import LinearFactory
from zoo.training.pretrained import WeightsReader
from zoo.training.text.causal import GeneratingNetwork
from zoo_gpt.cache import KeyValueCache
from zoo_gpt.decoder import Decoder
from zoo_gpt.shape import GPT2, Shape, inverse_frequencies

ROWS = 16
"""Tokens of prompts are rounded up to a multiple of it, since oneDNN compiles its kernels for each number of rows; and
weights are laid out for so many."""
FEW_ROWS = 8
"""Numbers of tokens that are not rounded."""
SCORED = 256
"""Tokens whose scores of the whole vocabulary are held at once."""


class CachedNetwork(GeneratingNetwork):
    """A decoder with a cache of keys and values.

    Args:
        config: of the model.
        weights: to be read from.
        device: torch's name of where to compute.
        precision: in which.
    """

    def __init__(self, config: dict[str, Any], weights: WeightsReader, device: str, precision: str) -> None:
        self._shape = shape = Shape.of(config)
        self._device = torch.device(device)
        make = LinearFactory(self._device, precision, ROWS)
        self._decoder = Decoder(shape, weights, make)
        self._dtype = self._decoder.dtype
        # In float32 on a processor, as its kernels of bf16 are compiled anew for every number of tokens.
        self._attention_dtype = torch.float32 if self._device.type == "cpu" else self._dtype
        like = torch.empty(0, device=self._device, dtype=self._attention_dtype)
        self._cache = KeyValueCache(shape.layers, (shape.key_value_heads, shape.head_width), like)
        self._frequencies: torch.Tensor | None = None
        if shape.family != GPT2:
            self._frequencies = torch.tensor(inverse_frequencies(config, shape.head_width), device=self._device)
        self._starts = torch.zeros(0, dtype=torch.long, device=self._device)
        """Where each text begins in the cache, as all end at the same place."""
        self._padded = False
        """Whether any begins later than another."""

    def prefill(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Without padding: all tokens of all prompts share the products of the linear layers."""
        ends = (lengths.cumsum(0) - 1).to(self._device)
        return self._decoder.scores(self._prompts(ids, lengths.tolist(), ends))

    def _prompts(self, ids: torch.Tensor, counts: list[int], ends: torch.Tensor | None = None) -> torch.Tensor:
        """Vectors of all tokens of all texts, one after another, or of some, shape (tokens, width); fills the cache."""
        longest = max(counts)
        self._padded = min(counts) < longest
        self._starts = longest - torch.tensor(counts, device=self._device)
        self._cache.begin(len(counts), longest)
        flat = torch.cat([row[:count] for row, count in zip(ids, counts, strict=True)])
        positions = torch.cat([torch.arange(count, device=self._device) for count in counts])
        filling = 0 if len(flat) <= FEW_ROWS or self._device.type != "cpu" else -len(flat) % ROWS
        x, rotation = self._begun(functional.pad(flat, (0, filling)), functional.pad(positions, (0, filling)))
        for i, layer in enumerate(self._decoder.layers):
            parts = self._parts(layer.query_key_value(layer.attention_norm(x)), rotation)
            attended = self._attended_prompts(i, parts, counts)
            if ends is not None and i == self._shape.layers - 1:
                attended, x = attended[ends], x[ends]
            x = layer.rest(attended, x)
        self._cache.tokens = longest
        return x

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """One token of each text."""
        shape, at = self._shape, self._cache.tokens
        self._cache.reserve(at + 1)
        self._cache.tokens = at + 1
        x, rotation = self._begun(ids, at - self._starts)
        mask = None
        if self._padded:
            mask = (torch.arange(at + 1, device=self._device) >= self._starts[:, None])[:, None, None]
        shared = shape.heads // shape.key_value_heads
        for layer, (written, read) in zip(self._decoder.layers, self._cache.views(), strict=True):
            parts = self._parts(layer.query_key_value(layer.attention_norm(x)), rotation)
            query, new = parts.tensor_split((shape.heads,), 1)
            written.copy_(new.view(len(ids), 2, -1, shape.head_width).transpose(0, 1))
            attended = functional.scaled_dot_product_attention(
                query.view(len(ids), -1, shared, shape.head_width), read[0], read[1], mask
            )
            x = layer.rest(attended.reshape(len(ids), -1).to(self._dtype), x)
        return self._decoder.scores(x)

    def losses(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Of all tokens at once; see `GeneratingNetwork.losses`."""
        counts = lengths.tolist()
        vectors = self._prompts(ids, counts)[: sum(counts)]
        losses = torch.zeros(len(ids), ids.shape[1] - 1, device=self._device)
        for row, (one, text) in enumerate(zip(torch.split(vectors, counts), ids, strict=True)):
            for start in range(0, counts[row] - 1, SCORED):
                end = min(start + SCORED, counts[row] - 1)
                scores = self._decoder.scores(one[start:end])
                losses[row, start:end] = functional.cross_entropy(scores, text[start + 1 : end + 1], reduction="none")
        return losses

    def keep(self, rows: torch.Tensor) -> None:
        """Forget the other texts."""
        rows = rows.to(self._device)
        self._starts = self._starts[rows]
        self._cache.keep(rows)

    def _begun(self, ids: torch.Tensor, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What the first layer takes, shape (tokens, width); and by how much a position turns, as complex numbers."""
        x = self._decoder.embedded(ids, positions)
        if self._frequencies is None:
            return x, None
        angles = positions[:, None].float() * self._frequencies
        return x, torch.polar(torch.ones_like(angles), angles)[:, None]

    def _parts(self, query_key_value: torch.Tensor, rotation: torch.Tensor | None) -> torch.Tensor:
        """Queries, keys and values, the former two turned; shape (tokens, heads of all three, width of a head)."""
        shape = self._shape
        if rotation is None:
            return query_key_value.view(len(query_key_value), -1, shape.head_width).to(self._attention_dtype)
        parts = query_key_value.float().view(len(query_key_value), -1, shape.head_width)
        turned = parts[:, : shape.heads + shape.key_value_heads]
        torch.view_as_complex(turned.view(*turned.shape[:2], -1, 2)).mul_(rotation)
        return parts.to(self._attention_dtype)

    def _attended_prompts(self, layer: int, parts: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
        """Attention within each prompt, whose keys and values are noted; shape (tokens, heads * width of a head)."""
        shape, longest = self._shape, max(counts)
        keys, values = self._cache.of_layer(layer)
        attended = parts.new_empty(len(parts), shape.heads, shape.head_width, dtype=self._dtype)
        attended[sum(counts) :] = 0
        at = row = 0
        # Prompts of one length are computed together where they follow one another.
        for texts, tokens in _runs(counts):
            rows = slice(at, at + texts * tokens)
            of_texts = parts[rows].view(texts, tokens, -1, shape.head_width).transpose(1, 2)
            query, key, value = of_texts.tensor_split((shape.heads, shape.heads + shape.key_value_heads), 1)
            places = (slice(row, row + texts), slice(None), slice(longest - tokens, longest))
            keys[places], values[places] = key, value
            if (shared := shape.heads // shape.key_value_heads) > 1:
                key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
            answer = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            attended[rows] = answer.transpose(1, 2).reshape(texts * tokens, shape.heads, -1)
            at, row = at + texts * tokens, row + texts
        return attended.flatten(1)


def _runs(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Equal numbers that follow one another: how many, and which."""
    runs: list[tuple[int, int]] = []
    for count in counts:
        if runs and runs[-1][1] == count:
            runs[-1] = (runs[-1][0] + 1, count)
        else:
            runs.append((1, count))
    return runs
