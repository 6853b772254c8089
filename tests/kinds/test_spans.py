"""Spans are read from every usual way to write them, and what is none is named and left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zoo.data import inspect, load
from zoo.data.examination import examine
from zoo.kinds import SPANS, Span, Unusable
from zoo.kinds.spans import read_spans
from zoo.tasks import get_task
from zoo.words import cuts_word

TEXT = "Ada Lovelace met Charles Babbage in London."
ADA, LONDON = Span(0, 12, "person"), Span(36, 42, "place")
TASK = msgspec.structs.replace(get_task("text-multi-label-classification"), target=SPANS)


@pytest.mark.parametrize(
    "cell",
    [
        [{"start": 0, "end": 12, "label": "person"}],
        [{"start": 0, "end": 12, "label": "person", "text": "Ada Lovelace", "score": 0.9}],
        [{"start_offset": "0", "end_offset": 12.0, "type": "person", "id": 7}],
        [{"begin": 0, "end": 12, "tag": "person"}],
        [{"entity_group": "person", "start": 0, "end": 12, "word": "ada lovelace"}],
        [{"start": 0, "end": 12, "labels": ["person"]}],
        [[0, 12, "person"]],
        ((0, 12, "person"),),
        {"entities": [[0, 12, "person"]]},
        {"start": [0], "end": [12], "label": ["person"]},
        json.dumps([{"start": 0, "end": 12, "label": "person"}]),
        "[{'start': 0, 'end': 12, 'label': 'person'}]",
        "[(0, 12, 'person')]",
    ],
)
def test_every_way_to_write_a_span_is_read(cell: Any) -> None:
    assert SPANS.read(cell, "spans") == (ADA,)
    assert SPANS.read_with_input(cell, "spans", TEXT) == ((ADA,), ())
    assert SPANS.likeness([cell, []]) == 3.0


def test_an_empty_list_is_a_text_without_any_and_an_empty_cell_is_none() -> None:
    assert SPANS.read([], "spans") == ()
    assert SPANS.read("", "spans") is None
    assert SPANS.read_with_input(None, "spans", TEXT) == (None, ())


def test_spans_come_in_the_order_of_the_text() -> None:
    assert SPANS.read([[36, 42, "place"], [0, 12, "person"]], "spans") == (ADA, LONDON)


@pytest.mark.parametrize(
    ("span", "fault"),
    [
        ([5, 5, "a"], "span 2 (a) has no characters (5 to 5), and is left out"),
        ([40, 51, "a"], "span 2 (a) reaches beyond the 43 characters of the text (40 to 51), and is left out"),
        ([-4, 3, "a"], "span 2 (a) reaches beyond the 43 characters of the text (-4 to 3), and is left out"),
        ([12, 13, "a"], "span 2 (a) has nothing but white space (12 to 13), and is left out"),
        ([13, 15, "a"], "span 2 (a) ends within a word, 'me|t' (13 to 15), and is left out"),
        ([18, 32, "a"], "span 2 (a) begins within a word, 'C|harles' (18 to 32), and is left out"),
        ([0, 12, "person"], "span 2 (person) is the same as span 1, and is left out"),
        ([0, 12, "place"], "span 2 (place) is span 1 (person) under another label, and is left out"),
        ([4, 16, "a"], "span 2 (a, 4 to 16) overlaps span 1 (person, 0 to 12), and is left out"),
        ([4, 12, "a"], "span 2 (a, 4 to 12) overlaps span 1 (person, 0 to 12), and is left out"),
        ({"start": 36, "end": 42}, "span 2 has no label, and is left out"),
        ({"end": 42, "label": "a"}, "span 2 has no start, and is left out"),
        ([36, None, "a"], "span 2 has no end, and is left out"),
        ([36.5, 42, "a"], "span 2 has 36.5 for its start, which is no number of characters, and is left out"),
        ([True, 42, "a"], "span 2 has True for its start, which is no number of characters, and is left out"),
        (["x", 42, "a"], "span 2 has 'x' for its start, which is no number of characters, and is left out"),
        (
            {"start": 36, "end": 42, "label": "a", "text": "Paris"},
            "span 2 (a) is 'London' (36 to 42), not 'Paris' as it states, and is left out",
        ),
    ],
)
def test_a_span_that_is_none_is_left_out_alone(span: Any, fault: str) -> None:
    assert read_spans([[0, 12, "person"], span], "spans", text=TEXT) == ((ADA,), (fault,))


def test_the_longest_of_spans_within_each_other_stays() -> None:
    reading = read_spans([[4, 12, "family"], [0, 12, "person"], [36, 42, "place"]], "spans", text=TEXT)
    assert reading.spans == (ADA, LONDON)
    assert reading.faults == ("span 1 (family, 4 to 12) overlaps span 2 (person, 0 to 12), and is left out",)


def test_white_space_at_the_ends_is_cut_off_and_reported() -> None:
    reading = read_spans([[12, 17, "verb"]], "spans", text=TEXT)
    assert reading.spans == (Span(13, 16, "verb"),)
    assert reading.faults == ("span 1 (verb) has white space at its ends (12 to 17), and is cut to 13 to 16",)


def test_places_that_count_an_emoji_twice_are_recognised_by_the_characters_they_state() -> None:
    text = "🎉🎉 Ada met Bob 🎉"
    cell = [
        {"start": 5, "end": 8, "label": "person", "text": "Ada"},
        {"start": 13, "end": 16, "label": "person", "text": "Bob"},
    ]
    assert read_spans(cell, "spans", text=text) == ((Span(3, 6, "person"), Span(11, 14, "person")), ())
    assert read_spans([[3, 6, "person"]], "spans", text=text).spans == (Span(3, 6, "person"),)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (7, "column spans holds a number, not a list of spans"),
        ("person", "column spans holds 'person', which is no JSON list of spans"),
        (
            [7],
            "column spans holds numbers of tags, which nothing names: "
            'write ["O", "B-person", "I-person"], the tags in the order of their numbers, to classes.json beside it',
        ),
        ([7.5], "column spans holds a list with a number in it, not of spans"),
        (["O"], "column spans holds a list of texts, not of spans; tags need a column tokens or words beside"),
        ([[1, 2]], "column spans holds a list with a list in it, not of spans"),
        ({"a": 1}, "column spans holds an object with a, not a list of spans"),
        ({"start": [1], "end": [], "label": []}, "column spans holds start, end, label of unequal numbers"),
    ],
)
def test_a_cell_of_something_else_is_unusable(cell: Any, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        SPANS.read(cell, "spans")
    assert str(caught.value) == reason
    assert SPANS.likeness([cell]) == 0.0


@pytest.mark.parametrize(
    "words",
    [
        "New· ·York·-·based",
        "U·.·S·.· ·in· ·1999",
        "l·'·été",
        "cafe\u0301s",
        "दिल्ली· ·में",
        "Łódź·/·Kraków",
        "東·京·都·で",
        "서·울·에·서",
        "ก·รุ·ง·เ·ท·พ",
        "東·京·Tower",
    ],
)
def test_words_end_where_letters_and_digits_do(words: str) -> None:
    text = words.replace("·", "")
    assert "".join(("" if cuts_word(text, i) else "·") + text[i] for i in range(len(text))) == "·" + words


def test_labels_can_be_renamed_and_texts_are_held_out_of_the_rarest_one() -> None:
    assert SPANS.renamed((ADA, LONDON), {"place": "location"}) == (ADA, Span(36, 42, "location"))
    assert SPANS.strata([(ADA,), (ADA, LONDON), (), None, (ADA,)]) == ["person", "place", None, None, "person"]


def test_a_target_is_read_as_it_was_written() -> None:
    assert SPANS.read(SPANS.written((ADA, LONDON)), "spans") == (ADA, LONDON)


def test_a_file_is_read_and_inspected_and_bad_spans_have_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "names.jsonl"
    rows = [
        {"text": TEXT, "spans": [[0, 12, "person"], [36, 42, "place"]]},
        {"text": "Nobody was there.", "spans": []},
        {"text": TEXT, "spans": [[0, 10, "person"]]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    dataset = load(path, TASK)
    assert [example.target for example in dataset.examples] == [(ADA, LONDON), (), ()]
    assert dataset.labels == ("person", "place")
    fault = "span 1 (person) ends within a word, 'Lovela|ce' (0 to 10), and is left out"
    assert [(one.row, one.reason) for one in dataset.faults] == [(3, fault)]
    inspection = inspect(path, TASK)
    assert inspection.train.spans is not None
    assert (inspection.train.spans.spans, inspection.train.spans.without, inspection.train.spans.most) == (2, 2, 2)
    assert [(count.label, count.rows) for count in inspection.labels] == [("person", 1), ("place", 1)]
    assert inspection.train.first_fault == f"row 3: {fault}"


def test_faults_are_counted_by_their_sorts(tmp_path: Path) -> None:
    path = tmp_path / "names.jsonl"
    spans = [[0, 12, "person"], [4, 16, "a"], [0, 12, "b"], [37, 42, "c"], [40, 99, "d"], [37, 40, "e"], [5, 5, "f"]]
    path.write_text(json.dumps({"text": TEXT, "spans": spans}) + "\n", encoding="utf-8")
    inspection = inspect(path, TASK)
    assert inspection.train.fault_sorts == {
        "cut a word": 2,
        "beyond the text": 1,
        "otherwise wrong": 1,
        "under a second label": 1,
        "overlap another": 1,
    }
    message = "6 faults in rows that are used all the same (2 cut a word, 1 "
    assert any(message in finding.message for finding in inspection.findings)
    dataset = load(path, TASK)
    assert examine(dataset, [b"x"], TASK).train.fault_sorts == inspection.train.fault_sorts
