"""One number an example: the figures are those of scikit-learn and scipy, in the unit of the data."""

from __future__ import annotations

import random

import pytest

from zoo.blocks import Table
from zoo.metrics import RegressionMetrics

skm = pytest.importorskip("sklearn.metrics")
stats = pytest.importorskip("scipy.stats")


def drawn(seed: int, rows: int, *, digits: int, scale: float = 1.0) -> tuple[list[float], list[float]]:
    """True numbers and predicted ones; few digits make many of them equal."""
    draw = random.Random(seed)
    numbers = [round(scale * draw.gauss(3, 2), digits) for _ in range(rows)]
    return numbers, [round(number + scale * draw.gauss(0, 1), digits) for number in numbers]


def metrics_of(numbers: list[float], predicted: list[float]) -> RegressionMetrics:
    metrics = RegressionMetrics()
    for number, answer in zip(numbers, predicted, strict=True):
        metrics.update(number, answer, loss=(number - answer) ** 2)
    return metrics


@pytest.mark.parametrize("digits", [0, 1, 15])
@pytest.mark.parametrize(("rows", "scale"), [(3, 1.0), (50, 1e6), (501, 1e-4)])
def test_figures_are_those_of_scikit_learn_and_scipy(rows: int, scale: float, digits: int) -> None:
    numbers, predicted = drawn(rows, rows, digits=digits if scale == 1.0 else digits + 6, scale=scale)
    figures = metrics_of(numbers, predicted).compute()
    expected = {
        "rmse": skm.root_mean_squared_error(numbers, predicted),
        "mae": skm.mean_absolute_error(numbers, predicted),
        "r2": skm.r2_score(numbers, predicted),
        "spearman": stats.spearmanr(numbers, predicted).statistic,
        "loss": skm.mean_squared_error(numbers, predicted),
    }
    assert figures == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale)


def test_undefined_figures_are_left_out() -> None:
    assert metrics_of([3.0, 3.0], [1.0, 2.0]).compute().keys() == {"rmse", "mae", "loss"}
    assert metrics_of([1.0, 2.0], [3.0, 3.0]).compute().keys() == {"rmse", "mae", "r2", "loss"}
    assert metrics_of([1.0], [3.0]).compute() == {"rmse": 2.0, "mae": 2.0, "loss": 4.0}
    assert RegressionMetrics().compute() == {}
    assert RegressionMetrics().report() == ()


def test_a_training_that_diverges_has_a_loss_and_no_more() -> None:
    assert metrics_of([1.0, 2.0], [float("inf"), 1.0]).compute() == {"loss": float("inf")}


def test_the_report_goes_from_small_numbers_to_large_ones() -> None:
    numbers = [float(i) for i in range(10)]
    (table,) = metrics_of(numbers, [n + 1 for n in numbers]).report()
    assert table == Table(
        title="Errors",
        headers=("true number", "mean prediction", "mean absolute error", "rows"),
        rows=tuple((f"{i} to {i + 1}", i + 1.5, 1.0, 2) for i in range(0, 10, 2)),
    )


def test_large_numbers_are_told_apart_in_the_report() -> None:
    numbers = [1_700_000_000.5 + 1000 * i for i in range(4)]
    (table,) = metrics_of(numbers, numbers).report()
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["1700000000", "1700001000", "1700002000", "1700003000"]


@pytest.mark.parametrize(("counts", "groups"), [([1], [1]), ([1, 1, 98], [100]), ([60, 20, 20], [60, 20, 20])])
def test_equal_numbers_stay_together_in_the_report(counts: list[int], groups: list[int]) -> None:
    numbers = [float(value) for value, count in enumerate(counts) for _ in range(count)]
    (table,) = metrics_of(numbers, numbers).report()
    assert isinstance(table, Table)
    assert [row[-1] for row in table.rows] == groups


def test_processes_together_see_what_one_sees() -> None:
    numbers, predicted = drawn(5, 60, digits=1)
    one, other = metrics_of(numbers[:20], predicted[:20]), metrics_of(numbers[20:], predicted[20:])
    one.merge(other)
    assert one.compute() == pytest.approx(metrics_of(numbers, predicted).compute(), rel=1e-12)
    assert one.report() == metrics_of(numbers, predicted).report()
