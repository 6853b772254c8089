"""What an inspection counts and what it says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from zoo.data import Inspection, RejectedRow, inspect
from zoo.data.lines import InvalidByte
from zoo.data.report import LabelCount, Repeats, RowPair
from zoo.errors import DatasetInvalid, StoreInvalid
from zoo.kinds.facts import Lengths, Marks, ModelLimits
from zoo.tasks import get_task
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


def messages(inspection: Inspection, level: str) -> list[str]:
    return [finding.message for finding in inspection.findings if finding.level == level]


def balanced(rows: int = 40) -> str:
    return "text,label\n" + "".join(f"sentence number {i},{'pos' if i % 2 else 'neg'}\n" for i in range(rows))


def test_data_that_is_in_order_has_no_findings(write: Write, classify: Task) -> None:
    inspection = inspect(write("a.csv", balanced()), classify)
    assert inspection.usable
    assert inspection.findings == ()
    assert inspection.train.rows == 40
    assert inspection.train.columns == ("text", "label")
    assert inspection.train.mapping == {"input": "text", "label": "label"}
    assert inspection.labels == (LabelCount("neg", 20), LabelCount("pos", 20))
    assert inspection.train.lengths == Lengths(unit="words", p50=3, p90=3, p99=3, max=3)


def test_it_goes_through_json_unchanged(write: Write, classify: Task) -> None:
    inspection = inspect(write("a.csv", balanced() + "x,\n"), classify)
    assert msgspec.json.decode(msgspec.json.encode(inspection), type=Inspection) == inspection


def test_rows_that_cannot_be_used_are_counted_and_the_first_named(write: Write, classify: Task) -> None:
    path = write("a.csv", balanced() + ",pos\nno label,\n  ,neg\nhas,too,many\n")
    inspection = inspect(path, classify)
    part = inspection.train
    assert (part.rows, part.empty_rows, part.unlabelled_rows, part.rejected_rows) == (44, 2, 1, 4)
    assert part.rejected[0] == RejectedRow(str(path), 41, "column text is empty")
    assert messages(inspection, "warning") == [
        f"{path}: 4 rows cannot be used and will be set aside; the first is row 41: column text is empty"
    ]


def test_more_bad_rows_than_a_run_accepts_are_an_error(write: Write, classify: Task) -> None:
    inspection = inspect(write("a.csv", balanced() + ",pos\n" * 10), classify)
    assert not inspection.usable
    assert "10 rows cannot be used, more than the 10% a run accepts" in messages(inspection, "error")[0]


def test_duplicates_and_contradictions_name_their_rows(write: Write, classify: Task) -> None:
    inspection = inspect(write("a.csv", balanced() + "sentence  number 0,neg\nsentence number 2 ,pos\n"), classify)
    assert inspection.train.duplicates == Repeats(2, (RowPair(1, 41), RowPair(3, 42)))
    assert inspection.train.conflicts == Repeats(1, (RowPair(3, 42),))
    assert "1 row repeats an earlier text under another label (rows 3 and 42)" in messages(inspection, "warning")[0]
    assert "2 rows repeat an earlier text (rows 1 and 41, 3 and 42)" in messages(inspection, "info")[0]


def test_rows_in_both_files_and_unseen_labels_are_found(write: Write, classify: Task) -> None:
    path = write("a.csv", balanced())
    eval_path = write("b.csv", "text,label\nnew,pos\nsentence number 4,neg\nother,odd\n")
    inspection = inspect(path, classify, eval_path=eval_path)
    assert inspection.eval is not None
    assert inspection.eval.rows == 3
    assert inspection.overlap == Repeats(1, (RowPair(5, 2),))
    assert inspection.labels == (LabelCount("neg", 20, 1), LabelCount("pos", 20, 1), LabelCount("odd", 0, 1))
    assert messages(inspection, "error") == ["labels of the evaluation data that are not in the training data: odd"]
    assert "training and evaluation rows 5 and 2" in messages(inspection, "warning")[0]


def test_bytes_that_are_not_utf8_are_a_finding_with_byte_and_row(write: Write, classify: Task) -> None:
    content = balanced().encode() + b"caf\xe9 one,pos\nfine,neg\ncaf\xe9 \xe8 two,pos\n"
    inspection = inspect(write("a.csv", content), classify)
    assert inspection.train.encoding.first_invalid == InvalidByte(content.index(0xE9), 41, "0xE9")
    assert inspection.train.encoding.invalid_lines == 2
    assert inspection.train.rows == 43
    assert f"byte {content.index(0xE9)} (0xE9), in row 41" in messages(inspection, "warning")[0]
    assert "iconv -f WINDOWS-1252" in messages(inspection, "warning")[0]
    assert inspection.usable


def test_marks_of_earlier_mistakes_are_counted(write: Write, classify: Task) -> None:
    good = [
        "plain",
        "caf\u00e9",
        "S\u00c3O PAULO",
        "\u20ac 5, \u00bfqu\u00e9?",
        "na\u00efve \u2019quote\u2019",
        "\u00e2\u00e9",
    ]
    rows = [*good, "lost \ufffd", "caf\u00c3\u00a9", "it\u00e2\u20ac\u2122s", "bell \x07", "\x1b[31mred"]
    content = "text,label\n" + "".join(f'"{row}",{"ab"[i % 2]}\n' for i, row in enumerate(rows))
    encoding = inspect(write("a.csv", content), classify).train.encoding
    assert encoding.first_invalid is None
    assert encoding.replacement_characters == Marks(1, 7)
    assert encoding.mojibake == Marks(2, 8)
    assert encoding.control_characters == Marks(2, 10)


@pytest.mark.parametrize(
    ("content", "level", "message"),
    [
        ("text,label\n", "error", "has no rows"),
        ("text,label\n,\n", "error", "has no usable row"),
        ("text,label\n" + "a,pos\n" * 9, "error", "has one class only: every row is 'pos'"),
        ("text\na\nb\n", "warning", "has no label column"),
        (balanced() + "a,rare\n", "warning", "labels with one row only, too few to learn from, which nothing will"),
        (balanced() + "a,rare\nb,rare\n", "warning", "labels with fewer than 8 rows, hard to learn or to judge: rare"),
        (balanced() + "".join(f"u{i},pos\n" for i in range(200)), "warning", "92% of the rows are 'pos'"),
        ("text,label\n" + "".join(f"t{i},l{i}\n" for i in range(20)), "warning", "is label the right column?"),
    ],
)
def test_what_spoils_a_training_is_said(content: str, level: str, message: str, write: Write, classify: Task) -> None:
    inspection = inspect(write("a.csv", content), classify)
    assert message in "\n".join(messages(inspection, level))
    assert inspection.usable == (level != "error")


@pytest.mark.parametrize(
    ("header", "task", "message"),
    [
        (
            "text,Score",
            "text-classification",
            "no label column for text-classification; column Score is usually the "
            "number of text-regression, see --task",
        ),
        (
            "text,tags",
            "text-regression",
            "no number column for text-regression; column tags is usually the label set "
            "of text-multi-label-classification, see --task",
        ),
        ("text,weight", "text-regression", "no number column: it serves to pretrain and predict only"),
        ("text,weight", "text-multi-label-classification", "no label set column: it serves to pretrain"),
    ],
)
def test_data_for_another_task_says_so(header: str, task: str, message: str, write: Write) -> None:
    inspection = inspect(write("a.csv", header + "\na,1\nb,2\nc,1\n"), get_task(task))
    assert message in "\n".join(messages(inspection, "warning"))


def test_a_task_without_labels_is_not_told_about_them(write: Write, fill_mask: Task) -> None:
    inspection = inspect(write("a.txt", "one line\nanother line here\n"), fill_mask)
    assert (inspection.findings, inspection.labels) == ((), ())
    assert inspection.train.lengths == Lengths(unit="words", p50=2, p90=3, p99=3, max=3)


def test_a_column_that_cannot_be_found_is_refused(write: Write, classify: Task) -> None:
    with pytest.raises(DatasetInvalid, match="columns found: a, b"):
        inspect(write("a.csv", "a,b\n1,2\n"), classify)
    with pytest.raises(DatasetInvalid, match="no column kind for the label"):
        inspect(write("a.csv", balanced()), classify, columns={"label": "kind"})


def test_lengths_are_counted_in_tokens_where_a_tokenizer_is_given(
    tokenizer: Path, write: Write, fill_mask: Task
) -> None:
    path = write("a.txt", "".join("w " * n + "\n" for n in range(1, 1001)))
    lengths = inspect(path, fill_mask, limits=ModelLimits(tokenizer, 900)).train.lengths
    assert lengths == Lengths(unit="tokens", p50=501, p90=901, p99=991, max=1001, max_tokens=900, truncated_share=0.101)


def test_truncation_and_undecodable_bytes_are_reported_together(tokenizer: Path, write: Write, fill_mask: Task) -> None:
    inspection = inspect(write("a.txt", b"one two three\nfine\ncaf\xe9\n"), fill_mask, limits=ModelLimits(tokenizer, 3))
    assert inspection.train.lengths is not None
    assert inspection.train.lengths.truncated_share == 0.5
    assert "50.0% of the inputs are longer than the 3 tokens that are read" in messages(inspection, "warning")[0]


def test_a_tokenizer_that_is_none_is_refused(write: Write, fill_mask: Task) -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(StoreInvalid, match="is not a readable tokenizer"):
        inspect(write("a.txt", "a\n"), fill_mask, limits=ModelLimits(write("tokenizer.json", "{}")))
