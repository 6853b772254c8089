"""Training the vectors of those word pieces alone that occur in the data."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn

from zoo_bert.network import Bert


class TrimmedVocabulary:
    """Leaves a network with the vectors of some word pieces, until the table is put back whole.

    A vocabulary is half of a small BERT, and a few thousand texts use a quarter of it. The rest would have no
    gradient, but a place in the gradient, in AdamW's moments and in every checkpoint, to be gone through at each step.
    What is left out stays as it was, where AdamW would let it decay.
    """

    def __init__(self, bert: Bert, kept: Collection[int]) -> None:
        self._whole = bert.embeddings.word_embeddings.weight.detach()
        self._kept = torch.tensor(sorted(kept))
        self._rows = torch.full((len(self._whole),), -1)  # an index that no table has
        self._rows[self._kept] = torch.arange(len(self._kept))
        _set_table(bert, self._whole[self._kept])

    def rows(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Where the vectors of word pieces are now; shape and type of the argument, which are ids of kept ones."""
        return self._rows[input_ids]

    def put_back(self, bert: Bert) -> None:
        """Give the network the whole table, with what was learnt."""
        self._whole[self._kept] = bert.embeddings.word_embeddings.weight.detach()
        _set_table(bert, self._whole)


def _set_table(bert: Bert, vectors: torch.Tensor) -> None:
    """Replace the vectors of word pieces, shape (word pieces, width)."""
    bert.embeddings.word_embeddings = nn.Embedding(len(vectors), vectors.shape[1], _weight=vectors)
