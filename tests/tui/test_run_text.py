"""Lists of a run as text."""

from __future__ import annotations

from zoo.answers import Classification, LabelSet, Score
from zoo.kinds import LABEL, LABELS
from zoo.runs.mistakes import Mistake
from zoo.tui.run_text import mistake_list


def test_a_list_of_mistakes_says_where_the_figures_differ_from_it() -> None:
    labels = ("cat", "dog")
    answer = Classification((Score("cat", 0.51), Score("dog", 0.49)))
    mistakes = [Mistake(row=3, target="dog", input="barks at night", prediction=answer)]
    assert mistake_list(mistakes, 80, LABEL, labels=labels, wrong_rows=2).splitlines() == [
        "1 row answered wrongly, the worst first",
        "the training counted 2: an answer of even odds may fall either way in its result",
        "",
        " 51.0%  row 3: dog, taken for cat",
        "        barks at night",
    ]
    assert "the training counted" not in mistake_list(mistakes * 2, 80, LABEL, wrong_rows=2)
    assert "all are in mistakes.jsonl in the run's folder" in mistake_list(mistakes * 200, 80, LABEL, wrong_rows=2)


def test_what_the_data_say_is_written_as_the_answer_is() -> None:
    answer = LabelSet(labels=("late", "broken"), scores=(Score("late", 0.9), Score("broken", 0.6)), threshold=0.5)
    mistakes = [Mistake(row=2, target=["broken", "rude"], input="torn", prediction=answer)]
    assert "row 2: broken|rude, taken for late|broken" in mistake_list(mistakes, 80, LABELS)
