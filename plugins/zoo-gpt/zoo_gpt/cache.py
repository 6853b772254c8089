"""Keys and values of what was read, so that a step computes those of one token only."""

from __future__ import annotations

from collections.abc import Iterator

import torch

BLOCK = 256
"""Tokens by which it grows."""


class KeyValueCache:
    """Keys and values of all layers; texts of a batch end at the same place, and begin where they are long enough to.

    Args:
        layers: of the network.
        shape: of one token of one text: (heads of keys, width of a head).
        like: of the device and type that is kept.
    """

    def __init__(self, layers: int, shape: tuple[int, int], like: torch.Tensor) -> None:
        self._layers, self._shape, self._like = layers, shape, like
        self.begin(0, 0)

    def begin(self, texts: int, tokens: int) -> None:
        """Forget everything, and make room for so many texts of so many tokens."""
        self.tokens = 0
        self._blocks = self._room(texts, tokens)

    def reserve(self, tokens: int) -> None:
        """Make room for so many tokens of each text."""
        there = self._blocks.shape[4]
        if tokens > there:
            blocks = self._room(self._blocks.shape[2], tokens)
            blocks[..., : self.tokens, :] = self._blocks[..., : self.tokens, :]
            self._blocks = blocks

    def of_layer(self, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Its keys and values, to be read and written, each (texts, heads of keys, room in tokens, width of a head)."""
        keys, values = self._blocks[layer]
        return keys, values

    def views(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Of each layer, where the newest token goes, shape (2, texts, heads of keys, width of a head), and all tokens
        so far, shape (2, texts, heads of keys, tokens, width of a head); keys, then values.
        """
        newest, so_far = self._blocks[..., self.tokens - 1, :], self._blocks[..., : self.tokens, :]
        return zip(newest.unbind(0), so_far.unbind(0), strict=True)

    def keep(self, rows: torch.Tensor) -> None:
        """Forget all texts but some."""
        self._blocks = self._blocks.index_select(2, rows)

    def _room(self, texts: int, tokens: int) -> torch.Tensor:
        room = -(-max(tokens, 1) // BLOCK) * BLOCK
        heads, width = self._shape
        return self._like.new_zeros(self._layers, 2, texts, heads, room, width)
