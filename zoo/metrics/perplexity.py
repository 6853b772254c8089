"""How likely a model finds texts: the perplexity of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.blocks import Report
from zoo.metrics.loss import MeanLoss


class PerplexityMetrics:
    """Mean negative log likelihood of a token, and its exponential (Jelinek et al. 1977).

    Figures of two models can be compared where they have the same tokenizer.

    Args:
        labels: none.
    """

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self._loss = MeanLoss(perplexity=True)

    def update(self, loss: float, tokens: float) -> None:
        """Count one text of a training: its mean loss in nats, and over how many tokens that is."""
        self._loss.update(loss, tokens)

    def add(self, target: Any, answer: Any) -> None:
        """Count one text of an evaluation, a `ScoredText`."""
        self._loss.update(answer.loss, answer.tokens)

    def merge(self, other: PerplexityMetrics) -> None:
        """Take in what another process saw."""
        self._loss.merge(other._loss)

    def compute(self) -> dict[str, float]:
        """`loss` and `perplexity`."""
        return self._loss.compute()

    def report(self) -> Report:
        """Nothing but the figures."""
        return ()
