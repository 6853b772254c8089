"""What answers texts with a body and the head of its weights: labels, vectors, fillings of masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn import functional

from zoo.answers import Answer, Embedding, FilledMask, Prediction, Score, TaggedSpans
from zoo.errors import Unsupported
from zoo.training.objectives import pooled_objective
from zoo.training.text.answering import TextPredictor
from zoo.training.text.network import AnsweringNetwork, Blocks
from zoo.training.text.tagging import TagPredictor
from zoo.training.text.texts import max_tokens_of
from zoo.training.text.vocabulary import CONTINUED

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from zoo.runs.context import PredictionRun, Predictor
    from zoo.training.head import HeadConfig


FILLINGS = 5
"""Candidates for a mask where no number is asked for."""


class AnsweringTexts(Protocol):
    """What predictors ask of a body of texts."""

    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def pad_id(self) -> int: ...
    @property
    def head_config(self) -> HeadConfig | None: ...
    @property
    def mask_token(self) -> str: ...
    @property
    def mask_id(self) -> int: ...
    def answering_network(self, run: PredictionRun) -> AnsweringNetwork: ...


class _BodyPredictor(TextPredictor):
    """A body, and what is made of its vectors; with another network than the body's where that computes the same."""

    def __init__(
        self, run: PredictionRun, body: AnsweringTexts, most_tokens: int, network: AnsweringNetwork | None = None
    ) -> None:
        max_tokens = min(most_tokens, run.options.max_tokens or most_tokens)
        super().__init__(run, body.tokenizer, max_tokens, pad_id=body.pad_id)
        self._network = network or body.answering_network(run)


class HeadPredictor(_BodyPredictor):
    """What the head says, read as the task learns it."""

    def __init__(self, run: PredictionRun, body: AnsweringTexts, network: AnsweringNetwork | None = None) -> None:
        self._objective = pooled_objective(run.task)
        if body.head_config is None:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        super().__init__(run, body, body.max_tokens, network)
        self._head_config = body.head_config.with_options(run.options)
        self._head = self._network.head(self._head_config)

    def outputs(self, blocks: Blocks) -> list[torch.Tensor]:
        """Of the head, shape (texts, outputs)."""
        return [self._head(self._network.pooled(blocks)).float()]

    def answers(self, outputs: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """By the task."""
        return self._objective.answers(outputs[0], self._head_config, self.top_k)


class VectorPredictor(_BodyPredictor):
    """The vector that stands for a text, scaled to length one; of as many tokens as the publisher advises."""

    def __init__(self, run: PredictionRun, body: AnsweringTexts, network: AnsweringNetwork | None = None) -> None:
        super().__init__(run, body, min(body.max_tokens, max_tokens_of(run.card)), network)

    def outputs(self, blocks: Blocks) -> list[torch.Tensor]:
        """Shape (texts, width)."""
        return [functional.normalize(self._network.embedding(blocks).float(), dim=-1)]

    def answers(self, outputs: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """One vector of shape (width,) a text."""
        return [Embedding(tuple(vector)) for vector in outputs[0].tolist()]


class MaskPredictor(_BodyPredictor):
    """What may stand in the place of the one mask of a text."""

    def __init__(self, run: PredictionRun, body: AnsweringTexts, network: AnsweringNetwork | None = None) -> None:
        super().__init__(run, body, body.max_tokens, network)
        self._mask, self._mask_id = body.mask_token, body.mask_id
        self._head = self._network.token_head()

    def objection(self, text: str, ids: list[int]) -> str:
        """There must be one mask, within the tokens that are read."""
        count = text.count(self._mask)
        if count != 1:
            return f"the text has {count} times {self._mask}; it needs exactly one"
        return "" if self._mask_id in ids else f"{self._mask} stands beyond the first {self._max_tokens} tokens"

    def outputs(self, blocks: Blocks) -> list[torch.Tensor]:
        """The probabilities of the best word pieces and which they are, both of shape (texts, fillings)."""
        scores = self._head(self._network.at(self._mask_id, blocks)).float().softmax(-1)
        return list(scores.topk(min(self.top_k or FILLINGS, scores.shape[-1])))

    def answers(self, outputs: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """Fillings, most probable first."""
        values, indices = (one.tolist() for one in outputs)
        return list(map(self._filled, texts, values, indices))

    def _filled(self, text: str, values: list[float], indices: list[int]) -> FilledMask:
        words = [self._tokenizer.decode([index], skip_special_tokens=False) for index in indices]
        scores = tuple(map(Score, words, values))
        before, after = text.split(self._mask)
        best = words[0]
        if best.startswith((CONTINUED, " ")):  # no word of its own, or one that brings its blank
            before, best = before.rstrip(), best.removeprefix(CONTINUED)
        return FilledMask(before + best + after, scores)


_BY_ANSWER: dict[type[Answer], Callable[[PredictionRun, AnsweringTexts, AnsweringNetwork | None], Predictor]] = {
    Embedding: VectorPredictor,
    FilledMask: MaskPredictor,
    TaggedSpans: TagPredictor,
}


def predictor_on(body: AnsweringTexts, run: PredictionRun, network: AnsweringNetwork | None = None) -> Predictor:
    """What answers the task of a run with a body.

    Args:
        body: of the weights.
        run: a prediction.
        network: what computes in the place of that of the body, its heads included.
    """
    return _BY_ANSWER.get(run.task.answer, HeadPredictor)(run, body, network)
