"""Columns with names of their own are guessed by what stands in them."""

from __future__ import annotations

import msgspec
import pytest

from tests.data.conftest import Write
from zoo.data import likely_columns, load
from zoo.data.columns import usual_columns
from zoo.data.guessing import likeliest_task
from zoo.data.table import Table
from zoo.errors import OptionInvalid
from zoo.kinds import LABELS, NUMBER
from zoo.tasks import get_task
from zoo.tasks.task import Task

TEAMS = ("billing", "shipping", "returns")


def tickets(rows: int) -> str:
    lines = [
        f'{4711 + n},2026-03-{n % 28 + 1:02},"my parcel number {n} is late, what now",{TEAMS[n % 3]}'
        for n in range(rows)
    ]
    return "Ticket,Received On,Customer Message,Team\n" + "\n".join(lines) + "\n"


def test_texts_are_long_and_labels_occur_again(write: Write, classify: Task) -> None:
    assert likely_columns(Table(write("tickets.csv", tickets(60))), classify) == {
        "input": "Customer Message",
        "label": "Team",
    }


def test_what_is_known_is_kept(write: Write, classify: Task) -> None:
    table = Table(write("tickets.csv", tickets(60)))
    assert likely_columns(table, classify, {"label": "Received On"}) == {
        "input": "Customer Message",
        "label": "Received On",
    }
    assert likely_columns(table, classify, {"input": "Team"}) == {"input": "Team", "label": "Received On"}


def test_the_usual_names_are_found_whatever_their_case(write: Write, classify: Task) -> None:
    assert usual_columns(Table(write("a.csv", "Text,Team\nx,y\n")), classify) == {"input": "Text"}
    assert usual_columns(Table(write("b.csv", "id,LABEL\nx,y\n")), classify) == {"label": "LABEL"}


def test_a_task_without_labels_has_none(write: Write, fill_mask: Task) -> None:
    assert likely_columns(Table(write("tickets.csv", tickets(60))), fill_mask) == {"input": "Customer Message"}


def test_numbers_are_labels_where_nothing_else_is(write: Write, classify: Task) -> None:
    rows = "".join(f"what a film number {n},{n % 5}\n" for n in range(40))
    assert likely_columns(Table(write("films.csv", "Opinion,Stars\n" + rows)), classify) == {
        "input": "Opinion",
        "label": "Stars",
    }


def test_images_are_known_by_their_names(write: Write) -> None:
    rows = "".join(f"a long remark on this,scans/{n}.PNG,{TEAMS[n % 3]}\n" for n in range(40))
    table = Table(write("scans.csv", "Remark,Scan,Sort\n" + rows))
    assert likely_columns(table, get_task("image-classification")) == {"input": "Scan", "label": "Sort"}


@pytest.mark.parametrize("content", ["a,b\n", "a,b\n1,2\n3,4\n", "a\n\n", "a,b\nx,y\n"])
def test_nothing_is_guessed_where_nothing_shows(content: str, write: Write, classify: Task) -> None:
    assert likely_columns(Table(write("few.csv", content)), classify) == {}


def test_only_the_first_rows_are_read(write: Write, classify: Task) -> None:
    bad = tickets(300).encode() + b"\xff\xfe,not,UTF-8,at all\n"
    assert likely_columns(Table(write("tickets.csv", bad)), classify) == {"input": "Customer Message", "label": "Team"}


@pytest.mark.parametrize(
    ("column", "cells", "target", "reason"),
    [
        ("label", ["good", "bad"], "label", ""),
        (
            "label",
            ["news|sport", "sport", "news"],
            "label set",
            "'label' is taken to hold label sets; --task one takes",
        ),
        ("labels", ["news; sport", "sport", "film"], "label set", "--task one takes labels"),
        ("label", [f"{n / 7:.3f}" for n in range(30)], "number", "'label' is taken to hold numbers"),
        ("score", [f"{n / 7:.3f}" for n in range(30)], "number", "column 'score' is taken to hold numbers"),
        ("label", ["1", "2", "3", "4", "5"], "label", "'label' is taken to hold labels; --task number takes numbers"),
        ("odd", ["news|sport", "sport"], "label", ""),
    ],
)
def test_the_data_say_what_is_learnt(
    column: str, cells: list[str], target: str, reason: str, write: Write, classify: Task
) -> None:
    one, several, number = (msgspec.structs.replace(classify, name=name) for name in ("one", "several", "number"))
    several = msgspec.structs.replace(several, target=LABELS)
    number = msgspec.structs.replace(number, target=NUMBER)
    path = write("a.csv", f"text,{column}\n" + "".join(f"text {n},{cells[n % len(cells)]}\n" for n in range(60)))
    choice = likeliest_task((one, several, number), Table(path))
    assert target == str(choice.task.target)
    assert reason in choice.reason
    assert bool(reason) == bool(choice.reason)


def test_labels_are_divided_at_a_separator(write: Write, classify: Task) -> None:
    sets = msgspec.structs.replace(classify, target=LABELS)
    path = write("a.csv", 'text,label\na,"news, sport"\nb,sport\n')
    assert load(path, sets).labels == ("news, sport", "sport")
    assert load(path, sets.divided_at(",")).labels == ("news", "sport")
    with pytest.raises(OptionInvalid, match="divides the labels of a row, and the target is one label here"):
        classify.divided_at(",")
