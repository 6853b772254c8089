"""Intervals: those of shares are Wilson's, the others hold as often as they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.answers import Classification, Quantity, Score, ScoredText
from zoo.metrics import (
    ClassificationMetrics,
    LabelSetMetrics,
    RegressionMetrics,
    SegmentationMetrics,
    SpanMetrics,
    TranscriptMetrics,
)
from zoo.metrics.intervals import (
    FEWEST_ROWS,
    Interval,
    intervals_of,
    intervals_of_sums,
    resampled_intervals,
    wilson_interval,
)
from zoo.metrics.perplexity import PerplexityMetrics

SIMULATED = 300
"""Data sets."""


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (81, 263, 0.25527, 0.36621)],
)
def test_the_interval_of_a_share_is_that_of_wilson(part: int, whole: int, low: float, high: float) -> None:
    interval = wilson_interval(part, whole)  # 81 of 263: Newcombe 1998, table I
    assert interval is not None
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=5e-5)


def test_nothing_has_no_interval() -> None:
    assert wilson_interval(0, 0) is None
    assert {} == intervals_of_sums([], lambda sums: {"mean": sums[0]})
    assert {} == ClassificationMetrics(["a", "b"]).intervals()
    assert {} == intervals_of(object())


def test_figures_of_too_few_rows_or_without_any_spread_have_none() -> None:
    def mean(drawn: Any) -> Any:
        return (drawn @ np.arange(drawn.shape[1]))[:, None]

    assert [None] == resampled_intervals(FEWEST_ROWS - 1, mean)
    assert [None] != resampled_intervals(FEWEST_ROWS, mean)
    assert [None] == resampled_intervals(100, lambda drawn: np.ones((len(drawn), 1)))
    assert [None] == resampled_intervals(100, lambda drawn: np.full((len(drawn), 1), np.nan))


def test_memory_is_bounded_and_many_rows_are_drawn_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.metrics.intervals.AT_ONCE", 2_000)
    monkeypatch.setattr("zoo.metrics.intervals.MOST_DRAWN", 250_000)
    sizes: list[tuple[int, int]] = []

    def figures(drawn: Any) -> Any:
        sizes.append(drawn.shape)
        return drawn[:, :1]

    resampled_intervals(1_000, figures)
    assert {(2, 1_000)} == set(sizes)
    assert 250 == sum(draws for draws, _ in sizes)
    sizes.clear()
    resampled_intervals(1_000, figures, width=100)
    assert 200 == sum(draws for draws, _ in sizes)


def test_kinds_of_rows_are_as_good_as_the_rows_themselves() -> None:
    rows = np.array([0.0] * 70 + [1.0] * 30)
    (each,) = intervals_of_sums(np.column_stack([rows, np.ones(100)]), lambda s: {"mean": s[0] / s[1]}).values()
    (kinds,) = resampled_intervals(2, lambda drawn: (drawn[:, 1] / drawn.sum(1))[:, None], times=[70, 30])
    assert kinds is not None
    assert (each.low, each.high) == pytest.approx((kinds.low, kinds.high), abs=0.015)


def test_the_order_of_rows_is_of_no_account() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 2))

    def figures(sums: Any) -> dict[str, Any]:
        return {"ratio": sums[0] / sums[1]}

    assert intervals_of_sums(rows, figures) == intervals_of_sums(rows[::-1], figures)


def _classifier(random: Any, rows: int) -> ClassificationMetrics:
    """Three classes of unequal size; one in five answers is another class."""
    metrics = ClassificationMetrics(["a", "b", "c"])
    true = random.choice(3, size=rows, p=(0.6, 0.3, 0.1))
    answered = np.where(random.random(rows) < 0.8, true, random.integers(3, size=rows))
    for label, answer in zip(true.tolist(), answered.tolist(), strict=True):
        metrics.update(label, answer)
    return metrics


def _numbers(random: Any, rows: int) -> RegressionMetrics:
    metrics = RegressionMetrics()
    for number, noise in random.normal(size=(rows, 2)).tolist():
        metrics.update(number, 0.8 * number + 0.5 * noise)
    return metrics


def _texts(random: Any, rows: int) -> PerplexityMetrics:
    metrics = PerplexityMetrics()
    for loss, tokens in zip(random.gamma(4.0, 0.5, size=rows), random.integers(5, 50, size=rows), strict=True):
        metrics.add(None, ScoredText(loss=float(loss), tokens=int(tokens)))
    return metrics


def _spans(random: Any, rows: int) -> SpanMetrics:
    """Texts with one to three spans, of which three in four are found."""
    metrics = SpanMetrics(["x"])
    for spans in random.integers(1, 4, size=rows).tolist():
        true = {(10 * number, 10 * number + 5, "x") for number in range(spans)}
        answered = {span if random.random() < 0.75 else (span[0], span[1] + 1, "x") for span in true}
        metrics.update(true, answered)
    return metrics


def _label_sets(random: Any, rows: int) -> LabelSetMetrics:
    metrics = LabelSetMetrics(["x", "y", "z"], threshold=0.5)
    targets = random.random((rows, 3)) < (0.5, 0.3, 0.2)
    probabilities = np.where(random.random((rows, 3)) < 0.8, targets, ~targets)
    for has, said in zip(targets.tolist(), probabilities.astype(float).tolist(), strict=True):
        metrics.update(has, said)
    return metrics


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judged", "names"),
    [
        (_classifier, ("accuracy", "macro_f1")),
        (_numbers, ("rmse", "mae", "r2", "spearman")),
        (_texts, ("perplexity",)),
        (_spans, ("span_f1", "recall")),
        (_label_sets, ("micro_f1", "macro_f1", "subset_accuracy")),
    ],
)
def test_intervals_hold_as_often_as_they_say(
    judged: Callable[[Any, int], Any], names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.metrics.intervals.RESAMPLES", 400)
    random = np.random.default_rng(1)
    truth = judged(random, 20_000).compute()
    intervals = [judged(random, 150).intervals() for _ in range(SIMULATED)]
    for name in names:
        held = sum(one[name].low <= truth[name] <= one[name].high for one in intervals) / SIMULATED
        # 95%, with three standard deviations of a share of so many; a percentile bootstrap holds a little less often
        assert 0.905 <= held <= 0.99, (name, held)


def test_the_figures_of_a_judge_lie_in_their_intervals() -> None:
    random = np.random.default_rng(2)
    for judged in (_classifier, _numbers, _texts, _spans, _label_sets):
        metrics: Any = judged(random, 300)
        figures, intervals = metrics.compute(), metrics.intervals()
        assert intervals
        for name, one in intervals.items():
            assert one.low <= figures[name] <= one.high, (judged, name)


def test_the_report_of_an_evaluation_has_the_interval_of_each_class() -> None:
    metrics = _classifier(np.random.default_rng(3), 400)
    classes, _ = metrics.detailed_report()
    plain, _ = metrics.report()
    assert ("class", "precision", "recall", "f1", "f1 low", "f1 high", "rows") == classes.headers
    assert [row[:4] for row in plain.rows] == [row[:4] for row in classes.rows]
    assert all(low < f1 < high for _, _, _, f1, low, high, _ in classes.rows)


def test_a_class_that_does_not_occur_is_in_no_mean() -> None:
    metrics = ClassificationMetrics(["a", "b", "never"])
    for number in range(60):
        metrics.update(number % 2, number % 2 if number % 5 else 0)
    one = metrics.intervals()["macro_f1"]
    assert one.low < metrics.compute()["macro_f1"] < one.high


def test_thresholds_are_told_beside_the_one_that_is_used() -> None:
    metrics = _label_sets(np.random.default_rng(4), 100)
    _, thresholds = metrics.detailed_report()
    names = [row[0] for row in thresholds.rows]
    assert "Thresholds" == thresholds.title
    assert ["0.1", "0.2", "0.3", "0.4", "0.5 (used)", "0.6", "0.7", "0.8", "0.9"] == names
    used = metrics.compute()
    assert (used["micro_precision"], used["micro_recall"], used["micro_f1"], used["subset_accuracy"]) == pytest.approx(
        thresholds.rows[4][1:]
    )


def test_pixels_are_drawn_by_the_picture() -> None:
    random = np.random.default_rng(5)
    metrics, other = SegmentationMetrics(["a", "b"]), SegmentationMetrics(["b", "a", "c"])
    for number in range(60):
        truth = random.integers(2, size=(8, 8)).astype(np.uint8)
        answer = np.where(random.random((8, 8)) < 0.9 - 0.005 * number, truth, 1 - truth)
        (metrics if number % 2 else other).update(truth, answer)
    metrics.merge(other)
    figures, intervals = metrics.compute(), metrics.intervals()
    assert {"miou", "pixel_accuracy", "dice"} == intervals.keys()
    assert all(intervals[name].low < figures[name] < intervals[name].high for name in intervals)


def test_the_interval_of_a_word_error_rate_is_the_one_it_is_shown_with() -> None:
    metrics = TranscriptMetrics()
    for number in range(40):
        metrics.update("one two three four", "one two three" if number % 3 else "one too three for")
    figures = metrics.compute()
    intervals = metrics.intervals()
    assert Interval(figures["wer_low"], figures["wer_high"]) == intervals["wer"]
    assert intervals["cer"].low < figures["cer"] < intervals["cer"].high


def test_answers_are_counted_like_figures_of_a_training() -> None:
    judge, counted = RegressionMetrics(), RegressionMetrics()
    for number in range(30):
        judge.add(float(number), Quantity(value=number + (-1.0) ** number))
        counted.update(float(number), number + (-1.0) ** number)
    assert counted.intervals() == judge.intervals()
    labels = ClassificationMetrics(["a", "b"])
    labels.add("a", Classification(scores=(Score("a", 0.9), Score("b", 0.1))))
    assert {"accuracy"} == labels.intervals().keys()
