"""The mean of losses, and the metrics that are not finite where a training diverges."""

from __future__ import annotations

import math

LOSSES = ("loss", "perplexity")
"""Metrics that a training which diverges has no finite value of."""
WITH_UNIT = frozenset({*LOSSES, "mae", "rmse"})
"""Metrics that are no share of anything: a figure below 1 is no better bounded than one above."""
SHARES = frozenset(
    {
        "accuracy",
        "ap50",
        "ap75",
        "conlleval_f1",
        "dice",
        "exact_match",
        "macro_f1",
        "map",
        "micro_f1",
        "micro_precision",
        "micro_recall",
        "miou",
        "pixel_accuracy",
        "precision",
        "recall",
        "span_f1",
        "subset_accuracy",
    }
)
"""Metrics that lie between 0 and 1, whatever is judged."""
NO_MEASURE = frozenset({"threshold", "wer_low", "wer_high", "label_coverage", "decided_share"})
"""Figures that say nothing of how good answers are, or only how sure another figure is."""
SMALLER_IS_BETTER = WITH_UNIT | {"wer", "wer_low", "wer_high", "cer", "substitutions", "deletions", "insertions", "ece"}
"""Metrics of which less is better, whatever is primary beside them."""


class MeanLoss:
    """Mean loss per example, and its perplexity where the loss is a negative log likelihood per token."""

    def __init__(self, *, perplexity: bool = False) -> None:
        self._perplexity = perplexity
        self._sum = 0.0
        self._weight = 0.0

    def update(self, loss: float, weight: float = 1.0) -> None:
        """Add one loss, in nats; the weight is how many items it is the mean of."""
        self._sum += loss * weight
        self._weight += weight

    def merge(self, other: MeanLoss) -> None:
        """Take in what another process saw."""
        self._sum += other._sum
        self._weight += other._weight

    def compute(self) -> dict[str, float]:
        """`loss` and, where asked for, `perplexity`."""
        if not self._weight:
            return {}
        mean = self._sum / self._weight
        figures = {"loss": mean}
        if self._perplexity:
            figures["perplexity"] = math.exp(mean) if mean < 700 else math.inf
        return figures


def finite(metrics: dict[str, float]) -> dict[str, float]:
    """The metrics that have a value: JSON has no NaN and no infinity, and nothing is better or worse than NaN."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}
