"""One is one thing, and all else are several."""

from __future__ import annotations

import pytest

from zoo.plurals import counted, name_list, ordinal


@pytest.mark.parametrize(
    ("number", "noun", "verb", "text"),
    [
        (0, "row", "", "0 rows"),
        (1, "row", "", "1 row"),
        (1200, "row", "", "1,200 rows"),
        (1, "row", "hold", "1 row holds"),
        (2, "row", "hold", "2 rows hold"),
        (1, "text", "are", "1 text is"),
        (3, "text", "are", "3 texts are"),
        (1, "class", "have", "1 class has"),
        (2, "process", "", "2 processes"),
        (1.0, "epoch", "", "1 epoch"),
        (2.666, "epoch", "", "2.67 epochs"),
        (40.0, "epoch", "", "40 epochs"),
    ],
)
def test_the_noun_and_the_verb_go_with_the_number(number: float, noun: str, verb: str, text: str) -> None:
    assert text == counted(number, noun, verb)


def test_which_of_several() -> None:
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 22, 111, 1003)
    texts = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th", "1,003rd"]

    assert texts == [ordinal(number) for number in numbers]


def test_names_that_hold_a_comma_are_told_apart() -> None:
    assert name_list(("text", "message, long", "label")) == "text, 'message, long', label"
