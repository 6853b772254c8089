"""Inputs made of several: read from columns of their own, told apart by all of their parts."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.data.conftest import Write
from zoo.data import examine, inspect, load
from zoo.data.expansion import input_list
from zoo.data.splitting import input_key, split
from zoo.errors import DatasetInvalid
from zoo.kinds import IMAGE, TEXT, Record, Unusable
from zoo.tasks import get_task
from zoo.tasks.task import Task

PAIR = Record("text pair", first=TEXT, second=TEXT)


@pytest.fixture
def compare() -> Task:
    return msgspec.structs.replace(get_task("text-classification"), name="compare", input=PAIR)


def test_each_part_is_read_from_its_column(compare: Task, write: Write) -> None:
    path = write("a.csv", "second,first,label\nb,a,x\n,a,x\nd,c,y\n")
    dataset = load(path, compare)
    assert [{"first": "a", "second": "b"}, {"first": "c", "second": "d"}] == [one.input for one in dataset.examples]
    assert ["column second is empty"] == [row.reason for row in dataset.rejected]
    assert {"first": "first", "second": "second", "label": "label"} == dataset.columns


def test_columns_are_named_by_their_roles(compare: Task, write: Write) -> None:
    path = write("a.csv", "text,reply,label\na,b,x\nc,d,y\n")
    assert {"first": "text", "second": "reply", "label": "label"} == (
        load(path, compare, columns={"first": "text", "second": "reply"}).columns
    )
    with pytest.raises(DatasetInvalid, match=r"no column that is usually the text 'second' \(second\)") as lacking:
        load(path, compare, columns={"first": "text"})
    assert "--column second=NAME" in lacking.value.hint
    with pytest.raises(DatasetInvalid, match="column text cannot be both first and second"):
        load(path, compare, columns={"first": "text", "second": "text"})


def test_they_are_the_same_where_all_parts_are(compare: Task, write: Write) -> None:
    path = write("a.csv", "first,second,label\na,b,x\nb,a,y\na,c,x\na, b,y\n" + "e,f,x\ng,h,y\n")
    dataset = load(path, compare)
    keys = [input_key(example) for example in dataset.examples]
    assert (4, keys[0]) == (len(set(keys[:3])) + 1, keys[3])
    looked_at, held_in_memory = inspect(path, compare), examine(dataset, keys, compare)
    assert ((1, 1), (1, 1)) == (
        (looked_at.train.duplicates.rows, looked_at.train.conflicts.rows),
        (held_in_memory.train.duplicates.rows, held_in_memory.train.conflicts.rows),
    )
    train, evaluation = split(dataset, 0.5, 1, keys, compare.target)
    assert not {input_key(one) for one in train} & {input_key(one) for one in evaluation}


def test_lengths_are_of_all_texts(compare: Task, write: Write) -> None:
    inspection = inspect(write("a.csv", "first,second,label\na b c,d,x\na,b c d e f,y\n"), compare)
    assert inspection.train.lengths is not None
    assert (5, "words") == (inspection.train.lengths.max, inspection.train.lengths.unit)


def test_what_a_person_types() -> None:
    assert [{"first": "a", "second": "b"}, {"first": "c", "second": "d"}] == PAIR.expand(["a", "b", "c", "d"])
    with pytest.raises(DatasetInvalid, match="3 inputs given, but a text pair takes 2: first, second"):
        PAIR.expand(["a", "b", "c"])
    assert {"first": "a b", "second": "c"} == PAIR.typed("a b\tc") == PAIR.typed("a b\nc\n")
    with pytest.raises(
        Unusable, match=r"1 part where a text pair has 2 .* an object of JSON with the keys first, second"
    ):
        PAIR.typed("a b")


@pytest.mark.parametrize("line", ['{"first": "a\\tb", "second": "{c"}', ' {"second":"{c","first":"a\\tb"}\n'])
def test_an_object_of_json_is_one(line: str) -> None:
    record = {"first": "a\tb", "second": "{c"}
    assert PAIR.typed(line) == record
    assert PAIR.expand([line]) == [record]
    assert PAIR.expand([line, line, line]) == [record] * 3


@pytest.mark.parametrize("line", ['{"first": "a"}', '{"first": "a", "second": "b", "third": "c"}', '{"first', "{}"])
def test_an_object_of_something_else_is_none(line: str) -> None:
    with pytest.raises(Unusable, match="1 part where a text pair has 2"):
        PAIR.typed(line)
    assert PAIR.typed(f"{line}\tb") == {"first": line, "second": "b"}


def test_a_tuple_is_one_input() -> None:
    record = {"first": "a", "second": "b"}
    assert input_list(("a", "b"), PAIR) is None
    assert PAIR.from_python(("a", "b")) == PAIR.from_python(["a", "b"]) == PAIR.from_python(record) == record
    assert input_list((record, record), PAIR) == [record, record]
    assert input_list([("a", "b")], PAIR) == [("a", "b")]
    assert [PAIR.from_python(value) for value in (("a",), "ab", 7)] == [("a",), "ab", 7]


def test_a_dict_is_one_input() -> None:
    assert input_list({"first": "a", "second": "b"}, PAIR) is None
    assert [{"first": "a", "second": "b"}] == input_list([{"first": "a", "second": "b"}], PAIR)


def test_parts_may_be_of_different_kinds(tmp_path: Path) -> None:
    question = Record("question", image=IMAGE, question=TEXT)
    task = msgspec.structs.replace(get_task("text-classification"), input=question)
    samples = question.samples(tmp_path, 20)
    dataset = load(samples.labelled(), task)
    assert (36, ()) == (len(dataset.examples), dataset.rejected)
    first = dataset.examples[0].input
    assert Path(first["image"]).is_file()
    assert first["image"] == question.file_of(first, "table.csv")
    row = samples.row(samples.inputs("")[0], ["image", "question"])
    assert json.loads(json.dumps(row)) == row
    inspection = inspect(samples.labelled(), task)
    assert inspection.train.images is not None
    assert inspection.train.lengths is not None
