"""Predicting on texts: tokenise, group by length, compute, put back in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from msgspec.structs import replace
from tokenizers import Tokenizer

from zoo.answers import Prediction, Rejected
from zoo.encoding import is_encodable
from zoo.training.text.encoding import encode

if TYPE_CHECKING:
    from zoo.runs.context import PredictionRun

Item = tuple[int, list[int]]
"""Position of an input, and its token ids."""


class TextPredictor(ABC):
    """A model that answers texts.

    Args:
        run: its options have `batch_tokens`, and may have `top_k`.
        tokenizer: of the model.
        max_tokens: longer texts are cut.
    """

    def __init__(self, run: PredictionRun, tokenizer: Tokenizer, max_tokens: int) -> None:
        self._options: Any = run.options
        self.top_k: int | None = getattr(run.options, "top_k", None)
        """Most labels or fillings of an answer, where it was said."""
        self._device = torch.device(run.device)
        self._tokenizer, self._max_tokens = tokenizer, max_tokens

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input, in order; one that cannot be answered is rejected in its place."""
        reasons = [objection_to(text) for text in inputs]
        answers: list[Prediction] = [Rejected(reason) for reason in reasons]
        usable = [i for i, reason in enumerate(reasons) if not reason]
        items = []
        truncated = set()
        for i, text in zip(usable, encode(self._tokenizer, [inputs[i] for i in usable], self._max_tokens), strict=True):
            reason = self.objection(inputs[i], text.ids)
            if reason:
                answers[i] = Rejected(reason)
                continue
            items.append((i, text.ids))
            if text.truncated:
                truncated.add(i)
        for batch in batches_of(items, self._options.batch_tokens):
            computed = self._compute([ids for _, ids in batch], [inputs[i] for i, _ in batch])
            for (i, _), answer in zip(batch, computed, strict=True):
                answers[i] = replace(answer, truncated_at=self._max_tokens) if i in truncated else answer
        return answers

    def _compute(self, ids: list[list[int]], texts: list[str]) -> Sequence[Prediction]:
        with torch.inference_mode():
            return self.answer(blocks_of(ids, self._device), texts)

    def objection(self, text: str, ids: list[int]) -> str:
        """Why a text cannot be answered; empty where it can."""
        return ""

    @abstractmethod
    def answer(self, blocks: list[torch.Tensor], texts: list[str]) -> Sequence[Prediction]:
        """Answer a batch.

        Args:
            blocks: token ids of the texts, in their order; each of shape (texts of one length, tokens).
            texts: as they were given.
        """


def objection_to(value: Any) -> str:
    """Why an input is no text to be answered; empty where it is one."""
    if not isinstance(value, str):
        return f"the input is {type(value).__name__}, not text"
    if not value.strip():
        return "the text is empty"
    if not is_encodable(value):
        return "the text holds bytes that are not UTF-8"
    return ""


def blocks_of(sequences: Iterable[list[int]], device: torch.device) -> list[torch.Tensor]:
    """Token ids as an answering network takes them: those of one length, which follow each other, as one block."""
    return [torch.tensor(list(block), device=device) for _, block in groupby(sequences, key=len)]


def batches_of(items: Iterable[Item], budget: int) -> Iterator[list[Item]]:
    """Group inputs of like length so that a batch stays within a number of tokens."""
    batch: list[Item] = []
    for item in sorted(items, key=lambda item: len(item[1])):
        if batch and (len(batch) + 1) * len(item[1]) > budget:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
