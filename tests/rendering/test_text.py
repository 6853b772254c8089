"""Tables of a result: the columns of a confusion matrix can be told apart at any width."""

from __future__ import annotations

from zoo.blocks import Matrix
from zoo.metrics import report_of_confusion
from zoo.rendering.text import cell_texts, matrix_lines
from zoo.text_table import render_table


def judged(*labels: str, count: int = 1234) -> Matrix:
    """Each class right `count` times, and once taken for the next."""
    size = len(labels)
    rows = tuple(tuple(count if a == b else int(b == (a + 1) % size) for b in range(size)) for a in range(size))
    return Matrix(labels=labels, counts=rows)


def test_columns_carry_the_names_of_the_classes() -> None:
    assert matrix_lines(judged("cat", "dog"), 80) == [
        "rows: what it is; columns: what the model said",
        "      cat   dog",
        "cat 1,234     1",
        "dog     1 1,234",
    ]


def test_names_are_cut_to_what_fits_as_long_as_they_differ() -> None:
    labels = ("refund_requested", "delivery_delayed", "invoice_missing")
    assert "refund_requested" in matrix_lines(judged(*labels), 80)[1]
    assert matrix_lines(judged(*labels), 50)[1].split() == ["refund_…", "deliver…", "invoice…"]


def test_names_that_are_alike_once_cut_give_way_to_numbers() -> None:
    labels = ("customer_service_email", "customer_service_phone", "customer_service_other")
    lines = matrix_lines(judged(*labels), 60)
    assert lines[0] == "rows: what it is; columns: what the model said, by the number of its row"
    assert lines[1].split() == ["1", "2", "3"]
    assert lines[2].split() == ["1", "customer_service_ema…", "1,234", "1", "·"]


def test_where_no_matrix_fits_the_most_frequent_mistakes_are_listed() -> None:
    labels = tuple(f"class {number}" for number in range(30))
    lines = matrix_lines(judged(*labels), 60)
    assert lines[0] == "most frequent mistakes"
    assert "     1  class 3 taken for class 4" in lines


def test_columns_stay_aligned_beside_wide_characters() -> None:
    from rich.cells import cell_len

    matrix = judged("猫", "dog")
    table, _ = report_of_confusion(matrix.labels, matrix.counts)
    for lines in (matrix_lines(matrix, 80)[1:], render_table(cell_texts(table), table.headers)):
        assert len({cell_len(line) for line in lines}) == 1


def test_figures_have_three_decimals_and_labels_that_look_the_same_are_told_apart() -> None:
    table, _ = report_of_confusion(("refund", "Refund", "none\x1b[2J"), ((1233, 1, 0), (0, 2, 0), (0, 0, 0)))

    assert [
        ("refund", "1.000", "0.999", "1.000", "1,234"),
        ("Refund", "0.667", "1.000", "0.800", "2"),
        ("none", "-", "-", "-", "0"),
    ] == cell_texts(table)


def test_names_of_a_table_that_differ_in_what_nobody_sees_are_told_apart() -> None:
    labels = ("Refund", "Re\u200bfund", "wide gap", "wide  gap")
    table, _ = report_of_confusion(labels, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])

    names = [row[0] for row in cell_texts(table)]
    assert ["Refund", r"'Re\u200bfund'", "wide gap", r"'wide \x20gap'"] == names
