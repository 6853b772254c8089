"""A text body as answering computes it: blocks of token ids to vectors, and heads on these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from zoo.training.head import HeadConfig
from zoo.training.moving import on_device
from zoo.training.objective import Batch
from zoo.training.precisions import DTYPES

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun
    from zoo.training.text.body import TextBody


class Block(NamedTuple):
    """Texts that are computed together."""

    ids: torch.Tensor
    """Of their tokens, on the device: int64 of shape (texts, tokens)."""
    lengths: torch.Tensor | None = None
    """Tokens of each text, likewise, of shape (texts,); None where all texts are of one length."""

    @property
    def mask(self) -> torch.Tensor | None:
        """True where a token is, shape (texts, tokens); None where nothing is padded."""
        if self.lengths is None:
            return None
        return torch.arange(self.ids.shape[1], device=self.ids.device) < self.lengths[:, None]

    def place_of(self, token: int) -> torch.Tensor:
        """Of each text the first place where a token stands, shape (texts,)."""
        return (self.ids == token).int().argmax(1)

    def mean(self, vectors: torch.Tensor) -> torch.Tensor:
        """Over the tokens of each text, in float32.

        Args:
            vectors: shape (texts, tokens, width).

        Returns:
            Shape (texts, width).
        """
        mask = self.mask
        if mask is None or self.lengths is None:
            return vectors.float().mean(1)
        return vectors.float().mul(mask[:, :, None]).sum(1) / self.lengths[:, None]


Blocks = Sequence[Block]
"""All texts of a batch, in order."""
Head = Callable[[torch.Tensor], torch.Tensor]
"""(rows, width) to (rows, outputs)."""


def blocks_of(sequences: Sequence[list[int]], device: torch.device, pad_id: int | None = None) -> list[Block]:
    """Token ids as an answering network takes them.

    Args:
        sequences: of the texts.
        device: that computes.
        pad_id: fills up, so that all texts are one block, which is few kernels for a device to launch; without it those
            of one length that follow each other are a block, which is the least to compute.
    """
    if pad_id is None:
        blocks = (list(block) for _, block in groupby(sequences, key=len))
        return [Block(on_device(_flat(block).view(len(block), -1), device)) for block in blocks]
    lengths = np.array([len(ids) for ids in sequences])
    longest = int(lengths.max())
    if int(lengths.min()) == longest:
        return [Block(on_device(_flat(sequences).view(len(lengths), longest), device))]
    ids: np.ndarray[Any, Any] = np.full((len(lengths), longest), pad_id)
    ids[np.arange(longest) < lengths[:, None]] = _flat(sequences).numpy()
    return [Block(*(on_device(torch.from_numpy(array), device) for array in (ids, lengths)))]


def starts_of(blocks: Blocks) -> list[int]:
    """Where the tokens of each text begin among those of all, those that pad included."""
    starts: list[int] = []
    at = 0
    for texts, tokens in (block.ids.shape for block in blocks):
        starts += range(at, at + texts * tokens, tokens)
        at += texts * tokens
    return starts


def _flat(sequences: Sequence[list[int]]) -> torch.Tensor:
    """Token ids one after the other, int64."""
    count = sum(map(len, sequences))
    return torch.from_numpy(np.fromiter(chain.from_iterable(sequences), np.int64, count))


class AnsweringNetwork(ABC):
    """What a predictor of texts computes with."""

    @abstractmethod
    def pooled(self, blocks: Blocks) -> torch.Tensor:
        """What a head sees of each text, shape (texts, width)."""

    def embedding(self, blocks: Blocks) -> torch.Tensor:
        """What stands for each text where no head is asked, shape (texts, width)."""
        return self.pooled(blocks)

    @abstractmethod
    def at(self, token: int, blocks: Blocks) -> torch.Tensor:
        """The vector of the one place of each text where a token stands, shape (texts, width)."""

    @abstractmethod
    def tokens(self, blocks: Blocks) -> torch.Tensor:
        """The vectors of all tokens, text after text, those that pad included, shape (all tokens, width)."""

    @abstractmethod
    def tag_head(self, head_config: HeadConfig) -> Head:
        """The head of the weights that scores tags."""

    @abstractmethod
    def head(self, head_config: HeadConfig) -> Head:
        """The head of the weights; its numbers are standardised."""

    @abstractmethod
    def token_head(self) -> Head:
        """What scores the vocabulary."""


class ModuleNetwork(AnsweringNetwork):
    """With the modules of the body, one block at a time.

    Args:
        body: of the weights.
        run: says where, and in which precision.
    """

    def __init__(self, body: TextBody, run: PredictionRun) -> None:
        self._body = body
        self._device, self._dtype = torch.device(run.device), DTYPES[run.precision]
        self._module = self._placed(body.module)

    @property
    def module(self) -> nn.Module:
        """That of the body, as it computes."""
        return self._module

    def pooled(self, blocks: Blocks) -> torch.Tensor:
        """As the body pools."""
        return torch.cat([self._body.pooled(self._module, batch_of(block)) for block in blocks])

    def at(self, token: int, blocks: Blocks) -> torch.Tensor:
        """Of all vectors."""
        vectors = [self._body.tokens(self._module, batch_of(block)) for block in blocks]
        places = [block.place_of(token) for block in blocks]
        return torch.cat(
            [one[torch.arange(len(one), device=one.device), place] for one, place in zip(vectors, places, strict=True)]
        )

    def tokens(self, blocks: Blocks) -> torch.Tensor:
        """One block after the other."""
        vectors = [self._body.tokens(self._module, batch_of(block)) for block in blocks]
        return torch.cat([of_block.flatten(0, 1) for of_block in vectors])

    def tag_head(self, head_config: HeadConfig) -> Head:
        """The body's."""
        return self._placed(self._body.head_for(head_config, self._body.new_tag_head(head_config.outputs)))

    def head(self, head_config: HeadConfig) -> Head:
        """The body's."""
        return self._placed(self._body.head_for(head_config))

    def token_head(self) -> Head:
        """The body's."""
        return self._placed(self._body.new_token_head())

    def _placed(self, module: nn.Module) -> nn.Module:
        return module.to(self._device, self._dtype).eval()


def batch_of(block: Block) -> Batch:
    """A block as the modules of a body take it."""
    mask = block.mask
    return {"input_ids": block.ids} if mask is None else {"input_ids": block.ids, "attention_mask": mask}
