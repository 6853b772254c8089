"""A model whose answers have no figure: it is no number anywhere, and neither better, worse nor tied."""

from __future__ import annotations

import math

import msgspec
import pytest

import zoo
from zoo.comparison import Comparison, words
from zoo.comparison.intervals import figures_of
from zoo.comparison.messages import Compared, Reply
from zoo.comparison.result import ComparedModel, Cost, Figure, PairTest, document
from zoo.encoding import encode_json
from zoo.runs.judging import CheckedJudge
from zoo.runs.paired_figure import Judged, PairedFigure
from zoo.tasks import get_task

ROWS = 60


def answered(*values: float) -> list[Judged]:
    return [(float(row), zoo.Quantity(value)) for row, value in enumerate(values)]


def test_answers_that_are_not_finite_have_no_figure_no_interval_and_no_test() -> None:
    task = get_task("text-regression")
    judged = answered(*range(1, ROWS + 1)), answered(*range(1, ROWS), math.inf)
    figure = PairedFigure(task, (), "", judged[0])
    first, second = map(figure.of, judged)
    judge = CheckedJudge(task, ())
    for target, answer in second.judged:
        judge.add(target, answer)

    assert figures_of(judge, second, figure) == {"rmse": Figure(None)}
    difference = figure.difference(first, second)
    assert difference.first == 1.0
    assert all(map(math.isnan, difference[1:])), "no draw that happens to lack the row makes a test"


def compared(figures: dict[str, float | None], *pairs: tuple[str, str, float | None, float | None]) -> Comparison:
    return Comparison(
        models=tuple(
            ComparedModel(name=name, model=name, metrics={"rmse": Figure(value)}, cost=Cost(weights_bytes=size))
            for size, (name, value) in enumerate(figures.items())
        ),
        metric="rmse",
        larger_is_better=False,
        rows=ROWS,
        pairs=tuple(
            PairTest(
                first=first,
                second=second,
                difference=difference,
                low=None,
                high=None,
                test="paired bootstrap",
                p=p,
                corrected=p,
                better_first=0,
                better_second=0,
            )
            for first, second, difference, p in pairs
        ),
    )


@pytest.mark.parametrize(
    ("comparison", "best", "verdict", "told_apart"),
    [
        (
            compared({"lost": None, "one": 1.0}, ("lost", "one", None, None)),
            "one",
            "lost has no rmse on 60 rows; one alone has one",
            [None],
        ),
        (
            compared(
                {"lost": None, "two": 2.0, "one": 1.0},
                ("lost", "two", None, None),
                ("lost", "one", None, None),
                ("two", "one", 1.0, 0.001),
            ),
            "one",
            "lost has no rmse on 60 rows; one is better than two by rmse on 60 rows",
            [None, None, "one is better"],
        ),
        (compared({"a": None, "b": None}, ("a", "b", None, None)), "", "a and b have no rmse on 60 rows", [None]),
    ],
)
def test_it_is_said_and_read_as_it_was_written(
    comparison: Comparison, best: str, verdict: str, told_apart: list[str | None]
) -> None:
    reply = msgspec.json.decode(encode_json(Compared(comparison)), type=Reply)

    assert reply == Compared(comparison)
    assert (comparison.best, comparison.choice, comparison.verdict) == (best, best, verdict)
    assert [row[-1] for row in words.test_table(comparison).rows] == told_apart
    assert words.figure_table(comparison).rows[0][1] is None
    assert document(comparison)["pairs"][0]["tied"] is False
