"""Columns found, rows kept or set aside, files refused as a whole."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import Example, RejectedRow, count_rows, digest, load, stream
from zoo.errors import DatasetInvalid
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("text,label", ("text", "label")),
        ("Label,Text", ("Text", "Label")),
        ("id,REVIEW,Sentiment", ("REVIEW", "Sentiment")),
        ("review,text,intent,label", ("text", "label")),
        ("content,class", ("content", "class")),
    ],
)
def test_columns_are_found_by_their_usual_names(
    header: str, expected: tuple[str, str], write: Write, classify: Task
) -> None:
    width = header.count(",") + 1
    path = write("a.csv", f"{header}\n{','.join('a' * width)}\n{','.join('b' * width)}\n")
    assert load(path, classify).columns == dict(zip(("input", "label"), expected, strict=True))


def test_columns_given_by_name_come_first(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label,comment,topic\na,b,c,d\ne,f,g,h\n")
    dataset = load(path, classify, columns={"input": "Comment", "label": "topic"})
    assert dataset.columns == {"input": "comment", "label": "topic"}
    assert dataset.examples == (Example("c", "d", 1), Example("g", "h", 2))


def test_the_exact_name_wins_over_another_case(write: Write, classify: Task) -> None:
    path = write("a.csv", "Text,text,label\na,b,x\nc,d,y\n")
    assert load(path, classify).examples[0].input == "b"


def test_rows_that_lack_nothing_but_a_target_can_be_kept_apart(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\na,x\nb,\n,x\nc,  \n")
    with pytest.raises(DatasetInvalid, match="one class only"):
        load(path, classify)
    kept = load(path, classify, keep_untargeted=True)
    assert (kept.examples, kept.untargeted) == ((Example("a", "x", 1),), (Example("b", None, 2), Example("c", None, 4)))
    assert [one.row for one in kept.rejected] == [3]
    nothing = load(write("b.csv", "text,label\na,\nb,\n"), classify, keep_untargeted=True)
    assert (nothing.examples, len(nothing.untargeted)) == ((), 2)


@pytest.mark.parametrize(
    ("header", "arguments", "message", "hint"),
    [
        ("comment,label", {}, "has no column that is usually the text (text, sentence,", "--input NAME"),
        ("text,kind", {}, "has no column that is usually the label (label, target,", "--label NAME"),
        ("text,Score", {}, "has no column that is usually the label", "Score is usually the number of text-regression"),
        ("text,label", {"columns": {"input": "body"}}, "has no column body for the text", "--input"),
        ("text,label", {"columns": {"label": "kind"}}, "has no column kind for the label", "--label"),
        ("text,text,label", {}, "has 2 columns called text", "--input"),
        ("text,label", {"columns": {"label": "text"}}, "column text cannot be both text and label", "--label"),
    ],
)
def test_a_column_that_is_missing_is_named_with_the_columns_found(
    header: str, arguments: dict[str, str], message: str, hint: str, write: Write, classify: Task
) -> None:
    path = write("a.csv", f"{header}\na,b,c\n")
    with pytest.raises(DatasetInvalid) as caught:
        load(path, classify, **arguments)  # type: ignore[arg-type]
    assert message in caught.value.message
    assert str(path) in caught.value.message
    assert f"columns found: {header.replace(',', ', ')}" in caught.value.message
    assert hint in caught.value.hint


def test_many_and_long_column_names_are_shortened(write: Write, classify: Task) -> None:
    path = write("a.csv", ",".join(["x" * 100, *(f"c{i}" for i in range(50))]) + "\n")
    with pytest.raises(DatasetInvalid, match=r"columns found: x{37}\.\.\., c0, .* and 39 more\n"):
        load(path, classify)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "has no rows; columns found: none"),
        ("a.csv", "text,label\n", "has no rows; columns found: text, label"),
        ("a.jsonl", "\n\n", "has no rows; columns found: none"),
        ("a.csv", "text,label\n,pos\nfine,\n", "has no usable row: 2 rejected, the first of them row 1: column"),
        (
            "a.csv",
            "text,label\na,pos\nb,pos\n",
            "has one class only: from row 1 on, every row is 'pos' in column label",
        ),
        ("a.txt", "a\nb\n", "is plain text, which has no column for the label; columns found: text"),
        ("a.xlsx", "PK", "ends in .xlsx"),
        ("a", "text,label\n", "has no extension"),
    ],
)
def test_a_file_that_cannot_serve_is_one_clear_error(
    name: str, content: str, message: str, write: Write, classify: Task
) -> None:
    path = write(name, content)
    with pytest.raises(DatasetInvalid) as caught:
        load(path, classify)
    assert f"{path} {message}" in caught.value.message


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path, classify: Task) -> None:
    with pytest.raises(DatasetInvalid, match="there is no file"):
        load(tmp_path / "none.csv", classify)
    with pytest.raises(DatasetInvalid, match="is a folder"):
        stream(tmp_path, classify)
    with pytest.raises(DatasetInvalid, match="cannot be read"):
        digest(tmp_path / "none.csv")


def test_data_to_evaluate_on_may_hold_one_class(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\na,pos\nb,pos\n")
    assert load(path, classify, min_classes=1).labels == ("pos",)


def test_a_task_without_labels_ignores_those_of_the_file(write: Write, fill_mask: Task) -> None:
    dataset = load(write("a.csv", "text,label\na,pos\nb,\n"), fill_mask)
    assert dataset.columns == {"input": "text"}
    assert dataset.examples == (Example("a", None, 1), Example("b", None, 2))
    assert dataset.labels == ()


def test_labels_may_be_optional(write: Write, classify: Task) -> None:
    dataset = load(write("a.csv", "text,label\na,pos\nb,\n"), classify, require_target=False)
    assert dataset.examples == (Example("a", "pos", 1), Example("b", None, 2))
    assert load(write("b.txt", "a\n"), classify, require_target=False).examples == (Example("a", None, 1),)


def test_plain_text_is_a_sentence_a_line(write: Write, fill_mask: Task) -> None:
    path = write("a.txt", '\ufefffirst, with "signs"\r\n\r\n  second \u2028 still second\nlast\r')
    dataset = load(path, fill_mask)
    assert [(example.input, example.row) for example in dataset.examples] == [
        ('first, with "signs"', 1),
        ("  second \u2028 still second", 3),
        ("last", 4),
    ]


def test_integer_labels_are_sorted_as_numbers(write: Write, classify: Task) -> None:
    rows = "".join(f"t{i},{i}\n" for i in (10, 9, 2, -1))
    assert load(write("a.csv", "text,label\n" + rows), classify).labels == ("-1", "2", "9", "10")


def test_the_digest_is_that_of_the_bytes(write: Write, classify: Task) -> None:
    content = "text,label\na,pos\nb,neg\n"
    path = write("a.csv", content)
    assert load(path, classify).sha256 == digest(path) == hashlib.sha256(content.encode()).hexdigest()


def test_streaming_keeps_order_and_rejected_rows_in_place(write: Write, classify: Task) -> None:
    path = write("a.csv", "comment,label\na,pos\n,neg\nc,\nd,x,y\n")
    assert list(stream(path, classify, columns={"input": "comment"})) == [
        Example("a", None, 1),
        RejectedRow(str(path), 2, "column comment is empty"),
        Example("c", None, 3),
        RejectedRow(str(path), 4, "has 3 fields where the header has 2"),
    ]


def test_streaming_checks_the_file_before_the_first_row(write: Write, classify: Task) -> None:
    with pytest.raises(DatasetInvalid, match="columns found: a, b"):
        stream(write("a.csv", "a,b\n1,2\n"), classify)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", 'text,label\n"a\nb",x\n\nc\n', 2),
        ("a.jsonl", '{"text": "a"}\n\nbroken\n', 2),
        ("a.txt", "a\n\nb", 2),
        ("a.txt", "", 0),
    ],
)
def test_as_many_rows_are_counted_as_are_streamed(
    name: str, content: str, expected: int, write: Write, fill_mask: Task
) -> None:
    path = write(name, content)
    assert count_rows(path) == len(list(stream(path, fill_mask))) == expected


def test_a_very_large_file_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(300 * 2**20)
    assert count_rows(path) is None


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_streaming_takes_constant_memory(name: str, write: Write, fill_mask: Task) -> None:
    text = "some words to read " * 6
    row = {"a.csv": f"{text},pos\n", "a.jsonl": f'{{"text": "{text}"}}\n', "a.txt": f"{text}\n"}
    header = "text,label\n" if name == "a.csv" else ""
    path = write(name, header + row[name] * 20_000)
    tracemalloc.start()
    try:
        rows = sum(1 for _ in stream(path, fill_mask))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 20_000
    assert peak < 2**20 < path.stat().st_size


def test_loading_reads_labels_once(write: Write, classify: Task) -> None:
    dataset = load(write("a.csv", "text,label\n" + "a,pos\nb,neg\n" * 50), classify)
    assert len({id(example.label) for example in dataset.examples}) == 2


def test_importing_zoo_data_brings_nothing_heavy() -> None:
    program = (
        "import sys, zoo.data; zoo.data.load, zoo.data.inspect, zoo.data.split\n"
        "print(sorted({'pyarrow', 'numpy', 'torch', 'tokenizers', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
