"""JSON as programs write it: arrays, arrays in an object, columns, and lines under the name of a document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import inspect, load
from zoo.data.formats.json_document import MAX_BYTES
from zoo.errors import DatasetInvalid
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]
ROWS = [{"text": "good film", "label": "pos", "id": 1}, {"text": "bad film", "label": "neg", "id": 2}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
COLUMNS = {name: [row[name] for row in ROWS] for name in ("text", "label", "id")}


def refused(path: Path, task: Task) -> DatasetInvalid:
    with pytest.raises(DatasetInvalid) as caught:
        load(path, task)
    return caught.value


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n [\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]\n",
        json.dumps({"data": ROWS}),
        json.dumps({"version": "1.0", "tags": ["a"], "data": ROWS, "schema": {"fields": []}}, indent=1),
        json.dumps(COLUMNS),
        json.dumps({name: dict(enumerate(cells)) for name, cells in COLUMNS.items()}, indent=4),
        LINES,
        "\n" + LINES.rstrip("\n"),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv"])
def test_every_form_gives_the_same_rows(name: str, content: str, write: Write, classify: Task) -> None:
    if name == "a.jsonl" and content in (json.dumps(COLUMNS), json.dumps({"data": ROWS})):
        return  # one line of JSON lines, with arrays in its columns
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        dataset = load(write(name, content.encode(encoding)), classify)
        assert [(e.input, e.label) for e in dataset.examples] == [("good film", "pos"), ("bad film", "neg")]
        first = dataset.examples[0].row
        assert [example.row for example in dataset.examples] == [first, first + 1]
        assert first == (2 if content.startswith("\n{") else 1)


def test_rows_that_cannot_be_used_are_set_aside(write: Write, classify: Task) -> None:
    items = ['{"text": "a", "label": "x"}', '["a"]', '{"text": 5, "label": "x"}', '{"label": "x"}', "[" * 9 + "]" * 9]
    dataset = load(write("a.json", f"[{', '.join(items)}]"), classify, min_classes=1)
    assert [(row.row, row.reason) for row in dataset.rejected] == [
        (2, "is JSON, but not an object such as {...}"),
        (3, "column text holds a number, not text"),
        (4, "column text is empty"),
        (5, "is JSON, but not an object such as {...}"),
    ]


def test_one_object_is_one_row(write: Write, classify: Task) -> None:
    for name in ("a.json", "a.jsonl"):
        content = json.dumps(
            {"text": "good film", "label": "pos", "more": {"a": [1]}}, indent=None if "l" in name else 2
        )
        dataset = load(write(name, content), classify, min_classes=1)
        assert [(e.input, e.label, e.row) for e in dataset.examples] == [("good film", "pos", 1)]


def test_broken_lines_are_set_aside_where_the_others_are_lines(write: Write, classify: Task) -> None:
    for name in ("a.json", "a.jsonl"):
        dataset = load(write(name, '{"text": "cut off", "la\n' + LINES), classify)
        assert [row.row for row in dataset.rejected] == [1]
        assert [example.row for example in dataset.examples] == [2, 3]


def test_what_is_no_json_says_so(write: Write, classify: Task) -> None:
    cut = refused(write("a.json", json.dumps(ROWS, indent=2)[:-9]), classify)
    assert "is not JSON as a whole: " in cut.message
    several = refused(write("a.json", "\n".join(json.dumps(row, indent=2) for row in ROWS)), classify)
    assert "jq -c . FILE" in several.hint
    assert "has no rows: row 1 is not JSON" in refused(write("a.json", "text,label\ngood film,pos\n"), classify).message
    assert "is not JSON as a whole" in refused(write("a.json", "[" * 100_000), classify).message


def test_several_arrays_of_rows_are_named(write: Write, classify: Task) -> None:
    error = refused(write("a.json", json.dumps({"train": ROWS, "test": ROWS})), classify)
    assert error.message.endswith("holds several arrays of rows: train, test")
    assert "jq -c '.train[]' FILE > rows.jsonl" in error.hint


def test_bytes_that_are_not_utf8_are_named_with_their_line(write: Write, classify: Task) -> None:
    path = write("a.json", b'[\n{"text": "good", "label": "pos"},\n{"text": "caf\xe9", "label": "neg"}\n]')
    assert "byte 49 (0xE9), in row 3, cannot be decoded" in refused(path, classify).message
    assert inspect(path, classify).train.encoding.invalid_lines == 1


def test_a_document_beyond_the_limit_is_refused(tmp_path: Path, classify: Task) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.write(b'[{"text": "good", "label": "pos"},\n')
        file.truncate(MAX_BYTES + 10)
    error = refused(path, classify)
    assert error.message == f"{path} is one JSON document of more than 256 MiB, to be read as a whole"
    assert "jq -c '.[]' FILE > rows.jsonl" in error.hint
