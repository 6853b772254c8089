"""What answers texts with a body and the head of its weights, and what all that fill masks have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from zoo.answers import Answer, Embedding, FilledMask, Prediction, Score
from zoo.errors import Unsupported
from zoo.training.body import Network
from zoo.training.objectives import pooled_objective
from zoo.training.precisions import DTYPES
from zoo.training.text.answering import TextPredictor
from zoo.training.text.encoding import id_of
from zoo.training.text.vocabulary import CONTINUED

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun, Predictor
    from zoo.training.text.body import TextBody

FILLINGS = 5
"""Candidates for a mask where no number is asked for."""


class HeadPredictor(TextPredictor):
    """What the head says, read as the task learns it."""

    def __init__(self, run: PredictionRun, body: TextBody) -> None:
        super().__init__(run, body.tokenizer, run.options.max_tokens or body.max_tokens)
        if body.head_config is None:
            raise Unsupported(f"{run.card.name} has no head for {run.task.name}", "fine-tune it first")
        self._head, self._objective = body.head_config.with_options(run.options), pooled_objective(run.task)
        self._network = _placed(Network(body.module, body.head_for(self._head), body.pooled), run)

    def answer(self, blocks: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """By the task."""
        outputs = torch.cat([self._network(input_ids=block) for block in blocks]).float()
        return self._objective.answers(outputs, self._head, self.top_k)


class VectorPredictor(TextPredictor):
    """The vector that stands for a text, scaled to length one."""

    def __init__(self, run: PredictionRun, body: TextBody) -> None:
        super().__init__(run, body.tokenizer, run.options.max_tokens or body.max_tokens)
        self._pooled, self._module = body.pooled, _placed(body.module, run)

    def answer(self, blocks: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """One vector of shape (width,) a text."""
        vectors = torch.cat([self._pooled(self._module, {"input_ids": block}) for block in blocks])
        return [Embedding(tuple(vector)) for vector in functional.normalize(vectors.float(), dim=-1).tolist()]


class MaskFilling(TextPredictor):
    """What may stand in the place of the one mask of a text; to be mixed into what has an `__init__`."""

    mask: str
    """The token that stands for what is to be said."""

    @cached_property
    def _mask_id(self) -> int:
        return id_of(self._tokenizer, self.mask)

    @abstractmethod
    def scores(self, blocks: list[torch.Tensor]) -> torch.Tensor:
        """Of the vocabulary in the place of each text's mask, shape (texts, vocabulary)."""

    def objection(self, text: str, ids: list[int]) -> str:
        """There must be one mask, within the tokens that are read."""
        count = text.count(self.mask)
        if count != 1:
            return f"the text has {count} times {self.mask}; it needs exactly one"
        return "" if self._mask_id in ids else f"{self.mask} stands beyond the first {self._max_tokens} tokens"

    def answer(self, blocks: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """Fillings, most probable first."""
        scores = self.scores(blocks).float().softmax(-1)
        top = scores.topk(min(self.top_k or FILLINGS, scores.shape[-1]))
        return [
            self._filled(text, values, indices)
            for text, values, indices in zip(texts, top.values.tolist(), top.indices.tolist(), strict=True)
        ]

    def _filled(self, text: str, values: list[float], indices: list[int]) -> FilledMask:
        scores = tuple(Score(str(self._tokenizer.id_to_token(i)), p) for p, i in zip(values, indices, strict=True))
        before, after = text.split(self.mask)
        best = scores[0].label
        if best.startswith(CONTINUED):
            before, best = before.rstrip(), best.removeprefix(CONTINUED)
        return FilledMask(before + best + after, scores)


class MaskPredictor(MaskFilling):
    """By the scores that the head of the weights gives the vectors of a body."""

    def __init__(self, run: PredictionRun, body: TextBody) -> None:
        super().__init__(run, body.tokenizer, run.options.max_tokens or body.max_tokens)
        self.mask = body.mask_token
        self._tokens, self._module = body.tokens, _placed(body.module, run)
        self._token_head = _placed(body.new_token_head(), run)

    def scores(self, blocks: list[torch.Tensor]) -> torch.Tensor:
        """Shape (texts, vocabulary)."""
        masked = [self._tokens(self._module, {"input_ids": block})[block == self._mask_id] for block in blocks]
        scores: torch.Tensor = self._token_head(torch.cat(masked))
        return scores


_BY_ANSWER: dict[type[Answer], Callable[[PredictionRun, TextBody], Predictor]] = {
    Embedding: VectorPredictor,
    FilledMask: MaskPredictor,
}


def predictor_on(body: TextBody, run: PredictionRun) -> Predictor:
    """What answers the task of a run with a body."""
    return _BY_ANSWER.get(run.task.answer, HeadPredictor)(run, body)


def _placed(module: nn.Module, run: PredictionRun) -> nn.Module:
    return module.to(torch.device(run.device), DTYPES[run.precision]).eval()
