"""Lists of a run as text."""

from __future__ import annotations

from zoo.answers import Classification, Score
from zoo.metrics import report_of_confusion
from zoo.runs.mistakes import Mistake
from zoo.runs.snapshot import RunSnapshot
from zoo.tui.run_text import mistake_list


def test_a_list_of_mistakes_says_where_the_figures_differ_from_it() -> None:
    labels = ("cat", "dog")
    state = RunSnapshot(labels=labels, report=report_of_confusion(labels, ((1234, 1), (1, 1234))))
    answer = Classification((Score("cat", 0.51), Score("dog", 0.49)))
    mistakes = [Mistake(row=3, target="dog", input="barks at night", prediction=answer)]
    assert mistake_list(state, mistakes, 80).splitlines() == [
        "1 row answered wrongly, the worst first",
        "the training counted 2: an answer of even odds may fall either way in its result",
        "",
        " 51.0%  row 3: dog, taken for cat",
        "        barks at night",
    ]
    assert "the training counted" not in mistake_list(state, mistakes * 2, 80)
    assert "all are in mistakes.jsonl in the run's folder" in mistake_list(state, mistakes * 200, 80)
