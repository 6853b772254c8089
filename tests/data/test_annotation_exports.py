"""What annotation programs export is read as it comes: doccano, Label Studio, spaCy, Prodigy."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zoo.data import load
from zoo.data.example import Dataset
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, ZooError
from zoo.kinds import SPANS
from zoo.tasks import get_task

TASK = msgspec.structs.replace(get_task("text-multi-label-classification"), target=SPANS)
TEXT = "Ada Lovelace met Bob."
EXPECTED = [(TEXT, [("Ada Lovelace", "person"), ("Bob", "person")]), ("Nobody came.", [])]


def words(dataset: Dataset) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (example.input, [(example.input[span.start : span.end], span.label) for span in example.target])
        for example in dataset.examples
    ]


def region(start: int, end: int, *labels: str, kind: str = "labels", text: str = TEXT) -> dict[str, Any]:
    return {"type": kind, "value": {"start": start, "end": end, "text": text[start:end], kind: list(labels)}}


def label_studio(*results: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    annotations = [{"id": 7, "was_cancelled": False, "result": result} for result in results]
    return {
        "id": 1,
        "annotations": annotations,
        "file_upload": "a.txt",
        "data": {"text": TEXT, "source": "x"},
        **fields,
    }


BOTH = [region(0, 12, "person"), region(17, 20, "person")]
EMPTY = label_studio([], data={"text": "Nobody came."})
TAGS = {"Ada": "B-person", "Lovelace": "L-person", "met": "O", "Bob": "U-person", ".": "-"}
TOKENS = [{"orth": orth, "ner": ner, "id": 0} for orth, ner in TAGS.items()]
PLACES = ((0, 12), (17, 20))
DOCUMENTS: dict[str, tuple[str, Any]] = {
    "Label Studio": ("read as an export of Label Studio", [label_studio(BOTH), EMPTY]),
    "hypertext": (
        "read as an export of Label Studio",
        [label_studio([*(region(a, b, "person", kind="hypertextlabels") for a, b in PLACES)]), EMPTY],
    ),
    "Label Studio, JSON-MIN": (
        "",
        [
            {
                "id": 1,
                "text": TEXT,
                "label": [{"start": s, "end": e, "labels": ["person"]} for s, e in PLACES],
            },
            {"id": 2, "text": "Nobody came.", "label": []},
        ],
    ),
    "pairs": (
        "read as training data of spaCy",
        [[TEXT, {"entities": [[0, 12, "person"], [17, 20, "person"]]}], ["Nobody came.", {"entities": []}]],
    ),
    "annotator": (
        "read as training data of spaCy",
        {
            "classes": ["person"],
            "annotations": [
                [TEXT, {"entities": [[0, 12, "person"], [17, 20, "person"]]}],
                None,
                ["Nobody came.", {"entities": []}],
            ],
        },
    ),
    "version 2": (
        "read as training data of spaCy",
        [
            {
                "id": 0,
                "paragraphs": [
                    {"raw": TEXT, "sentences": [{"tokens": TOKENS}]},
                    {"raw": "Nobody came.", "sentences": [{"tokens": [{"orth": "Nobody"}]}]},
                ],
            }
        ],
    ),
    "version 3": (
        "read as training data of spaCy",
        [
            {
                "id": 0,
                "paragraphs": [
                    {"raw": TEXT, "entities": [[0, 12, "person"], [17, 20, "person"]], "sentences": []},
                    {"raw": "Nobody came.", "entities": [], "sentences": []},
                ],
            }
        ],
    ),
    "documents": (
        "",
        [
            {"text": TEXT, "ents": [{"start": s, "end": e, "label": "person"} for s, e in PLACES]},
            {"text": "Nobody came.", "ents": []},
        ],
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_document_is_texts_with_spans(name: str, compressed: bool, tmp_path: Path) -> None:
    note, document = DOCUMENTS[name]
    content = json.dumps(document, indent=2).encode()
    path = tmp_path / ("a.json.gz" if compressed else "a.json")
    path.write_bytes(gzip.compress(content) if compressed else content)
    dataset = load(path, TASK)
    assert words(dataset) == EXPECTED
    assert dataset.reading_note == note
    assert dataset.rejected == dataset.faults == ()


@pytest.mark.parametrize(
    "rows",
    [
        [
            {"id": 1, "text": TEXT, "label": [[0, 12, "person"], [17, 20, "person"]], "Comments": []},
            {"id": 2, "text": "Nobody came.", "label": []},
        ],
        [
            {
                "id": 1,
                "text": TEXT,
                "relations": [],
                "entities": [
                    {"id": 3, "label": "person", "start_offset": 0, "end_offset": 12},
                    {"id": 4, "label": "person", "start_offset": 17, "end_offset": 20},
                ],
            },
            {"id": 2, "text": "Nobody came.", "relations": [], "entities": []},
        ],
        [
            {
                "text": TEXT,
                "spans": [
                    {"start": 0, "end": 12, "token_start": 0, "token_end": 1, "label": "person"},
                    {"start": 17, "end": 20, "token_start": 3, "token_end": 3, "label": "person"},
                ],
                "tokens": [],
                "answer": "accept",
            },
            {"text": "Nobody came.", "spans": [], "tokens": [], "answer": "accept"},
        ],
    ],
    ids=["doccano", "doccano with relations", "Prodigy"],
)
def test_lines_of_other_programs_are_texts_with_spans(rows: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert words(load(path, TASK)) == EXPECTED


def test_the_annotation_that_counts_is_ground_truth_or_the_first_that_was_not_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    items = [
        label_studio([], BOTH),
        label_studio([], BOTH),
        label_studio(),
        label_studio([region(0, 12, "person", "author"), {"type": "choices", "value": {"choices": ["a"]}}]),
        {"id": 9},
    ]
    items[0]["annotations"][0]["was_cancelled"] = True
    items[1]["annotations"][1]["ground_truth"] = True
    path.write_text(json.dumps(items), encoding="utf-8")
    assert Table(path).columns == ("text", "source", "spans")
    dataset = load(path, TASK)
    assert [len(example.target) for example in dataset.examples] == [2, 2, 0]
    assert [(one.row, one.reason) for one in dataset.faults] == [
        (4, "span 1 has 2 labels (person, author), and is left out")
    ]
    assert [(one.row, one.reason) for one in dataset.rejected] == [
        (3, "column spans is empty: the label is missing"),
        (5, "has no data, which holds the text"),
    ]


def test_an_item_that_is_none_is_set_aside_alone_and_what_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    pairs = [[TEXT, {"entities": [[0, 12, "person"]]}], ["Bob"], [7, {}]]
    path.write_text(json.dumps(pairs), encoding="utf-8")
    dataset = load(path, TASK)
    assert len(dataset.examples) == 1
    assert [(one.row, one.reason.split(":")[0]) for one in dataset.rejected] == [
        (2, "is not as spaCy writes it"),
        (3, "is not as spaCy writes it"),
    ]
    path.write_text(json.dumps(pairs)[:-3], encoding="utf-8")
    with pytest.raises(DatasetInvalid, match="is not JSON as a whole"):
        load(path, TASK)


@pytest.mark.parametrize(
    "document",
    [
        [{"data": {"image": "a.jpg"}, "annotations": [{"result": [{"type": "rectanglelabels", "value": {"x": 1}}]}]}],
        [{"data": 7, "annotations": []}],
        [{"text": "a", "annotations": [[0, 1, "x"]]}],
        [["a", 1]],
        [],
    ],
)
def test_other_documents_are_not_taken_for_these(document: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert Table(path).format_note == ""


def test_no_document_fails_whatever_its_values_are(tmp_path: Path) -> None:
    draw = random.Random(5)
    path = tmp_path / "a.json"
    for _ in range(300):
        value: dict[str, Any] = {"start": _any(draw), "text": _any(draw), "labels": _any(draw)}
        value |= {"globalOffsets": _any(draw)} if draw.random() < 0.5 else {"end": _any(draw)}
        studio = [
            label_studio([{"type": "labels", "value": value}]),
            {"data": {"text": "a"}, "annotations": _any(draw)},
        ]
        pairs = [["Ada", {"entities": _any(draw)}], _any(draw)]
        paragraphs = [{"paragraphs": [{"raw": "Ada", "entities": _any(draw), "sentences": _any(draw)}]}, _any(draw)]
        path.write_text(json.dumps(draw.choice([studio, pairs, paragraphs])), encoding="utf-8")
        with contextlib.suppress(ZooError):
            load(path, TASK)


def _any(draw: random.Random, depth: int = 0) -> Any:
    """Something that JSON can say."""
    if depth > 3 or draw.random() < 0.4:
        return draw.choice([None, True, 0, 3, 1.5, "a", "person", [0, 3, "x"]])
    if draw.random() < 0.5:
        return [_any(draw, depth + 1) for _ in range(draw.randint(0, 3))]
    keys = ("result", "value", "start", "end", "text", "labels", "type", "tokens", "orth", "ner", "entities")
    return {key: _any(draw, depth + 1) for key in draw.sample(keys, draw.randint(0, 4))}
