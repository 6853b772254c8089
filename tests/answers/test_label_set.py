"""An answer of several labels: which are given, how a table has them, how bad a mistake is."""

from __future__ import annotations

import msgspec
import pytest

import zoo
from zoo.answers import AnswerCells, InvalidAnswer, Rejected
from zoo.blocks import Bars, Paragraph
from zoo.kinds.labels import LABELS
from zoo.metrics import LabelSetMetrics

SCORES = (zoo.Score("late", 0.9), zoo.Score("broken", 0.4), zoo.Score("rude", 0.1))
MODEL_LABELS = frozenset({"late", "broken", "rude"})


def answer(threshold: float = 0.4, limit: int | None = None) -> zoo.LabelSet:
    return zoo.LabelSet.of(SCORES, threshold, limit)


def test_labels_are_those_that_reach_the_threshold() -> None:
    assert answer().labels == ("late", "broken")
    assert answer(0.41).labels == ("late",)
    assert answer(0.95).labels == ()
    assert (answer(limit=1).labels, answer(limit=1).scores) == (("late", "broken"), SCORES[:1])


def test_views_show_the_labels_above_the_probabilities() -> None:
    labels, bars = answer().blocks()
    assert isinstance(labels, Paragraph)
    assert labels.text == "late, broken"
    assert isinstance(bars, Bars)
    assert [bar.label for bar in bars.bars] == ["late", "broken", "rude"]
    nothing, _ = answer(0.95).blocks()
    assert isinstance(nothing, Paragraph)
    assert nothing.text == "no label reaches a probability of 0.95"


@pytest.mark.parametrize(
    ("labels", "cell"),
    [
        (("late", "broken"), "late|broken"),
        ((), "[]"),
        (("a|b", "c"), '["a|b","c"]'),
        (("a;b",), '["a;b"]'),
        (("[27]",), '["[27]"]'),
    ],
)
def test_a_cell_of_a_table_can_be_read_as_data_again(labels: tuple[str, ...], cell: str) -> None:
    cells = zoo.LabelSet(labels=labels, scores=SCORES, threshold=0.5).cells()
    assert cells == AnswerCells(cell)
    assert LABELS.read(cells.prediction, "prediction") == tuple(sorted(labels))


def test_json_holds_everything() -> None:
    written = msgspec.json.encode(answer())
    assert msgspec.json.decode(written)["labels"] == ["late", "broken"]
    assert msgspec.json.decode(written, type=zoo.LabelSet | Rejected) == answer()


def test_a_mistake_is_the_worse_the_surer_the_model_is() -> None:
    assert answer().severity(("broken", "late")) is None
    assert answer().severity(("late",)) == pytest.approx(0.4)
    assert answer().severity(("broken", "late", "rude")) == pytest.approx(0.9)
    assert answer().severity(("rude",)) == pytest.approx(0.9 + 0.4 + 0.9)
    assert answer().shortened() == answer()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"labels": ("lost",)}, "label 'lost', which the model has not"),
        ({"scores": (*SCORES, zoo.Score("rude", 0.2))}, "scores[3].probability 0.2 of label 'rude', after 0.1"),
        ({"scores": ()}, "no scores"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object], fault: str) -> None:
    is_right = zoo.LabelSet.quick_check(MODEL_LABELS)
    wrong = msgspec.structs.replace(answer(), **changes)
    assert is_right(answer())
    assert answer().checked(MODEL_LABELS) == answer()
    assert not is_right(wrong)
    with pytest.raises(InvalidAnswer) as caught:
        wrong.checked(MODEL_LABELS)
    assert caught.value.fault == fault


def test_judged_by_answers_the_figures_are_those_of_probabilities() -> None:
    targets = [("late",), ("late", "broken"), (), ("rude",)]
    judge, metrics = LabelSetMetrics(("broken", "late", "rude")), LabelSetMetrics(("broken", "late", "rude"), 0.4)
    for target in targets:
        judge.add(target, answer())
        metrics.update([int(label in target) for label in judge.labels], [0.4, 0.9, 0.1])
    assert judge.compute() == metrics.compute()
    cut = LabelSetMetrics(("broken", "late", "rude"))
    for target in targets:
        cut.add(target, answer(limit=1))
    assert cut.compute() == metrics.compute()
