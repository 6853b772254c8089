"""Spans of a text: what is checked, how bad a mistake is, what a table has of them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

import zoo
from zoo.answers.answer import InvalidAnswer

TEXT = "Ada Lovelace was born in London."
LABELS = frozenset({"person", "location"})
ADA, LONDON = (
    zoo.TaggedSpan(0, 12, "person", "Ada Lovelace", 0.75),
    zoo.TaggedSpan(25, 31, "location", "London", 1.0),
)
ANSWER = zoo.TaggedSpans(TEXT, (ADA, LONDON))


def true(*spans: zoo.TaggedSpan) -> tuple[zoo.SpanMark, ...]:
    """What data say: places and labels."""
    return tuple(zoo.SpanMark(one.start, one.end, one.label) for one in spans)


def changed(**fields: Any) -> zoo.TaggedSpans:
    """The answer with another second span."""
    return zoo.TaggedSpans(TEXT, (ADA, msgspec.structs.replace(LONDON, **fields)))


def test_a_right_answer_is_right_at_a_glance() -> None:
    for labels in (LABELS, frozenset[str]()):
        is_right = zoo.TaggedSpans.quick_check(labels)
        assert is_right(ANSWER)
        assert is_right(zoo.TaggedSpans("", ()))
        assert ANSWER.checked(labels) == ANSWER


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"end": 99}, r"spans\[1\] from 25 to 99: a span holds at least one of the 32 characters of its text"),
        ({"start": 31}, "from 31 to 31"),
        ({"start": -1}, "from -1 to 31"),
        ({"label": "city"}, "the label 'city', which the model has not"),
        ({"text": "london"}, "with the text 'london': its characters are 'London'"),
        ({"score": 1.5}, "with the score 1.5: a score is a number from 0 to 1"),
        ({"score": float("nan")}, "with the score nan"),
    ],
)
def test_what_is_wrong_with_a_span_is_said(fields: dict[str, Any], fault: str) -> None:
    assert not zoo.TaggedSpans.quick_check(LABELS)(changed(**fields))
    with pytest.raises(InvalidAnswer, match=fault):
        changed(**fields).checked(LABELS)


def test_spans_come_in_the_order_of_the_text_and_rounding_is_put_right() -> None:
    backwards = zoo.TaggedSpans(TEXT, (LONDON, ADA))
    assert not zoo.TaggedSpans.quick_check(LABELS)(backwards)
    with pytest.raises(InvalidAnswer, match="in the order of the text"):
        backwards.checked(LABELS)
    assert changed(score=1 + 1e-9).checked(LABELS) == ANSWER
    assert not zoo.TaggedSpans.quick_check(LABELS)(changed(score=1))


def test_a_mistake_is_as_bad_as_the_model_is_sure_of_it() -> None:
    assert ANSWER.severity(true(LONDON, ADA)) is None
    assert ANSWER.severity(true(LONDON)) == pytest.approx(0.75)
    assert ANSWER.severity(true(ADA)) == pytest.approx(1.0)
    assert zoo.TaggedSpans(TEXT, ()).severity(true(ADA, LONDON)) == 2
    assert zoo.TaggedSpans(TEXT, ()).severity(()) is None
    assert changed(label="person").severity(true(ADA, LONDON)) == pytest.approx(2.0)


def test_a_table_has_the_spans_as_json_and_json_has_all() -> None:
    spans = json.loads(ANSWER.cells().prediction)
    assert spans[0] == {"start": 0, "end": 12, "label": "person", "text": "Ada Lovelace", "score": 0.75}
    document = msgspec.json.encode(ANSWER)
    assert json.loads(document)["type"] == "tagged_spans"
    assert msgspec.json.decode(document, type=zoo.TaggedSpans) == ANSWER
    assert ANSWER.numbers() == {"0 to 12: person": 0.75, "25 to 31: location": 1.0}
