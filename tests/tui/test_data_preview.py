"""Which columns of a table a form takes for inputs and labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.data import Columns
from zoo.data.table import Table
from zoo.errors import DatasetInvalid
from zoo.tasks import get_task
from zoo.tui.widgets.data_preview import DataQuery, find_choice

TEXTS, IMAGES = get_task("text-classification"), get_task("image-classification")
TICKETS = "Ticket,Complaint,Team\n" + "".join(f"{n},the parcel {n} is late,{'ab'[n % 2]}\n" for n in range(20))


@pytest.fixture
def tickets(tmp_path: Path) -> Table:
    (tmp_path / "tickets.csv").write_text(TICKETS)
    return Table(tmp_path / "tickets.csv")


@pytest.mark.parametrize(
    ("query", "needs_label", "likely"),
    [
        (DataQuery(), True, {"input": "Complaint", "label": "Team"}),
        (DataQuery(), False, {"input": "Complaint"}),
        (DataQuery(columns=(("input", "Ticket"),)), True, {"input": "Ticket", "label": "Team"}),
        (DataQuery(columns=(("input", "Team"), ("label", "of other data"))), False, {"input": "Team"}),
    ],
)
def test_a_choice_goes_before_a_guess(query: DataQuery, needs_label: bool, likely: Columns, tickets: Table) -> None:
    choice = find_choice(tickets, TEXTS, query, needs_label=needs_label)
    assert (choice.columns, choice.usual, choice.likely) == (("Ticket", "Complaint", "Team"), {}, likely)


def test_where_there_is_nothing_to_choose_from_the_data_is_at_fault(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("one\ntwo\n")
    with pytest.raises(DatasetInvalid, match="plain text, which has no column for the label"):
        find_choice(Table(tmp_path / "lines.txt"), TEXTS, DataQuery(), needs_label=True)
    find_choice(Table(tmp_path / "lines.txt"), TEXTS, DataQuery(), needs_label=False)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"")
    with pytest.raises(DatasetInvalid, match="no class folders"):
        find_choice(Table(tmp_path / "photos"), IMAGES, DataQuery(), needs_label=True)
    assert find_choice(Table(tmp_path / "photos"), IMAGES, DataQuery(), needs_label=False).likely == {
        "input": "file_name"
    }


def test_data_of_another_kind_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "scans.csv").write_text("image,Remark,label\n" + "1.png,a long remark,a\n2.png,another one,b\n" * 5)
    choice = find_choice(Table(tmp_path / "scans.csv"), TEXTS, DataQuery(), needs_label=True)
    assert choice.likely == {"label": "label"}
