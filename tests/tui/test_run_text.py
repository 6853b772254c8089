"""Tables of a result: the columns of a confusion matrix can be told apart at any width."""

from __future__ import annotations

from zoo.prediction import Classification, Score
from zoo.runs.mistakes import Mistake
from zoo.runs.snapshot import RunSnapshot
from zoo.tui.run_text import class_table, confusion_table, mistake_list


def judged(*labels: str, count: int = 1234) -> RunSnapshot:
    """Each class right `count` times, and once taken for the next."""
    size = len(labels)
    rows = tuple(tuple(count if a == b else int(b == (a + 1) % size) for b in range(size)) for a in range(size))
    return RunSnapshot(labels=labels, confusion=rows)


def test_columns_carry_the_names_of_the_classes() -> None:
    assert confusion_table(judged("cat", "dog"), 80).splitlines() == [
        "rows: what it is; columns: what the model said",
        "      cat   dog",
        "cat 1,234     1",
        "dog     1 1,234",
    ]


def test_names_are_cut_to_what_fits_as_long_as_they_differ() -> None:
    labels = ("refund_requested", "delivery_delayed", "invoice_missing")
    assert "refund_requested" in confusion_table(judged(*labels), 80).splitlines()[1]
    assert confusion_table(judged(*labels), 50).splitlines()[1].split() == ["refund_…", "deliver…", "invoice…"]


def test_names_that_are_alike_once_cut_give_way_to_numbers() -> None:
    labels = ("customer_service_email", "customer_service_phone", "customer_service_other")
    lines = confusion_table(judged(*labels), 60).splitlines()
    assert lines[0] == "rows: what it is; columns: what the model said, by the number of its row"
    assert lines[1].split() == ["1", "2", "3"]
    assert lines[2].split() == ["1", "customer_service_emai", "1,234", "1", "·"]


def test_where_no_matrix_fits_the_most_frequent_mistakes_are_listed() -> None:
    labels = tuple(f"class {number}" for number in range(30))
    lines = confusion_table(judged(*labels), 60).splitlines()
    assert lines[0] == "most frequent mistakes"
    assert "     1  class 3 taken for class 4" in lines


def test_columns_stay_aligned_beside_wide_characters() -> None:
    from rich.cells import cell_len

    state = judged("猫", "dog")
    for table in (confusion_table(state, 80).splitlines()[1:], class_table(state).splitlines()):
        assert len({cell_len(line) for line in table}) == 1


def test_a_list_of_mistakes_says_where_the_figures_differ_from_it() -> None:
    answer = Classification((Score("cat", 0.51), Score("dog", 0.49)))
    mistakes = [Mistake(row=3, label="dog", input="barks at night", prediction=answer)]
    assert mistake_list(judged("cat", "dog"), mistakes, 80).splitlines() == [
        "1 row answered wrongly, the most confident answers first",
        "the training counted 2: an answer of even odds may fall either way in its result",
        "",
        " 51.0%  row 3: dog, taken for cat",
        "        barks at night",
    ]
    assert "the training counted" not in mistake_list(judged("cat", "dog"), mistakes * 2, 80)
    assert "all are in mistakes.jsonl in the run's folder" in mistake_list(judged("cat", "dog"), mistakes * 200, 80)
