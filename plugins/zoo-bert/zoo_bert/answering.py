"""BERT as it answers: the encoder, and the heads of the weights on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zoo import PredictionRun
from zoo.training.head import HeadConfig
from zoo.training.packed_linear import ACTIVATIONS, Linear, LinearFactory
from zoo.training.pretrained import WeightsReader
from zoo.training.text import AnsweringNetwork
from zoo.training.text.network import Blocks, ModuleNetwork, batch_of
from zoo_bert.config import OUTPUT_LAYER, Shape
from zoo_bert.encoder import Encoder

if TYPE_CHECKING:
    from zoo_bert.body import BertBody

WORDS = "bert.embeddings.word_embeddings.weight"
HEAD = "cls.predictions"
"""Begins the names of what scores word pieces."""


class PackedBert(AnsweringNetwork):
    """Without padding, and with linear layers that are laid out, or quantised, once.

    Args:
        body: of the weights.
        run: says where, in which precision, and how tokens become one vector.
        weights: to be read from.
    """

    def __init__(self, body: BertBody, run: PredictionRun, weights: WeightsReader) -> None:
        self._config, self._weights = body.config, weights
        self._first = run.card.architecture.get("pooling") == "cls"
        self._make = LinearFactory(torch.device(run.device), run.precision)
        self._shape = Shape.of(body.config)
        self._encoder = Encoder(weights, self._shape, self._make)

    def pooled(self, blocks: Blocks) -> torch.Tensor:
        """The vectors of the `[CLS]` tokens."""
        return self._encoder(blocks, torch.cat([block.ids.new_zeros(len(block.ids)) for block in blocks]))

    def embedding(self, blocks: Blocks) -> torch.Tensor:
        """The mean over the tokens of each text, or the vector of the first of them, as the card says."""
        if self._first:
            return self.pooled(blocks)
        parts = torch.split(self._encoder(blocks), [block.ids.numel() for block in blocks])
        return torch.cat(
            [block.mean(part.view(*block.ids.shape, -1)) for part, block in zip(parts, blocks, strict=True)]
        )

    def at(self, token: int, blocks: Blocks) -> torch.Tensor:
        """The last layer computes no other vectors."""
        return self._encoder(blocks, torch.cat([block.place_of(token) for block in blocks]))

    def tokens(self, blocks: Blocks) -> torch.Tensor:
        """Those of the last layer."""
        return self._encoder(blocks)

    def tag_head(self, head_config: HeadConfig) -> Linear:
        """The output layer."""
        return self._make.plain(*self._weights.pair(OUTPUT_LAYER, head_config.outputs, self._shape.width))

    def head(self, head_config: HeadConfig) -> Linear:
        """The pooler and the output layer."""
        width = self._shape.width
        pooler = self._make.plain(*self._weights.pair("bert.pooler.dense", width, width))
        layer = self._weights.pair(OUTPUT_LAYER, head_config.outputs, width)
        output = self._make.plain(*head_config.standardised(*layer))
        return lambda first: output(pooler(first).tanh_())

    def token_head(self) -> Linear:
        """The transform, and the output layer, which mostly shares the table of word vectors."""
        shape, take = self._shape, self._weights.take
        dense = self._weights.pair(f"{HEAD}.transform.dense", shape.width, shape.width)
        transform = self._make.plain(*dense, ACTIVATIONS[shape.activation])
        norm = self._encoder.norm(f"{HEAD}.transform.LayerNorm")
        tied = self._config.get("tie_word_embeddings", True)
        words, bias = (WORDS, f"{HEAD}.bias") if tied else (f"{HEAD}.decoder.weight", f"{HEAD}.decoder.bias")
        decoder = self._make.plain(take(words, shape.vocabulary, shape.width), take(bias, shape.vocabulary))
        return lambda x: decoder(self._encoder.normalized(transform(x), norm))


class BertModules(ModuleNetwork):
    """The same by modules alone, as other libraries compute it.

    Args:
        body: of the weights, with its modules.
        run: says how tokens become one vector.
    """

    def __init__(self, body: BertBody, run: PredictionRun) -> None:
        super().__init__(body, run)
        self._first = run.card.architecture.get("pooling") == "cls"

    def embedding(self, blocks: Blocks) -> torch.Tensor:
        """As `PackedBert` has it."""
        if self._first:
            return self.pooled(blocks)
        vectors = [self._module(**batch_of(block)) for block in blocks]
        return torch.cat([block.mean(one) for one, block in zip(vectors, blocks, strict=True)])
