"""The path of the data as it is typed: when it is looked at, and how it is completed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.driving import Driver, scenario, shows, write
from tests.tui.test_training import enter, open_form
from zoo.tui.preview import DataQuery
from zoo.tui.screens import data_form
from zoo.tui.widgets.data_preview import DataPreview
from zoo.tui.widgets.fields import complete_path


@pytest.mark.slow
@scenario(size=(120, 45))
async def test_only_the_whole_path_is_looked_at(
    pilot: Driver, echo: None, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    read = DataPreview._read

    def watched(preview: DataPreview, query: DataQuery) -> None:
        looked_at.append(query.path)
        read(preview, query)

    monkeypatch.setattr(DataPreview, "_read", watched)
    monkeypatch.setattr(data_form, "FOLDER_PAUSE_S", 60)
    screen = await open_form(pilot)
    await write(pilot, f"{rows.parent}/{rows.name}")
    await shows(pilot, "rows 40", "nothing stands in the way")
    assert looked_at == [str(rows)]
    enter(screen, data=str(rows.parent))
    await pilot.press("enter")
    await shows(pilot, "is a folder without images")
    enter(screen, data=str(rows))
    await shows(pilot, "rows 40", "nothing stands in the way")
    assert looked_at == [str(rows), str(rows.parent), str(rows)]


@pytest.mark.slow
@scenario(size=(120, 45))
async def test_who_pauses_in_typing_a_path_goes_on_typing_it(
    pilot: Driver, echo: None, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"x")
    rows.rename(tmp_path / "photos" / "rows.csv")
    monkeypatch.setattr(data_form, "FOLDER_PAUSE_S", 0.1)
    screen = await open_form(pilot)
    await write(pilot, str(tmp_path / "photos"))
    await shows(pilot, "no model here takes images")
    assert screen.field("data").has_fault
    await write(pilot, "/rows.csv")
    await shows(pilot, "rows 40", "nothing stands in the way")
    assert screen.value("data") == str(tmp_path / "photos" / "rows.csv")


def test_paths_are_completed_as_in_a_shell(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data.csv").touch()
    (tmp_path / ".hidden").touch()
    assert complete_path(f"{tmp_path}/da") == f"{tmp_path}/data.csv"
    assert complete_path(f"{tmp_path}/data/") is None
    assert complete_path(f"{tmp_path}/") == f"{tmp_path}/data.csv"
    assert complete_path(f"{tmp_path}/.h") == f"{tmp_path}/.hidden"
    assert complete_path(f"{tmp_path}/none") is None
    assert complete_path("") is None
