"""Answers that are parts of a text: their places, their scores, and what breaks the contract."""

from __future__ import annotations

import pytest

from zoo.answers import ContextSpan, ExtractedAnswer, InvalidAnswer
from zoo.blocks import Bar, Bars

DEPOT = ContextSpan(18, 27, "the depot", 0.75)
NOTHING = ContextSpan(0, 0, "", 0.25)


def test_the_likeliest_comes_first_with_its_place() -> None:
    answer = ExtractedAnswer((DEPOT, NOTHING))
    assert answer.text == "the depot"
    assert answer.cells()[:2] == ("the depot", 0.75)
    assert answer.blocks() == (Bars(bars=(Bar("the depot (18 to 27)", 0.75), Bar("(no answer)", 0.25))),)
    assert ExtractedAnswer.quick_check(frozenset())(answer)
    assert answer.checked(frozenset()) == answer


def test_rounding_errors_are_put_right() -> None:
    answer = ExtractedAnswer((ContextSpan(0, 1, "a", 1.0000001),))
    assert not ExtractedAnswer.quick_check(frozenset())(answer)
    assert answer.checked(frozenset()).spans[0].score == 1.0


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ((), "no spans"),
        ((ContextSpan(3, 5, "abc", 0.5),), "from 3 to 5 with the text 'abc'"),
        ((ContextSpan(0, 1, "a", 1.5),), "score 1.5"),
        ((NOTHING, DEPOT), "score 0.75, after 0.25"),
    ],
)
def test_what_makes_no_sense_is_named(spans: tuple[ContextSpan, ...], fault: str) -> None:
    with pytest.raises(InvalidAnswer, match=fault):
        ExtractedAnswer(spans).checked(frozenset())
