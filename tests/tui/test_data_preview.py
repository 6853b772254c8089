"""What a form sees in data: the columns that it takes for inputs and labels, and how much of a folder it walks."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.card import Ability, Card
from zoo.data import Columns
from zoo.data.table import Table
from zoo.errors import DatasetInvalid, RunCancelled
from zoo.file_cache import FileCache
from zoo.tasks import get_task
from zoo.tui import preview as preview_module
from zoo.tui.preview import ColumnsPreview, DataQuery, RowsPreview, find_choice, preview

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


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of two files each, which are no images when they are read."""
    for name in ("cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/4.jpg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(b"x")
    return tmp_path / "photos"


CARD = Card(
    name="looks",
    plugin="toy",
    task=IMAGES.name,
    family="toy",
    summary="looks",
    abilities=(Ability(verb="finetune", task=IMAGES.name),),
)


def parts_of_preview(path: Path, checks: list[str], stop_at: int = 10**9) -> list[ColumnsPreview | RowsPreview]:
    def check() -> None:
        checks.append("checked")
        if len(checks) >= stop_at:
            raise RunCancelled("other data is meant now")

    query = DataQuery(path=str(path), task=IMAGES.name)
    parts = preview(query, CARD, "finetune", FileCache(), check=check, on_rows=lambda name, rows: None)
    return list(parts)


def test_a_folder_of_very_many_images_is_not_looked_through(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_module, "MOST_IMAGES", 3)
    columns, rows = parts_of_preview(photos, [])
    assert isinstance(columns, ColumnsPreview)
    assert columns.choice.likely == {"input": "file_name", "label": "label"}
    assert isinstance(rows, RowsPreview)
    assert rows.inspection is None
    assert rows.note == (
        f"more than 3 images, which are not looked at here; zoo data inspect {photos} does, in some minutes"
    )

    monkeypatch.setattr(preview_module, "MOST_IMAGES", 4)
    _, rows = parts_of_preview(photos, [])
    assert isinstance(rows, RowsPreview)
    assert rows.inspection is not None


@pytest.mark.parametrize("content", ["dog/4.jpg", "notes/5.doc"])
def test_a_walk_ends_where_other_data_is_meant(content: str, tmp_path: Path) -> None:
    for number in range(30):
        path = tmp_path / "all" / f"{number:02}" / content
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    checks: list[str] = []
    with pytest.raises(RunCancelled):
        parts_of_preview(tmp_path / "all", checks, stop_at=9)
    assert len(checks) == 9
