"""Predicting: labels, filled masks, embeddings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from zoo import (
    Embedding,
    Prediction,
    PredictionRun,
    Predictor,
    TextInput,
)
from zoo.training.head import HeadConfig
from zoo.training.objectives import pooled_objective
from zoo.training.packed_linear import ACTIVATIONS, LinearFactory
from zoo.training.pretrained import WeightsReader, read_json
from zoo.training.text import MaskFilling, TextPredictor
from zoo.training.text.tokenizer_files import load_tokenizer
from zoo.training.text.vocabulary import SPECIAL
from zoo_bert.config import BODY, Shape, read_config
from zoo_bert.encoder import Encoder

WORDS = "bert.embeddings.word_embeddings.weight"
DECODER = "cls.predictions.decoder"


class _BertPredictor(TextPredictor):
    """An encoder, and what stands on top of it."""

    def __init__(self, run: PredictionRun) -> None:
        self._card = run.card
        self._config = read_config(run.weights)
        most = min(self.longest(run), run.options.max_tokens or 512)
        super().__init__(run, load_tokenizer(run.weights, SPECIAL), most)
        self._make = LinearFactory(self._device, run.precision)
        with WeightsReader(run.weights, BODY) as weights:
            self.encoder = Encoder(weights, Shape.of(self._config), self._make)
            self.read_head(weights)

    def longest(self, run: PredictionRun) -> int:
        """Most tokens of an input: what the tokenizer and the table of positions allow."""
        positions = int(self._config["max_position_embeddings"])
        stated = run.weights / "tokenizer_config.json"
        advised = read_json(stated).get("model_max_length", positions) if stated.exists() else positions
        return min(positions, int(advised))

    @abstractmethod
    def read_head(self, weights: WeightsReader) -> None:
        """Take what stands on top of the body."""

    def _firsts(self, texts: list[str]) -> torch.Tensor:
        """Positions of the `[CLS]` tokens."""
        return torch.zeros(len(texts), dtype=torch.int64, device=self._device)


class HeadPredictor(_BertPredictor):
    """What the head says, read as the task learns it."""

    def __init__(self, run: PredictionRun) -> None:
        self._objective = pooled_objective(run.task)
        super().__init__(run)

    def read_head(self, weights: WeightsReader) -> None:
        """The pooler and the output layer."""
        self._head = HeadConfig.from_transformers(self._config).with_options(self._options)
        width = self.encoder.shape.width
        self._pooler = self._make.plain(*weights.pair("bert.pooler.dense", width, width))
        layer = weights.pair("classifier", self._head.outputs, width)
        self._classifier = self._make.plain(*self._head.standardised(*layer))

    def answer(self, blocks: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """By the task."""
        first = self.encoder(blocks, self._firsts(texts))
        outputs = self._classifier(self._pooler(first).tanh_()).float()
        return self._objective.answers(outputs, self._head, self.top_k)


class MaskPredictor(MaskFilling, _BertPredictor):
    """What may stand in place of the one `[MASK]` of a text."""

    mask = "[MASK]"

    def read_head(self, weights: WeightsReader) -> None:
        """The transform, and the output layer, which shares the table of word vectors."""
        shape = self.encoder.shape
        transform = "cls.predictions.transform"
        dense = weights.pair(f"{transform}.dense", shape.width, shape.width)
        self._transform = self._make.plain(*dense, ACTIVATIONS[shape.activation])
        self._norm = self.encoder.norm(f"{transform}.LayerNorm")
        tied = self._config.get("tie_word_embeddings", True)
        words, bias = (WORDS, "cls.predictions.bias") if tied else (f"{DECODER}.weight", f"{DECODER}.bias")
        self._decoder = self._make.plain(
            weights.take(words, shape.vocabulary, shape.width), weights.take(bias, shape.vocabulary)
        )

    def scores(self, blocks: list[torch.Tensor]) -> torch.Tensor:
        """Shape (texts, vocabulary)."""
        where = torch.cat([(block == self._mask_id).int().argmax(1) for block in blocks])
        x = self._transform(self.encoder(blocks, where))
        return self._decoder(self.encoder.normalized(x, self._norm))


class EmbeddingPredictor(_BertPredictor):
    """Token vectors averaged over the text, or the first of them, as the card says, scaled to length one."""

    def longest(self, run: PredictionRun) -> int:
        """A publisher may advise shorter inputs than the model can take; the card says so."""
        advised = run.card.input.max_tokens if isinstance(run.card.input, TextInput) else 512
        return min(super().longest(run), advised)

    def read_head(self, weights: WeightsReader) -> None:
        """Nothing but how tokens become one vector."""
        self._first = self._card.architecture.get("pooling") == "cls"

    def answer(self, blocks: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """One vector of shape (embed_dim,) a text."""
        pooled = self.encoder(blocks, self._firsts(texts)) if self._first else self._mean(blocks)
        vectors = functional.normalize(pooled.float(), dim=-1)
        return [Embedding(tuple(vector)) for vector in vectors.tolist()]

    def _mean(self, blocks: list[torch.Tensor]) -> torch.Tensor:
        """Over the tokens of each text, shape (texts, embed_dim)."""
        parts = torch.split(self.encoder(blocks).float(), [block.numel() for block in blocks])
        return torch.cat([part.view(*block.shape, -1).mean(1) for part, block in zip(parts, blocks, strict=True)])


OTHERS: dict[str, Callable[[PredictionRun], Predictor]] = {
    "fill-mask": MaskPredictor,
    "feature-extraction": EmbeddingPredictor,
}
"""What is answered without a head on one vector a text."""


def load(run: PredictionRun) -> Predictor:
    """The predictor of the run's task."""
    return OTHERS.get(run.task.name, HeadPredictor)(run)
