"""A smaller model passes only where its answers to the same rows show that it is as good."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from zoo import Classification, DatasetInvalid, LabelSet, OptionInvalid, Quantity, Score, Transcript
from zoo.runs import paired_figure
from zoo.runs.shrinking.gate import Gate, Judged
from zoo.runs.shrinking.measuring import Stopped
from zoo.tasks import get_task

LABELS = ("a", "b")
CLASSIFICATION = get_task("text-classification")
REGRESSION = get_task("text-regression")
SPEECH = get_task("automatic-speech-recognition")


def classified(right: Sequence[bool]) -> list[Judged]:
    """Rows of the label a, and whether each is answered so."""
    best, other = Score("a", 0.8), Score("b", 0.2)
    answers = [(best, other) if one else (Score("b", 0.8), Score("a", 0.2)) for one in right]
    return [("a", Classification(scores)) for scores in answers]


def gate(rows: int, *, metric: str = "", max_drop: float = 0.02, wrong: int = 0) -> Gate:
    return Gate(CLASSIFICATION, LABELS, metric, max_drop, classified([i >= wrong for i in range(rows)]))


def test_one_that_answers_alike_passes_where_the_rows_suffice() -> None:
    drop = gate(400, wrong=40).drop(classified([i >= 40 for i in range(400)]))

    assert (drop.figure, drop.drop) == (0.9, 0.0)
    assert drop.high == pytest.approx(3.84 / 403.84, abs=1e-4)
    assert gate(400).passes(drop)


def test_too_few_rows_are_refused_with_the_number_that_is_needed() -> None:
    with pytest.raises(DatasetInvalid) as refused:
        gate(20, max_drop=0.01)
    assert refused.value.message == (
        "20 rows cannot show that accuracy drops by 0.01 at most: even if no answer were worse, the 95% interval would "
        "reach to 0.161"
    )
    assert refused.value.hint == "give at least 381 rows, or --max-drop 0.162"
    gate(381, max_drop=0.01)


def test_a_drop_that_is_within_by_luck_alone_does_not_pass() -> None:
    right = [i >= 5 for i in range(400)]  # 1.25 points, of which 2 were allowed
    one = gate(400)
    drop = one.drop(classified(right))
    assert drop.drop == pytest.approx(0.0125)
    assert drop.high > 0.02
    assert not one.passes(drop)


def test_rows_that_are_won_count_against_those_that_are_lost() -> None:
    one = Gate(CLASSIFICATION, LABELS, "accuracy", 0.02, classified([i >= 30 for i in range(1000)]))
    drop = one.drop(classified([i < 20 or i >= 50 for i in range(1000)]))  # 20 are won, and 20 lost
    assert drop.drop == 0
    assert drop.low < 0 < drop.high


def test_a_figure_that_is_no_share_of_rows_is_drawn_anew_and_no_surer_than_they_can_make_it() -> None:
    one = gate(400, metric="macro_f1", wrong=40)
    alike = one.drop(classified([i >= 40 for i in range(400)]))
    assert alike.drop == 0
    assert alike.high == pytest.approx(3.84 / 403.84, abs=1e-4)


def test_less_is_better_where_errors_are_counted() -> None:
    draw = random.Random(0)
    targets = [draw.uniform(0, 10) for _ in range(200)]
    near, far = ([(t, Quantity(t + draw.gauss(0, error))) for t in targets] for error in (0.1, 0.5))
    one = Gate(REGRESSION, (), "rmse", 0.05, near)
    drop = one.drop(far)
    assert drop.drop == pytest.approx(0.4, abs=0.05)
    assert not one.passes(drop)
    assert Gate(REGRESSION, (), "rmse", 0.05, far).passes(Gate(REGRESSION, (), "rmse", 0.05, far).drop(near))


def test_a_figure_that_there_is_not_is_refused() -> None:
    with pytest.raises(OptionInvalid, match="--metric is 'acuracy'") as refused:
        gate(400, metric="acuracy")
    assert refused.value.hint == "did you mean accuracy?"


def heard(*texts: str) -> list[Judged]:
    """Rows in which the same was said."""
    return [("one two three", Transcript(text)) for text in texts]


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["wer", "cer", "deletions"])
def test_more_errors_are_worse_and_the_interval_of_a_figure_is_not_found_in_each_draw(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = heard(*["one two three"] * 60), heard(*["one two three", "one three"] * 30)
    one = Gate(SPEECH, (), metric, 0.1, good)
    monkeypatch.setattr("zoo.metrics.transcripts.intervals_of_sums", None)
    drop = one.drop(bad)
    assert drop.drop > 0.1
    assert not one.passes(drop)


def test_what_does_not_say_how_good_answers_are_is_refused() -> None:
    judged: list[Judged] = [({"a"}, LabelSet.of((Score("a", 0.8), Score("b", 0.2)), 0.5))] * 400
    with pytest.raises(
        OptionInvalid, match="--metric is threshold, which does not say how good answers are"
    ) as refused:
        Gate(get_task("text-multi-label-classification"), LABELS, "threshold", 0.02, judged)
    assert refused.value.hint.startswith("name one of micro_f1, ")
    assert "threshold" not in refused.value.hint


def test_what_takes_long_is_drawn_less_often_and_told_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired_figure, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(paired_figure, "TOLD_EVERY_S", 0.0)
    notes: list[str] = []
    judged = classified([i >= 40 for i in range(400)])
    one = Gate(CLASSIFICATION, LABELS, "macro_f1", 0.02, judged, lambda: len(notes) > 100, notes.append)
    with pytest.raises(Stopped):
        one.drop(judged)
    assert notes[0].startswith("the interval of macro_f1 is of 200 draws of the rows and not of 1000: each takes ")
    assert notes[1] == "0 of 200 draws for the interval of macro_f1 done"
    assert len(notes) == 101
