"""JSON lines, with the trouble they come with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data import load
from zoo.tasks.task import Task

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson"])
def test_objects_become_rows(name: str, write: Write, classify: Task) -> None:
    path = write(name, '{"id": 1, "text": "a\\nb", "label": "pos"}\r\n\n{"label": "neg", "text": "c", "more": [1]}')
    dataset = load(path, classify)
    assert [(e.input, e.label, e.row) for e in dataset.examples] == [("a\nb", "pos", 1), ("c", "neg", 3)]


def test_what_is_no_usable_object_is_set_aside(write: Write, classify: Task) -> None:
    lines = [
        '{"text": "fine", "label": "pos"}',
        '{"text": "cut off", "la',
        '["a", "list"]',
        '{"text": 5, "label": "pos"}',
        '{"text": ["a"], "label": "pos"}',
        '{"label": "pos"}',
        '{"text": "no label"}',
        '{"text": "odd label", "label": {"a": 1}}',
        '{"text": "odd label", "label": [0.5]}',
        '{"text": "  \\t", "label": "pos"}',
        '{"text": "lone \\ud800 surrogate", "label": "pos"}',
        "[" * 100_000,
        '{"text": "also fine", "label": "neg"}',
    ]
    dataset = load(write("a.jsonl", "\n".join(lines)), classify)
    assert [example.row for example in dataset.examples] == [1, 13]
    reasons = {rejected.row: rejected.reason for rejected in dataset.rejected}
    assert {row: reasons[row] for row in (3, 4, 5, 6, 7, 8, 9, 10)} == {
        3: "is JSON, but not an object such as {...}",
        4: "column text holds a number, not text",
        5: "column text holds a list, not text",
        6: "column text is empty",
        7: "column label is empty: the label is missing",
        8: "column label holds an object, not text or a number",
        9: "column label holds a list, not text or a number",
        10: "column text is empty",
    }
    assert [reasons[row].startswith("is not JSON: ") for row in (2, 11, 12)] == [True] * 3


def test_labels_are_text_whole_numbers_or_truth_values(write: Write, classify: Task) -> None:
    values = ['" pos "', "3", "-1", "2.0", "true", "false"]
    content = "\n".join(f'{{"text": "t", "label": {value}}}' for value in values)
    dataset = load(write("a.jsonl", content), classify)
    assert [example.label for example in dataset.examples] == ["pos", "3", "-1", "2", "true", "false"]


def test_columns_are_those_of_the_first_rows_together(write: Write, classify: Task) -> None:
    path = write("a.jsonl", '{"text": "no label"}\n{"label": "pos", "text": "t"}\n{"label": "neg", "text": "u"}\n')
    dataset = load(path, classify)
    assert dataset.columns == {"input": "text", "label": "label"}
    assert [rejected.row for rejected in dataset.rejected] == [1]
