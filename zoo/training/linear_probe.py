"""A linear model on vectors that stay as they are: what a body knows of targets, without training the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from zoo.errors import RunCancelled

STRENGTHS = (1.0, 0.1, 0.01)
"""Of the decay of the weights, for vectors of unit variance; the one that answers one of the folds best is taken."""
MOST_TRIED = 4_000
"""Rows by which a strength is chosen."""
MOST_STEPS = 50
"""Of L-BFGS."""
LEAST_SPREAD = 1e-6
"""Standard deviation of a number, below which it says nothing."""

Losses = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Of outputs of shape (rows, outputs) and targets of shape (rows, ...), in nats, shape (rows,)."""


class Probe(NamedTuple):
    """What a linear model learns."""

    outputs: int
    losses: Losses
    should_stop: Callable[[], bool]
    """Whether somebody asked for it."""

    def out_of_fold(self, vectors: torch.Tensor, targets: torch.Tensor, folds: torch.Tensor) -> torch.Tensor:
        """Outputs for each row by what the other folds teach, with the strength that answers one of the folds best.

        Args:
            vectors: of the rows, float32, shape (rows, width).
            targets: of the rows, shape (rows, ...).
            folds: number of the fold of each row.

        Returns:
            Shape (rows, outputs).

        Raises:
            RunCancelled: somebody asked for it.
        """
        drawn = torch.randperm(len(folds), generator=torch.Generator().manual_seed(0))[:MOST_TRIED].sort().values
        first, tried = int(folds[drawn].min()), (vectors[drawn], targets[drawn], folds[drawn])

        def loss(strength: float) -> float:
            outputs = self._of_folds(*tried, [first], strength)
            return float(self.losses(outputs, targets[drawn])[tried[2] == first].mean())

        return self._of_folds(vectors, targets, folds, sorted(set(folds.tolist())), min(STRENGTHS, key=loss))

    def fitted(
        self, vectors: torch.Tensor, targets: torch.Tensor, strength: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight of shape (outputs, width) and bias of shape (outputs,), the weights decayed.

        Args:
            vectors: shape (rows, width).
            targets: of the rows, shape (rows, ...).
            strength: of the decay.

        Raises:
            RunCancelled: somebody asked for it.
        """
        weight = torch.zeros(self.outputs, vectors.shape[1], requires_grad=True)
        bias = torch.zeros(self.outputs, requires_grad=True)
        optimizer = torch.optim.LBFGS([weight, bias], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

        def closure() -> torch.Tensor:
            if self.should_stop():
                raise RunCancelled("stopped while a linear probe learnt", "")
            optimizer.zero_grad()
            losses = self.losses(functional.linear(vectors, weight, bias), targets)
            total = losses.mean() + strength / 2 * weight.square().sum()
            total.backward()  # type: ignore[no-untyped-call]
            return total

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return weight.detach(), bias.detach()

    def _of_folds(
        self,
        vectors: torch.Tensor,
        targets: torch.Tensor,
        folds: torch.Tensor,
        judged: Sequence[int],
        strength: float,
    ) -> torch.Tensor:
        """Outputs for each row of the folds that are judged, shape (rows, outputs); of the others 0."""
        outputs = torch.zeros(len(folds), self.outputs)
        for fold in judged:
            others, own = folds != fold, folds == fold
            mean, spread = vectors[others].mean(0), vectors[others].std(0).clamp(min=LEAST_SPREAD)
            weight, bias = self.fitted((vectors[others] - mean) / spread, targets[others], strength)
            outputs[own] = functional.linear((vectors[own] - mean) / spread, weight, bias)
        return outputs


def out_of_fold_probabilities(
    vectors: Any, has_label: Any, folds: Sequence[int], *, exclusive: bool, should_stop: Callable[[], bool]
) -> Any:
    """How probable each label of each row is, by a probe that has learnt from the other folds.

    Args:
        vectors: of the rows, float32 of numpy, shape (rows, width).
        has_label: which labels a row has, truth values of numpy, shape (rows, labels).
        folds: number of the fold of each row.
        exclusive: whether each row has exactly one label, rather than any number.
        should_stop: whether somebody asked for it.

    Returns:
        Shape (rows, labels), float64 of numpy.

    Raises:
        RunCancelled: somebody asked for it.
    """
    probe = Probe(has_label.shape[1], _exclusive_losses if exclusive else _separate_losses, should_stop)
    targets = torch.from_numpy(has_label.astype(np.float32))
    logits = probe.out_of_fold(torch.from_numpy(vectors), targets, torch.tensor(folds)).double()
    return (logits.softmax(1) if exclusive else logits.sigmoid()).numpy()


def _exclusive_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits, targets, reduction="none")


def _separate_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)
