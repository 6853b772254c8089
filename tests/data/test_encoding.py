"""Any Unicode encoding is read; a file of another is refused whole, naming byte and row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import count_rows, inspect, load, stream
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


def test_streaming_refuses_at_the_row(write: Write, fill_mask: Task) -> None:
    rows = stream(write("a.txt", b"fine\ncaf\xe9\n"), fill_mask)
    assert next(rows).row == 1
    with pytest.raises(DatasetInvalid, match="row 2"):
        next(rows)
