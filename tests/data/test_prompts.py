"""Data to write texts from: prompts with completions, conversations, and plain texts."""

from __future__ import annotations

import json

import pytest

from tests.data.conftest import Write
from zoo.data import InputRows, count_rows, inspect, likely_task, load
from zoo.errors import DatasetInvalid
from zoo.tasks import get_task

TASK = get_task("text-generation")
TEXTS = "one\ntwo\n\n  \nthree\n\nfour\nfive\n"


@pytest.mark.parametrize(
    ("prompt", "completion"), [("prompt", "completion"), ("Question", "ANSWER"), ("input", "output")]
)
def test_prompts_and_completions_are_found_by_their_usual_names(prompt: str, completion: str, write: Write) -> None:
    path = write("a.csv", f"id,{prompt},{completion}\n1,Who?,me\n2,What?,that\n")
    dataset = load(path, TASK)

    assert likely_task(path) is TASK
    assert [(one.input, one.target) for one in dataset.examples] == [("Who?", "me"), ("What?", "that")]


def test_conversations_and_texts_need_no_completion(write: Write) -> None:
    chat = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    conversations = load(write("a.jsonl", json.dumps({"messages": chat}) + "\n"), TASK)
    texts = load(write("b.csv", "text\nsome text\n"), TASK)

    assert [(one.input, one.target) for one in conversations.examples] == [(chat, None)]
    assert [(one.input, one.target) for one in texts.examples] == [("some text", None)]
    notes = [finding.message for finding in inspect(write("c.csv", "text\na b\n"), TASK).findings]
    assert any("has no completion column: all of each text is learnt" in note for note in notes)


def test_an_empty_completion_keeps_a_training_from_beginning(write: Write) -> None:
    path = write("a.csv", "prompt,completion\nWho?,me\nWhat?,\nWhy?,\n")
    with pytest.raises(DatasetInvalid, match=r"a.csv, row 2: the completion is empty"):
        load(path, TASK)

    inspection = inspect(path, TASK)
    assert not inspection.usable
    assert "2 rows have an empty completion" in inspection.findings[0].message
    assert "the first is row 2" in inspection.findings[0].message


def test_plain_text_is_divided_by_blank_lines_where_there_are_any(write: Write) -> None:
    path = write("a.txt", TEXTS)
    dataset = load(path, TASK)
    lines = load(path, TASK, columns={"input": "text"})

    assert [(one.row, one.input) for one in dataset.examples] == [(1, "one\ntwo"), (5, "three"), (7, "four\nfive")]
    assert "a row is what stands between two blank lines" in dataset.reading_note
    assert [one.input for one in lines.examples] == ["one", "two", "three", "four", "five"]
    assert [one.input for one in load(write("b.txt", "one\ntwo\n\n"), TASK).examples] == ["one", "two"]
    assert [one.input for one in load(path, get_task("fill-mask")).examples] == ["one", "two", "three", "four", "five"]


def test_rows_are_counted_as_they_are_read(write: Write) -> None:
    path = write("a.txt", TEXTS)
    rows = InputRows(path, TASK)

    assert count_rows(path, tuple(rows.columns.values())) == len(list(rows)) == 3
    assert count_rows(path) == 5


def test_a_second_column_of_the_prompt_is_told(write: Write) -> None:
    rows = "instruction,input,output\nTranslate.,chat,cat\nTranslate.,chien,dog\n"
    note = "column input is not read: where the prompt needs it, write both into one column"

    assert load(write("a.csv", rows), TASK).reading_note == note
    assert any(note in finding.message for finding in inspect(write("b.csv", rows), TASK).findings)
    assert load(write("c.csv", "input,output\na,b\nc,d\n"), TASK).reading_note == ""
