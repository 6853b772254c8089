"""Any Unicode encoding is read; a file of another is refused whole, a stray byte costs its row alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import RejectedRow, count_rows, inspect, load, stream
from zoo.errors import DatasetInvalid
from zoo.kinds.facts import Marks
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [
        ("a.csv", b'text,label\ngood,pos\n"two\nlines",neg\ncaf\xe9,pos\n', "row 3"),
        ("a.csv", b"\xef\xbb\xbftext,label\ngood,pos\ncaf\xe9,pos\n", "row 2"),
        ("a.csv", b"text,caf\xe9\ngood,pos\n", "the header"),
        ("a.tsv", b"text\tlabel\ngood\tpos\ncaf\xe9\tpos\n", "row 2"),
        ("a.jsonl", b'{"text":"good","label":"pos"}\n\n{"text":"caf\xe9","label":"pos"}\n', "row 3"),
        ("a.jsonl", b'{"text":"caf\xe9","label":"pos"}\n{"text":"good","label":"pos"}\n', "row 1"),
        ("a.json", b'{"text":"caf\xe9","label":"pos"}\n{"text":"good","label":"pos"}\n', "row 1"),
        ("a.txt", b"good\n\ncaf\xe9\n", "row 3"),
        ("a.txt", b"good\r\rcaf\xe9\r", "row 1"),
    ],
)
def test_byte_and_row_are_named(name: str, content: bytes, row: str, write: Write, fill_mask: Task) -> None:
    path = write(name, content)
    with pytest.raises(DatasetInvalid) as caught:
        load(path, fill_mask)
    assert (
        f"{path} is not UTF-8: byte {content.index(0xE9)} (0xE9), in {row}, cannot be decoded" in caught.value.message
    )
    assert f'iconv -f WINDOWS-1252 -t UTF-8 "{path}" > "a-utf8{path.suffix}"' in caught.value.hint


def test_columns_found_are_named(write: Write, classify: Task) -> None:
    path = write("a.csv", b"text,label,id\ncaf\xe9,pos,1\n")
    with pytest.raises(DatasetInvalid, match="columns found: text, label, id"):
        load(path, classify)


WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.mark.parametrize("encoding", [*WIDE, "utf-8-sig"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\r\n"café\r\n\u010a, \u0a0d",pos\r\nbad film,neg\r\n'),
        ("a.tsv", "text\tlabel\ncafé\tpos\nbad film\tneg\n"),
        ("a.jsonl", '{"text": "café", "label": "pos"}\n{"text": "bad film", "label": "neg"}\n'),
        ("a.txt", "café \U0001f600\nbad film\n"),
    ],
)
def test_unicode_encodings_read_the_same(
    name: str, content: str, encoding: str, write: Write, classify: Task, fill_mask: Task
) -> None:
    task = fill_mask if name == "a.txt" else classify
    here, there = load(write(name, content), task), load(write(f"wide-{name}", content.encode(encoding)), task)
    assert here.examples == there.examples
    assert len(here.examples) == 2
    assert list(stream(there.path, task)) == list(stream(here.path, task))
    assert count_rows(there.path) == 2


def test_half_a_character_at_the_end_is_counted_by_an_inspection(write: Write, classify: Task) -> None:
    path = write("a.csv", "text,label\ngood,pos\nbad,neg".encode("utf-16")[:-1])
    assert [example.label for example in load(path, classify).examples] == ["pos", "ne\ufffd"]
    assert inspect(path, classify).train.encoding.replacement_characters == Marks(1, 2)


def test_a_sequence_cut_off_at_the_end_of_the_file_is_found(write: Write, fill_mask: Task) -> None:
    path = write("a.txt", "fine\ncaf\u00e9".encode()[:-1])
    with pytest.raises(DatasetInvalid, match=r"byte 8 \(0xC3\), in row 2"):
        load(path, fill_mask)


def test_streaming_rejects_the_row_and_goes_on(write: Write, fill_mask: Task) -> None:
    first, second, third = stream(write("a.txt", b"fine\ncaf\xe9\ntoo\n"), fill_mask)
    assert (first.row, third.row) == (1, 3)
    assert second == RejectedRow(f"{write('a.txt', b'')}", 2, "column text holds the byte 0xE9, which is not UTF-8")


GOOD = 20


@pytest.mark.parametrize(
    ("name", "header", "good", "bad", "reason"),
    [
        ("a.csv", b"id,text,label\n", b"1,fine %d,pos\n", b"1,caf\xe9,neg\n", "column text holds the byte 0xE9"),
        ("a.csv", b"id,text,label\n", b"1,fine %d,pos\n", b"1,fine,n\xe9g\n", "column label holds the byte 0xE9"),
        (
            "a.jsonl",
            b"",
            b'{"text":"fine %d","label":"pos"}\n',
            b'{"text":"\xff","label":"neg"}\n',
            "holds the byte 0xFF",
        ),
    ],
)
def test_a_stray_byte_costs_its_row_alone(
    name: str, header: bytes, good: bytes, bad: bytes, reason: str, write: Write, classify: Task
) -> None:
    rows = [good % number for number in range(GOOD)]
    rows[1] = rows[1].replace(b"pos", b"neg")
    path = write(name, header + bad + b"".join(rows))
    dataset = load(path, classify)
    inspection = inspect(path, classify)

    assert len(dataset.examples) == GOOD
    assert [(row.row, row.reason) for row in dataset.rejected] == [(1, f"{reason}, which is not UTF-8")]
    assert (inspection.train.rows, inspection.train.rejected_rows, inspection.usable) == (GOOD + 1, 1, True)
    assert any("iconv -f WINDOWS-1252" in finding.message for finding in inspection.findings)


def test_a_stray_byte_in_a_column_that_is_not_used_costs_nothing(write: Write, classify: Task) -> None:
    dataset = load(write("a.csv", b"id,text,label\ncaf\xe9,good,pos\n2,bad,neg\n"), classify)
    assert (len(dataset.examples), dataset.rejected) == (2, ())
