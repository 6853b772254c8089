"""How likely a model finds texts: the perplexity of their tokens."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.blocks import Report
from zoo.metrics.loss import MeanLoss

if TYPE_CHECKING:
    from zoo.metrics.intervals import Interval


class PerplexityMetrics:
    """Mean negative log likelihood of a token, and its exponential (Jelinek et al. 1977).

    Figures of two models can be compared where they have the same tokenizer.

    Args:
        labels: none.
    """

    FIGURES = ("loss", "perplexity")
    """Names of all that it may give of answers."""

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self._loss = MeanLoss(perplexity=True)
        self._texts = array("d")
        """The loss of each, added up over its tokens, and how many these are."""

    def update(self, loss: float, tokens: float) -> None:
        """Count one text of a training: its mean loss in nats, and over how many tokens that is."""
        self._loss.update(loss, tokens)
        self._texts.extend((loss * tokens, tokens))

    def add(self, target: Any, answer: Any) -> None:
        """Count one text of an evaluation, a `ScoredText`."""
        self.update(answer.loss, answer.tokens)

    def merge(self, other: PerplexityMetrics) -> None:
        """Take in what another process saw."""
        self._loss.merge(other._loss)
        self._texts.extend(other._texts)

    def compute(self) -> dict[str, float]:
        """`loss` and `perplexity`."""
        return self._loss.compute()

    def intervals(self) -> dict[str, Interval]:
        """Of both, over texts."""
        import numpy as np

        from zoo.metrics.intervals import intervals_of_sums

        def figures(sums: Any) -> dict[str, Any]:
            losses, tokens = sums
            return {"loss": losses / tokens, "perplexity": np.exp(losses / tokens)}

        return intervals_of_sums(np.frombuffer(self._texts).reshape(-1, 2), figures)

    def report(self) -> Report:
        """Nothing but the figures."""
        return ()
