"""Comma- and tab-separated files as they are met in practice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import Example, RejectedRow, load
from zoo.errors import DatasetInvalid
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


def read(path: Path, task: Task) -> tuple[list[tuple[str, str | None, int]], list[tuple[int, str]]]:
    dataset = load(path, task, min_classes=1)
    rows = [(example.input, example.label, example.row) for example in dataset.examples]
    return rows, [(rejected.row, rejected.reason) for rejected in dataset.rejected]


GOOD = [("good film", "pos", 1), ("bad film", "neg", 2)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\ngood film,pos\nbad film,neg\n"),
        ("a.csv", "text,label\ngood film,pos\nbad film,neg"),
        ("a.csv", "text,label\r\ngood film,pos\r\nbad film,neg\r\n"),
        ("a.csv", "text,label\rgood film,pos\rbad film,neg\r"),
        ("a.csv", "\ufefftext,label\ngood film,pos\nbad film,neg\n"),
        ("a.csv", '\ufeff"text","label"\n"good film","pos"\n"bad film", "neg"\n'),
        ("a.csv", "\n text , label \ngood film, pos \n\nbad film,neg\n\n"),
        ("a.csv", "label;id;text\npos;7;good film\nneg;8;bad film\n"),
        ("a.csv", "Sentence\tIntent\ngood film\tpos\nbad film\tneg\n"),
        ("a.csv", "text|label\ngood film|pos\nbad film|neg\n"),
        ("a.csv", "sep=;\ntext;label\ngood film;pos\nbad film;neg\n"),
        ("a.csv", '\ufeff"sep=,"\r\n\r\ntext,label\r\ngood film,pos\r\nbad film,neg\r\n'),
        ("a.csv", "SEP=^\ntext^label\ngood film^pos\nbad film^neg\n"),
        ("a.csv", '"notes, old";text;label\n;good film;pos\n;bad film;neg\n'),
        ("a.csv", '"notes\nof; two|lines",text,label\n,good film,pos\n,bad film,neg\n'),
        ("a.csv", "text;label;x, or y\ngood film;pos;1,5\nbad film;neg;2\n"),
        ("a.csv", "a|b,text,label\n1,good film,pos\n2,bad film,neg\n"),
        ("a.csv", "\ufeff\ufefftext,label\ngood film,pos\nbad film,neg\n"),
        ("a.csv", "\u200btext\u200b,la\u200bbel\u2060\ngood film,pos\nbad film,neg\n"),
        ("A.CSV", "text,label\ngood film,pos\nbad film,neg\n"),
        ("a.tsv", "text\tlabel\ngood film\tpos\nbad film\tneg\n"),
        ("a.tsv", 'text\tlabel\n"good film"\tpos\n"bad film"\tneg\n'),
        ("a.tsv", "text\tlabel\ta, b; c\ngood film\tpos\t1\nbad film\tneg\t2\n"),
        ("a.tsv", "text,label\ngood film,pos\nbad film,neg\n"),
        ("a.tab", "text\tlabel\ngood film\tpos\nbad film\tneg\n"),
    ],
)
def test_ordinary_variations_read_the_same(name: str, content: str, write: Write, classify: Task) -> None:
    assert read(write(name, content), classify) == (GOOD, [])


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("  two blanks,x", "  two blanks"),
        ('"  two, quoted",x', "  two, quoted"),
        (' "after a blank, quoted",x', "after a blank, quoted"),
        ('  "over\ntwo lines", "x"', "over\ntwo lines"),
        (' "word" and more,x', ' "word" and more'),
        (' 5" nails,x', ' 5" nails'),
        ('"he said, ""go"", and went",x', 'he said, "go", and went'),
        ('"he said, ", "x"', "he said, "),
    ],
)
def test_blanks_before_a_field_are_its_own_unless_a_quote_follows(
    row: str, text: str, write: Write, classify: Task
) -> None:
    path = write("a.csv", f"text,label\nbefore,x\n{row}\nafter,x\n")

    assert read(path, classify) == ([("before", "x", 1), (text, "x", 2), ("after", "x", 3)], [])


def test_a_quoted_field_may_hold_line_ends_delimiters_and_doubled_quotes(write: Write, classify: Task) -> None:
    path = write("a.csv", 'text,label\n"one\r\ntwo, ""three""\rfour",pos\nnext,neg\n')
    assert read(path, classify) == ([('one\r\ntwo, "three"\rfour', "pos", 1), ("next", "neg", 2)], [])


def test_rows_with_too_many_or_too_few_fields_are_set_aside(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\nyes, but no,pos\ngood film,pos\nbad film\nbad film,neg\n")
    assert read(path, classify) == (
        [("good film", "pos", 2), ("bad film", "neg", 4)],
        [(1, "has 3 fields where the header has 2"), (3, "has 1 field where the header has 2")],
    )


@pytest.mark.parametrize("after", ["", 'a "quoted" word,pos\n', '"a, b",pos\n"c",neg\n'])
def test_a_quote_left_open_costs_one_row(after: str, write: Write, classify: Task) -> None:
    path = write("a.csv", f'text,label\nfirst,pos\n"never closed,neg\nthird,pos\nfourth,neg\n{after}')
    rows, rejected = read(path, classify)
    assert rows[:3] == [("first", "pos", 1), ("third", "pos", 3), ("fourth", "neg", 4)]
    assert rejected[0][0] == 2
    assert "quote" in rejected[0][1]


def test_text_after_a_closing_quote_is_set_aside_not_guessed_at(write: Write, classify: Task) -> None:
    path = write("a.csv", 'text,label\n"he said "hi" there",pos\nfine,neg\n')
    assert read(path, classify) == (
        [("fine", "neg", 2)],
        [(1, "text follows a closing quote; quotes inside a field must be doubled")],
    )


def test_tab_separated_files_that_know_no_quoting_keep_their_quotes(write: Write, classify: Task) -> None:
    path = write("a.tsv", 'text\tlabel\n"hi" he said\tpos\n" alone\tneg\nfine\tpos\n')
    rows = [('"hi" he said', "pos", 1), ('" alone', "neg", 2), ("fine", "pos", 3)]
    assert read(path, classify) == (rows, [])


def test_a_field_beyond_the_limit_is_set_aside(write: Write, classify: Task) -> None:
    long = "x" * 200_000
    huge = "x" * (5 * 2**20)
    path = write("a.csv", f"text,label\n{long},pos\n{huge},neg\nshort,neg\n")
    rows, rejected = read(path, classify)
    assert rows == [(long, "pos", 1), ("short", "neg", 3)]
    assert rejected == [(2, "a field is longer than 4,194,304 characters; is a quote left open?")]


def test_nul_characters_are_set_aside(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\na\0b,pos\nfine,neg\n")
    assert read(path, classify) == ([("fine", "neg", 2)], [(1, "column text holds a NUL character")])


def test_nul_bytes_in_the_header_are_no_names(write: Write, classify: Task) -> None:
    path = write("a.csv", b"te\0xt,label\nfine,pos\n")
    with pytest.raises(DatasetInvalid, match="NUL bytes where the column names should be"):
        load(path, classify)


def test_a_line_without_end_is_refused_without_being_read_whole(tmp_path: Path, classify: Task) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"text,label\nfine,pos\n")
        file.truncate(200 * 2**20)
    with pytest.raises(DatasetInvalid, match="no line end for more than 64 MiB after byte 20"):
        load(path, classify)


def test_columns_of_other_formats_may_have_invisible_characters_too(write: Write, classify: Task) -> None:
    path = write("a.jsonl", '{"\ufefftext": "good film", "label\u200b": "pos"}\n')
    assert read(path, classify) == (GOOD[:1], [])
    dataset = load(path, classify, columns={"input": "\ufefftext", "label": "label"}, min_classes=1)
    assert dataset.columns == {"input": "text", "label": "label"}


def test_one_column_of_tabs_or_commas_stays_one(write: Write, fill_mask: Task) -> None:
    assert read(write("a.tsv", "text\ngood film, or not; who knows\n"), fill_mask) == (
        [("good film, or not; who knows", None, 1)],
        [],
    )


@pytest.mark.parametrize("header", ['"text,label\nfine,pos\n', '"text" x,label\nfine,pos\n'])
def test_a_header_with_broken_quotes_is_refused(header: str, write: Write, classify: Task) -> None:
    with pytest.raises(DatasetInvalid, match=r"its header cannot be read: .*quote"):
        load(write("a.csv", header), classify)


def test_a_header_that_is_no_header_is_refused(write: Write, classify: Task) -> None:
    path = write("a.csv", "x" * (5 * 2**20) + "\nfine\n")
    with pytest.raises(DatasetInvalid, match="its header cannot be read"):
        load(path, classify)


def test_rejected_rows_name_the_file(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\nfine,pos\n,neg\n")
    dataset = load(path, classify, min_classes=1)
    assert dataset.examples == (Example("fine", "pos", 1),)
    assert dataset.rejected == (RejectedRow(str(path), 2, "column text is empty"),)
