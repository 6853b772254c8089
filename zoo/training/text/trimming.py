"""Training the vectors of those word pieces alone that occur in the data."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn


class TrimmedVocabulary:
    """Leaves a network with the vectors of some word pieces, until the table is put back whole.

    Args:
        owner: has the table as `word_embeddings`.
        kept: ids of the word pieces.

    A vocabulary is half of a small BERT, and a few thousand texts use a quarter of it. The rest would have no
    gradient, but a place in the gradient, in AdamW's moments and in every checkpoint, to be gone through at each step.
    What is left out stays as it was, where AdamW would let it decay.
    """

    def __init__(self, owner: nn.Module, ids: Collection[int]) -> None:
        self._whole = _table(owner).weight.detach()
        self._ids = torch.tensor(sorted(ids))
        self._rows = torch.full((len(self._whole),), -1)  # an index that no table has
        self._rows[self._ids] = torch.arange(len(self._ids))
        owner.word_embeddings = _embedding(self._whole[self._ids])

    def rows(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Where the vectors of word pieces are now; shape and type of the argument, which are ids of kept ones."""
        return self._rows[input_ids]

    def put_back(self, owner: nn.Module) -> None:
        """Give the network the whole table, with what was learnt."""
        self._whole[self._ids] = _table(owner).weight.detach()
        owner.word_embeddings = _embedding(self._whole)


def _table(owner: nn.Module) -> nn.Embedding:
    table = owner.word_embeddings
    assert isinstance(table, nn.Embedding)
    return table


def _embedding(vectors: torch.Tensor) -> nn.Embedding:
    """A table of vectors of shape (word pieces, width)."""
    return nn.Embedding(len(vectors), vectors.shape[1], _weight=vectors)
