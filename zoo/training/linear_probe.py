"""A linear classifier on vectors that stay as they are: what a body knows of labels, without training the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

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


def out_of_fold_probabilities(
    vectors: Any, given: Any, folds: Sequence[int], *, exclusive: bool, should_stop: Callable[[], bool]
) -> Any:
    """How probable each label of each row is, by a probe that has learnt from the other folds.

    Args:
        vectors: of the rows, float32 of numpy, shape (rows, width).
        given: which labels a row has, truth values of numpy, shape (rows, labels).
        folds: number of the fold of each row.
        exclusive: whether each row has exactly one label, rather than any number.
        should_stop: whether somebody asked for it.

    Returns:
        Shape (rows, labels), float64 of numpy.

    Raises:
        RunCancelled: somebody asked for it.
    """
    inputs, targets, numbers = (
        torch.from_numpy(vectors),
        torch.from_numpy(given.astype(np.float32)),
        torch.tensor(folds),
    )
    drawn = torch.randperm(len(folds), generator=torch.Generator().manual_seed(0))[:MOST_TRIED].sort().values

    first, tried = int(numbers[drawn].min()), (inputs[drawn], targets[drawn], numbers[drawn])

    def loss(strength: float) -> float:
        logits = _of_folds(*tried, [first], strength, exclusive, should_stop)
        return float(_losses(logits, targets[drawn], exclusive)[tried[2] == first].mean())

    strength = min(STRENGTHS, key=loss)
    logits = _of_folds(inputs, targets, numbers, sorted(set(folds)), strength, exclusive, should_stop).double()
    return (logits.softmax(1) if exclusive else logits.sigmoid()).numpy()


def _of_folds(
    vectors: torch.Tensor,
    given: torch.Tensor,
    folds: torch.Tensor,
    judged: Sequence[int],
    strength: float,
    exclusive: bool,
    should_stop: Callable[[], bool],
) -> torch.Tensor:
    """Logits of each row of the folds that are judged, shape (rows, labels); of the others 0."""
    logits = torch.zeros_like(given)
    for fold in judged:
        if should_stop():
            raise RunCancelled("stopped while a linear probe learnt", "")
        others, own = folds != fold, folds == fold
        mean, spread = vectors[others].mean(0), vectors[others].std(0).clamp(min=LEAST_SPREAD)
        weight, bias = _fitted((vectors[others] - mean) / spread, given[others], strength, exclusive)
        logits[own] = functional.linear((vectors[own] - mean) / spread, weight, bias)
    return logits


def _fitted(
    vectors: torch.Tensor, given: torch.Tensor, strength: float, exclusive: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight of shape (labels, width) and bias of shape (labels,): logistic regression with decayed weights."""
    weight = torch.zeros(given.shape[1], vectors.shape[1], requires_grad=True)
    bias = torch.zeros(given.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        losses = _losses(functional.linear(vectors, weight, bias), given, exclusive)
        total = losses.mean() + strength / 2 * weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def _losses(logits: torch.Tensor, given: torch.Tensor, exclusive: bool) -> torch.Tensor:
    """Of each row, in nats, shape (rows,)."""
    if exclusive:
        return functional.cross_entropy(logits, given, reduction="none")
    return functional.binary_cross_entropy_with_logits(logits, given, reduction="none").sum(1)
