"""What all text models have in common: texts are tokenised once, cut at one limit, padded batch by batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from torch import nn

from zoo.training.body import Body
from zoo.training.objective import Batch
from zoo.training.text.encoding import id_of, pad
from zoo.training.text.texts import TrainingTexts

if TYPE_CHECKING:
    from zoo.runs.context import TrainingRun


class TextBody(Body[list[int]]):
    """A network that reads texts; features are their token ids.

    Args:
        run: its options have `max_tokens`.
        tokenizer: of the model.
        pad_token: fills up.
        mask_token: stands for a token that is to be predicted.
        special_tokens: are never predicted.
        positions: most tokens that the network can take.
        width: of the vectors it makes.
    """

    provides = frozenset({"pooled", "tokens"})

    def __init__(
        self,
        run: TrainingRun,
        tokenizer: Tokenizer,
        *,
        pad_token: str,
        mask_token: str,
        special_tokens: Sequence[str],
        positions: int,
        width: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.width = width
        self.pad_id, self.mask_id = id_of(tokenizer, pad_token), id_of(tokenizer, mask_token)
        self.special_ids = [id_of(tokenizer, token) for token in special_tokens]
        self.vocabulary_size: int = tokenizer.get_vocab_size()
        self.pretrained = run.weights is not None
        self.texts = TrainingTexts(run, tokenizer, positions=positions, width=width)
        self.micro_batch_size = self.texts.micro_batch_size

    def encode(self, inputs: Sequence[Any]) -> list[list[int]]:
        """Tokenise."""
        return self.texts.ids(inputs)

    def length(self, features: list[int]) -> int:
        """Number of tokens."""
        return len(features)

    def collate(self, features: Sequence[list[int]], seeds: Sequence[int], *, training: bool) -> Batch:
        """Pad: `input_ids` and, where anything is padded, `attention_mask`."""
        return pad(features, self.pad_id)

    @abstractmethod
    def tokens(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """One vector a token, shape (batch, tokens, width); the arguments are those of `pooled`."""

    @abstractmethod
    def new_token_head(self) -> nn.Module:
        """A head that scores the vocabulary: (tokens, width) to (tokens, vocabulary)."""
