"""Tables of words and their tags are texts with spans, whatever the tags are called and however they are written."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from zoo.data import load
from zoo.data.example import Dataset
from zoo.data.guessing import likely_task
from zoo.data.loading import InputRows
from zoo.data.table import Table
from zoo.errors import DatasetInvalid
from zoo.runs.quarantine import check_digest
from zoo.tasks import get_task

TASK = get_task("token-classification")
ROWS: list[dict[str, Any]] = [
    {
        "tokens": ["Ada", "Lovelace", "came", "."],
        "ner_tags": ["B-person", "I-person", "O", "O"],
        "pos_tags": list("NNVP"),
    },
    {"tokens": ["In", "New York", "?"], "ner_tags": ["O", "B-place", "O"], "pos_tags": list("INP")},
    {"tokens": ["Nobody"], "ner_tags": ["O"], "pos_tags": ["N"]},
]
TEXTS = [
    ("Ada Lovelace came .", [("Ada Lovelace", "person")]),
    ("In New York ?", [("New York", "place")]),
    ("Nobody", []),
]
NAMES = ["O", "B-person", "I-person", "B-place", "I-place"]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def texts(dataset: Dataset) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each text, and the words of its spans with their labels."""
    return [
        (example.input, [(example.input[span.start : span.end], span.label) for span in example.target])
        for example in dataset.examples
    ]


def test_words_and_tags_in_json_lines_are_texts_with_spans(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", ROWS)
    dataset = load(path, TASK)
    assert texts(dataset) == TEXTS
    assert dataset.columns == {"input": "text", "label": "spans"}
    assert dataset.reading_note == (
        "the words of column tokens with one blank between; IOB2 tags of words in column ner_tags"
    )
    assert Table(path).columns == ("tokens", "ner_tags", "pos_tags", "text", "spans")
    assert likely_task(path) == TASK
    other = load(path, TASK, columns={"label": "pos_tags"})
    assert texts(other)[1] == ("In New York ?", [("In", "I"), ("New York", "N"), ("?", "P")])


def test_a_json_document_and_a_csv_that_prints_lists_are_read_likewise(tmp_path: Path) -> None:
    document = tmp_path / "a.json"
    document.write_text(json.dumps(ROWS))
    assert texts(load(document, TASK)) == TEXTS
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("words", "tags"), *((row["tokens"], row["ner_tags"]) for row in ROWS)])
    assert texts(load(tmp_path / "a.csv", TASK)) == TEXTS


@pytest.mark.parametrize("of_list", [lambda one: {"feature": one, "_type": "Sequence"}, lambda one: [one]])
def test_numbers_in_parquet_have_the_names_that_the_file_states(of_list: Any, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    features = {"ner_tags": of_list({"names": NAMES, "_type": "ClassLabel"})}
    numbers = [[NAMES.index(tag) for tag in row["ner_tags"]] for row in ROWS] + [[0, 7], [-1]]
    table = pyarrow.table({"tokens": [*(row["tokens"] for row in ROWS), ["a", "b"], ["c"]], "ner_tags": numbers})
    notes = json.dumps({"info": {"features": features}})
    parquet.write_table(table.replace_schema_metadata({"huggingface": notes}), tmp_path / "a.parquet")
    dataset = load(tmp_path / "a.parquet", TASK)
    assert texts(dataset) == TEXTS
    assert [(one.row, one.reason) for one in dataset.rejected] == [
        (4, "holds class 7, where the file names 5"),
        (5, "column ner_tags holds a list with nothing in it, not a list of tags"),
    ]


def test_numbers_that_nothing_names_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"tokens": ["Ada", "came"], "ner_tags": [1, 0], "label": "pos"}] * 2)
    with pytest.raises(DatasetInvalid) as caught:
        load(path, TASK, columns={"label": "ner_tags"})
    assert "the first of them row 1: column ner_tags holds numbers of tags, which nothing names" in caught.value.message
    assert [example.input for example, _ in InputRows(path, TASK)] == ["Ada came"] * 2
    assert load(path, get_task("text-classification"), min_classes=1).labels == ("pos",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.json", NAMES),
        ("id2label.json", {str(number): tag for number, tag in enumerate(NAMES)}),
        ("label.json", {tag: number for number, tag in enumerate(NAMES)}),
    ],
)
def test_numbers_in_json_lines_have_the_names_of_a_file_beside(name: str, content: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    numbered = [{**row, "ner_tags": [NAMES.index(tag) for tag in row["ner_tags"]]} for row in ROWS]
    path = lines(tmp_path / "data" / "a.jsonl", [*numbered, {"tokens": ["a"], "ner_tags": [9]}])
    (tmp_path / name).write_text(json.dumps(content))
    dataset = load(path, TASK)
    assert texts(dataset) == TEXTS
    assert dataset.reading_note.endswith(f"; IOB2 tags of words in column ner_tags, named by {name}")
    reason = f"column ner_tags holds 9, which {name} does not name"
    assert [(one.row, one.reason) for one in dataset.rejected] == [(4, reason)]
    assert likely_task(path) == TASK
    (tmp_path / name).write_text("[1, 2]")
    with pytest.raises(DatasetInvalid, match="does not say which tag each number is"):
        load(path, TASK)


def test_names_of_numbers_count_in_the_digest_of_the_data(tmp_path: Path) -> None:
    numbered = [{**row, "ner_tags": [NAMES.index(tag) for tag in row["ner_tags"]]} for row in ROWS]
    path = lines(tmp_path / "a.jsonl", numbered)
    names = tmp_path / "classes.json"
    names.write_text(json.dumps(NAMES))
    dataset = load(path, TASK)
    names.write_text(json.dumps([NAMES[0], *reversed(NAMES[1:])]))
    changed = load(path, TASK)

    assert changed.labels == dataset.labels
    with pytest.raises(DatasetInvalid, match=rf"{path} or {names} has changed since the run was asked for"):
        check_digest(str(path), changed.sha256, dataset.sha256, changed.names_file)
    names.write_text(json.dumps(NAMES))
    assert load(path, TASK).sha256 == dataset.sha256


def test_texts_of_the_table_stay_and_words_are_found_in_them(tmp_path: Path) -> None:
    rows = [
        {
            "text": "Ada came, Ada saw.",
            "tokens": ["Ada", "came", ",", "Ada", "saw", "."],
            "tags": ["O", "O", "O", "B-x", "O", "O"],
        },
        {"text": "Ada came.", "tokens": ["Bob", "came", "."], "tags": ["B-x", "O", "O"]},
    ]
    dataset = load(lines(tmp_path / "a.jsonl", rows), TASK)
    assert texts(dataset) == [("Ada came, Ada saw.", [("Ada", "x")])]
    assert [span.start for span in dataset.examples[0].target] == [10]
    assert [one.reason for one in dataset.rejected] == ["column text has no 'Bob' where column tokens has it"]


def test_a_column_of_texts_called_spans_gives_way_to_tags(tmp_path: Path) -> None:
    rows = [{**row, "spans": ["person: Ada Lovelace"]} for row in ROWS]
    assert texts(load(lines(tmp_path / "a.jsonl", rows), TASK)) == TEXTS
    own = [{"tokens": ["Ada", "came"], "tags": ["O", "O"], "spans": [[0, 3, "x"]]}]
    assert texts(load(lines(tmp_path / "b.jsonl", own), TASK)) == [("Ada came", [("Ada", "x")])]


def test_what_is_wrong_with_a_row_is_named_with_its_column_and_word(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["Ada", "came"], "ner_tags": ["I-person", "O"]},
        {"tokens": ["Ada", "came"], "ner_tags": ["B-person"]},
        {"tokens": "Ada came", "ner_tags": ["B-person", "O"]},
        {"tokens": ["Ada", 7], "ner_tags": ["B-person", "O"]},
        {"tokens": ["Ada", "came"], "ner_tags": None},
        {"tokens": [], "ner_tags": []},
        {"tokens": ["Ada", "came"], "ner_tags": ["B-person", "0"]},
        {"tokens": ["Bob", "came"], "ner_tags": ["B-person", "O"]},
    ]
    dataset = load(lines(tmp_path / "a.jsonl", rows), TASK)
    assert [example.row for example in dataset.examples] == [1, 7, 8]
    assert [(one.row, one.reason) for one in dataset.rejected] == [
        (2, "column ner_tags has 1 tag for 2 words"),
        (3, "column tokens holds 'Ada came', not a list of words"),
        (4, "column tokens holds a list with a number in it, not a list of words"),
        (5, "column spans is empty: the label is missing"),
        (6, "column text is empty"),
    ]
    assert [(one.row, one.reason) for one in dataset.faults] == [
        (1, "span 1 (person) begins with I-person at the beginning, where IOB2 has B- (word 1), and is kept"),
        (7, "span 1 has the tag '0' in word 2, which is none of IOB2, and is left out"),
    ]


def test_tags_of_another_number_than_words_are_told_where_all_rows_have_such(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"tokens": ["Ada", "came"], "ner_tags": ["B-person", "O", "O"]}] * 3)
    with pytest.raises(
        DatasetInvalid, match="3 rejected, the first of them row 1: column ner_tags has 3 tags for 2 words"
    ):
        load(path, TASK)


def test_words_without_tags_are_texts_and_tables_that_are_called_alike_stay_as_they_are(tmp_path: Path) -> None:
    classes = lines(
        tmp_path / "a.jsonl", [{"tokens": ["so", "good"], "label": "pos"}, {"tokens": ["bad"], "label": "neg"}]
    )
    dataset = load(classes, get_task("text-classification"))
    assert [(example.input, example.target) for example in dataset.examples] == [("so good", "pos"), ("bad", "neg")]
    counts = lines(tmp_path / "b.jsonl", [{"prompt": "a b", "tokens": 2, "text": "c"}])
    assert Table(counts).columns == ("prompt", "tokens", "text")
