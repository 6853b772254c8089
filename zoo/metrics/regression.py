"""Metrics of one number for each example."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.blocks import Report, Table
from zoo.metrics.loss import MeanLoss
from zoo.units import plain_number

if TYPE_CHECKING:
    from zoo.metrics.intervals import Interval

GROUPS = 5
"""Of like numbers of examples, in the report."""
NUMBERS_A_ROW = 16
"""That a draw takes for the intervals: sums, two ranks and their correlation."""


class RegressionMetrics:
    """RMSE, MAE, R2 and Spearman's rank correlation of predicted numbers.

    R2 is the share of the variance that is explained: 0 for a model that always says the mean of the true numbers. A
    figure that is undefined is left out: R2 where all true numbers are the same, the correlation where all predicted
    ones are, too.

    Args:
        labels: none; every judge gets those of its model.
    """

    FIGURES = ("rmse", "mae", "r2", "spearman")
    """Names of all that it may give of answers."""

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self._numbers, self._predicted = array("d"), array("d")
        self._loss = MeanLoss()

    def update(self, number: float, predicted: float, loss: float | None = None) -> None:
        """Count one example.

        Args:
            number: the true one.
            predicted: what is said.
            loss: of the example.
        """
        self._numbers.append(number)
        self._predicted.append(predicted)
        if loss is not None:
            self._loss.update(loss)

    def add(self, target: Any, answer: Any) -> None:
        """Count the number that the data gives and that of a `zoo.Quantity`."""
        self.update(target, answer.value)

    def merge(self, other: RegressionMetrics) -> None:
        """Take in what another process saw."""
        self._numbers.extend(other._numbers)
        self._predicted.extend(other._predicted)
        self._loss.merge(other._loss)

    def compute(self) -> dict[str, float]:
        """`rmse`, `mae`, `r2`, `spearman` and, where losses were given, `loss`; no more than that while it diverges."""
        count = len(self._numbers)
        if not count or not all(map(math.isfinite, self._predicted)):
            return self._loss.compute()
        errors = [predicted - true for true, predicted in zip(self._numbers, self._predicted, strict=True)]
        squares = math.fsum(error * error for error in errors)
        figures = {"rmse": math.sqrt(squares / count), "mae": math.fsum(map(abs, errors)) / count}
        if len(set(self._numbers)) > 1:
            mean = math.fsum(self._numbers) / count
            figures["r2"] = 1 - squares / math.fsum((number - mean) ** 2 for number in self._numbers)
        correlation = correlation_of(ranks(self._numbers), ranks(self._predicted))
        if correlation is not None:
            figures["spearman"] = correlation
        return {**figures, **self._loss.compute()}

    def intervals(self) -> dict[str, Interval]:
        """Of all but the loss, over rows."""
        import numpy as np

        from zoo.metrics.intervals import named, resampled_intervals

        true, predicted = np.frombuffer(self._numbers), np.frombuffer(self._predicted)
        if not len(true) or not np.isfinite(predicted).all():
            return {}
        # Sums of squares are those of small numbers: of large ones nothing would be left of their differences.
        errors, centred = predicted - true, true - true.mean()
        columns = np.column_stack([errors**2, np.abs(errors), centred, centred**2])
        orders = [_Order.of(values) for values in (true, predicted)]

        def figures(drawn: Any) -> Any:
            rows = drawn.sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                squares, absolute, sums, variances = (drawn @ columns).T
                r2 = 1 - squares / (variances - sums**2 / rows)
                correlation = _weighted_correlation(orders[0].ranks(drawn), orders[1].ranks(drawn), drawn)
                return np.column_stack([np.sqrt(squares / rows), absolute / rows, r2, correlation])

        names, known = ("rmse", "mae", "r2", "spearman"), self.compute()
        found = named(names, resampled_intervals(len(true), figures, width=NUMBERS_A_ROW))
        return {name: one for name, one in found.items() if name in known}

    def report(self) -> Report:
        """How far off the answers are, from the smallest true numbers to the largest; empty where there are none."""
        rows = tuple(
            (
                _span(pairs),
                math.fsum(predicted for _, predicted in pairs) / len(pairs),
                math.fsum(abs(predicted - true) for true, predicted in pairs) / len(pairs),
                len(pairs),
            )
            for pairs in self._groups()
        )
        headers = ("true number", "mean prediction", "mean absolute error", "rows")
        return (Table(title="Errors", headers=headers, rows=rows),) if rows else ()

    def _groups(self) -> Iterator[list[tuple[float, float]]]:
        """Pairs of true and predicted numbers, in groups of like size; equal true numbers stay together."""
        pairs = sorted(zip(self._numbers, self._predicted, strict=True))
        group: list[tuple[float, float]] = []
        grouped = 0
        for _, same in groupby(pairs, key=lambda pair: pair[0]):
            group += same
            if (grouped + len(group)) * GROUPS >= len(pairs) * (grouped * GROUPS // len(pairs) + 1):
                yield group
                grouped, group = grouped + len(group), []


def ranks(numbers: Sequence[float]) -> list[float]:
    """The 1-based rank of each number; equal ones share the mean of theirs."""
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    ranked = [0.0] * len(numbers)
    before = 0
    for _, same in groupby(order, key=numbers.__getitem__):
        indices = list(same)
        for index in indices:
            ranked[index] = before + (len(indices) + 1) / 2
        before += len(indices)
    return ranked


class _Order(NamedTuple):
    """How numbers are ordered, equal ones together."""

    order: Any
    """The places of the numbers, the smallest first."""
    starts: Any
    """Where those begin that are equal, in that order."""
    groups: Any
    """Which of these each number is of, by its place."""

    @classmethod
    def of(cls, numbers: Any) -> _Order:
        import numpy as np

        _, groups = np.unique(numbers, return_inverse=True)
        order = np.argsort(groups, kind="stable")
        starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
        return cls(order, starts, groups)

    def ranks(self, drawn: Any) -> Any:
        """The rank of each number where it was drawn so many times, shape (draws, numbers)."""
        import numpy as np

        sizes = np.add.reduceat(drawn[:, self.order], self.starts, axis=1)
        return (np.cumsum(sizes, axis=1) - (sizes - 1) / 2)[:, self.groups]


def _weighted_correlation(xs: Any, ys: Any, weights: Any) -> Any:
    """Pearson's correlation of each draw, shape (draws,)."""
    import numpy as np

    total = weights.sum(axis=1, keepdims=True)
    xs = xs - (weights * xs).sum(axis=1, keepdims=True) / total
    ys = ys - (weights * ys).sum(axis=1, keepdims=True) / total
    covariance, x_square, y_square = ((weights * product).sum(axis=1) for product in (xs * ys, xs * xs, ys * ys))
    return covariance / np.sqrt(x_square * y_square)


def correlation_of(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Pearson's correlation; None where one side does not vary."""
    if len(set(xs)) < 2 or len(set(ys)) < 2:
        return None
    x_mean, y_mean = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    covariance = math.fsum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    x_square, y_square = math.fsum((x - x_mean) ** 2 for x in xs), math.fsum((y - y_mean) ** 2 for y in ys)
    return covariance / math.sqrt(x_square * y_square)


def _span(pairs: Sequence[tuple[float, float]]) -> str:
    first, last = plain_number(pairs[0][0]), plain_number(pairs[-1][0])
    return first if first == last else f"{first} to {last}"
