"""Training the vectors of those word pieces alone that occur in the data."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class TrimmedVocabulary:
    """The word pieces that occur, and a network with the vectors of these alone until the table is put back whole.

    Args:
        ids: of word pieces that do in any case.
        whole: whether all do, as far as is known here.

    A vocabulary is half of a small BERT, and a few thousand texts use a quarter of it. The rest would have no
    gradient, but a place in the gradient, in AdamW's moments and in every checkpoint, to be gone through at each step.
    What is left out stays as it was, where AdamW would let it decay.
    """

    def __init__(self, *ids: int, whole: bool = False) -> None:
        self._occurring, self._stays_whole = set(ids), whole
        self._whole: torch.Tensor | None = None

    def expect(self, sequences: Iterable[list[int]]) -> None:
        """Note which word pieces occur in some texts."""
        self._occurring.update(*sequences)

    def trim(self, owner: nn.Module) -> None:
        """Leave out the vectors of all others, unless it is done, or the table is not trained.

        Args:
            owner: has the table as `word_embeddings`.
        """
        weight = _table(owner).weight
        if self._stays_whole or self._whole is not None or not weight.requires_grad:
            return
        if len(self._occurring) == len(weight):
            return
        self._whole = weight.detach()
        self._ids = torch.tensor(sorted(self._occurring))
        self._rows = torch.full((len(self._whole),), -1)  # an index that no table has
        self._rows[self._ids] = torch.arange(len(self._ids))
        owner.word_embeddings = _embedding(self._whole[self._ids])

    def rows(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Where the vectors of word pieces that occur are now; shape and type of the argument, which are their ids."""
        return input_ids if self._whole is None else self._rows[input_ids]

    def put_back(self, owner: nn.Module) -> None:
        """Give the network the whole table, with what was learnt, if it lacks any of it."""
        if self._whole is not None:
            self._whole[self._ids] = _table(owner).weight.detach()
            owner.word_embeddings = _embedding(self._whole)
            self._whole = None


def _table(owner: nn.Module) -> nn.Embedding:
    table = owner.word_embeddings
    assert isinstance(table, nn.Embedding)
    return table


def _embedding(vectors: torch.Tensor) -> nn.Embedding:
    """A table of vectors of shape (word pieces, width)."""
    return nn.Embedding(len(vectors), vectors.shape[1], _weight=vectors)
