"""Columns with names of their own are guessed by what stands in them."""

from __future__ import annotations

import pytest

from tests.data.conftest import Write
from zoo.data import likely_columns
from zoo.data.columns import usual_columns
from zoo.data.table import Table
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
