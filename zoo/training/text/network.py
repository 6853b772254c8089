"""A text body as answering computes it: blocks of token ids to vectors, and heads on these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from zoo.training.head import HeadConfig
from zoo.training.precisions import DTYPES

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun
    from zoo.training.text.body import TextBody

Blocks = list[torch.Tensor]
"""Token ids on the device, int64; each of shape (texts of one length, tokens)."""
Head = Callable[[torch.Tensor], torch.Tensor]
"""(rows, width) to (rows, outputs)."""


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
        """The vectors of all tokens, text after text, shape (all tokens, width)."""

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

    def pooled(self, blocks: Blocks) -> torch.Tensor:
        """As the body pools."""
        return torch.cat([self._body.pooled(self._module, {"input_ids": block}) for block in blocks])

    def at(self, token: int, blocks: Blocks) -> torch.Tensor:
        """Of all vectors."""
        return torch.cat([self._body.tokens(self._module, {"input_ids": block})[block == token] for block in blocks])

    def tokens(self, blocks: Blocks) -> torch.Tensor:
        """One block after the other."""
        vectors = [self._body.tokens(self._module, {"input_ids": block}) for block in blocks]
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
