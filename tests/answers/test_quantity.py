"""An answer that is a number."""

from __future__ import annotations

import msgspec
import pytest

import zoo
from zoo.answers import InvalidAnswer, Rejected
from zoo.blocks import Paragraph
from zoo.metrics import RegressionMetrics


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.200000048, "3.2"), (-0.5, "-0.5"), (12345678.0, "12345678"), (1e20, "1e+20"), (1.5e-7, "1.5e-07"), (4.0, "4")],
)
def test_a_number_is_shown_with_the_digits_it_has(value: float, text: str) -> None:
    answer = zoo.Quantity(value=value)
    (block,) = answer.blocks()
    assert isinstance(block, Paragraph)
    assert (block.text, answer.cells().prediction) == (text, text)


def test_json_holds_the_number() -> None:
    written = msgspec.json.encode(zoo.Quantity(value=3.25))
    assert written == b'{"type":"quantity","value":3.25}'
    assert msgspec.json.decode(written, type=zoo.Quantity | Rejected) == zoo.Quantity(value=3.25)


def test_a_mistake_is_as_bad_as_it_is_far_off() -> None:
    assert zoo.Quantity(value=3.0).severity(5.0) == 2.0
    assert zoo.Quantity(value=3.0).severity(3.0) is None


def test_numbers_are_finite() -> None:
    is_right = zoo.Quantity.quick_check(frozenset())
    assert is_right(zoo.Quantity(value=3.0))
    assert not is_right(zoo.Quantity(value=float("nan")))
    with pytest.raises(InvalidAnswer, match="value inf"):
        zoo.Quantity(value=float("inf")).checked(frozenset())


def test_judged_by_answers_the_figures_are_those_of_numbers() -> None:
    judge, metrics = RegressionMetrics(()), RegressionMetrics()
    for true, predicted in ((1.0, 2.0), (4.0, 3.5), (2.0, 2.0)):
        judge.add(true, zoo.Quantity(value=predicted))
        metrics.update(true, predicted)
    assert judge.compute() == metrics.compute()
