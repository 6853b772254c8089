"""Several labels an example: the figures are scikit-learn's, the threshold is the best there is."""

from __future__ import annotations

import random

import pytest

from zoo.answers import LabelSet, Score
from zoo.blocks import Table
from zoo.metrics import LabelSetMetrics
from zoo.metrics.label_sets import best_threshold

skm = pytest.importorskip("sklearn.metrics")


def drawn(seed: int, rows: int, labels: int, *, digits: int = 17) -> tuple[list[list[int]], list[list[float]]]:
    """Targets, and probabilities that know something of them; few digits make many of them equal."""
    draw = random.Random(seed)
    shares = [draw.random() * 0.5 for _ in range(labels)]
    targets = [[int(draw.random() < share) for share in shares] for _ in range(rows)]
    scores = [[round(min(1.0, max(0.0, draw.gauss(0.3 + 0.3 * y, 0.25))), digits) for y in row] for row in targets]
    return targets, scores


def metrics_of(targets: list[list[int]], scores: list[list[float]], threshold: float | None = None) -> LabelSetMetrics:
    metrics = LabelSetMetrics([f"label {i}" for i in range(len(targets[0]))], threshold)
    for row, (truth, row_scores) in enumerate(zip(targets, scores, strict=True)):
        metrics.update(truth, row_scores, loss=row / 7)
    return metrics


@pytest.mark.parametrize("threshold", [0.5, 0.17, 0.9, None])
@pytest.mark.parametrize(("rows", "labels"), [(1, 2), (57, 3), (200, 9)])
def test_figures_are_those_of_scikit_learn(rows: int, labels: int, threshold: float | None) -> None:
    targets, scores = drawn(rows, rows, labels)
    metrics = metrics_of(targets, scores, threshold)
    figures = metrics.compute()
    predicted = [[int(p >= figures["threshold"]) for p in row] for row in scores]

    expected = {
        "micro_f1": skm.f1_score(targets, predicted, average="micro", zero_division=0),
        "macro_f1": skm.f1_score(targets, predicted, average="macro", zero_division=float("nan")),
        "micro_precision": skm.precision_score(targets, predicted, average="micro", zero_division=0),
        "micro_recall": skm.recall_score(targets, predicted, average="micro", zero_division=0),
        "subset_accuracy": sum(a == b for a, b in zip(targets, predicted, strict=True)) / rows,
        "threshold": metrics.threshold,
        "loss": sum(row / 7 for row in range(rows)) / rows,
    }
    assert figures == pytest.approx(expected, abs=1e-9)

    (table,) = metrics.report()
    assert isinstance(table, Table)
    per_class = skm.precision_recall_fscore_support(targets, predicted, zero_division=float("nan"))
    cells = [[float("nan") if cell is None else cell for cell in row[1:]] for row in table.rows]
    for row, expected_row in zip(cells, zip(*per_class, strict=True), strict=True):
        assert row == pytest.approx(list(expected_row), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("digits", [1, 2, 17])
@pytest.mark.parametrize("seed", range(12))
def test_no_threshold_gives_a_better_micro_f1(seed: int, digits: int) -> None:
    targets, scores = drawn(seed, 40, 4, digits=digits)
    figures = metrics_of(targets, scores).compute()
    flat = sorted({p for row in scores for p in row})
    for threshold in flat:
        assert metrics_of(targets, scores, threshold).compute()["micro_f1"] <= figures["micro_f1"] + 1e-12
    assert figures["threshold"] not in flat, "rounding of another machine changes no answer"


@pytest.mark.parametrize(
    ("targets", "probabilities", "threshold"),
    [
        ([1, 0], [0.9, 0.1], 0.5),
        ([1, 1, 0, 0], [0.9, 0.3, 0.2, 0.1], 0.25),
        ([1, 1], [0.9, 0.4], 0.2),
        ([0, 0], [0.9, 0.4], 0.5),
        ([], [], 0.5),
        ([1, 0, 1], [0.5, 0.5, 0.5], 0.25),
        ([1, 0], [5e-324, 0.0], 5e-324),
    ],
)
def test_the_threshold_stands_in_the_middle_of_the_gap(
    targets: list[int], probabilities: list[float], threshold: float
) -> None:
    assert best_threshold(targets, probabilities) == pytest.approx(threshold)


def test_processes_together_see_what_one_sees() -> None:
    targets, scores = drawn(3, 90, 5)
    one, other = metrics_of(targets[:31], scores[:31]), metrics_of(targets[31:], scores[31:])
    one.merge(other)
    whole = metrics_of(targets, scores)
    assert {**one.compute(), "loss": 0.0} == {**whole.compute(), "loss": 0.0}
    assert one.report() == whole.report()


def test_examples_without_any_label_count() -> None:
    metrics = LabelSetMetrics(["a", "b"], 0.5)
    metrics.update([0, 0], [0.1, 0.2])
    metrics.update([1, 0], [0.1, 0.2])
    assert metrics.compute() == {
        "micro_f1": 0.0,
        "macro_f1": 0.0,
        "micro_precision": 0.0,
        "micro_recall": 0.0,
        "subset_accuracy": 0.5,
        "threshold": 0.5,
    }
    assert metrics.report()[0] == Table(
        title="Classes",
        headers=("class", "precision", "recall", "f1", "rows"),
        rows=(("a", None, 0.0, 0.0, 1), ("b", None, None, None, 0)),
    )


def test_answers_of_models_with_thresholds_of_their_own_are_counted_as_they_were_given() -> None:
    metrics = LabelSetMetrics(["a", "b"])
    for threshold in (0.3, 0.6, 1.0, 0.3):
        for target in (("a",), ("b",)):
            scores = [Score(one, threshold if one in target else threshold - 0.1) for one in ("a", "b")]
            metrics.add(target, LabelSet(labels=target, scores=tuple(scores), threshold=threshold))
    figures = metrics.compute()
    assert (figures["micro_f1"], figures["subset_accuracy"], figures["threshold"]) == (1.0, 1.0, 0.3)


def test_nothing_seen_says_nothing() -> None:
    assert LabelSetMetrics(["a"]).compute() == {}
    assert LabelSetMetrics(["a"]).report() == ()
    with pytest.raises(ValueError, match="1 targets and 2 probabilities for 2 labels"):
        LabelSetMetrics(["a", "b"]).update([1], [0.1, 0.2])
