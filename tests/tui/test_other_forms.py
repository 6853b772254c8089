"""The forms of an audit and of a training over clients: what they ask for, and what is wrong with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.tui.driving import Driver, scenario, shows, until
from zoo.data.clients import client_names
from zoo.tui.screens.federate import FederateScreen
from zoo.tui.widgets.table import Table


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    folder = tmp_path / "clients"
    folder.mkdir()
    for name in ("north", "south"):
        rows = "".join(f"good {i},yes\nbad {i},no\n" for i in range(8))
        (folder / f"{name}.csv").write_text(f"words,verdict\n{rows}")
    (tmp_path / "all.csv").write_text("text,label,site\n" + "good,yes,a\nbad,no,b\n" * 8)
    return folder


async def open_form(pilot: Driver, name: str, key: str, title: str) -> Any:
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    await shows(pilot, name)
    table = pilot.app.screen.query_one(Table)
    table.cursor = next(place for place, line in enumerate(table.rows) if line.card.name == name)
    await pilot.press(key)
    await shows(pilot, f"{title} {name}")
    return pilot.app.screen


def enter(screen: Any, **values: str) -> None:
    for name, value in values.items():
        screen.field(name).editor.value = value


@pytest.fixture
def bert(one_device: None) -> None:
    pytest.importorskip("zoo_bert")
    pytest.importorskip("opacus")


@pytest.mark.slow
@scenario(size=(120, 60))
async def test_who_the_clients_are(pilot: Driver, bert: None, clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of them, whose first shows the columns, unlisted by the UI's loop; or a column of one file."""
    listed_by: list[threading.Thread] = []

    def listed(values: Sequence[str]) -> list[str]:
        listed_by.append(threading.current_thread())
        return client_names(values)

    monkeypatch.setattr("zoo.data.clients.client_names", listed)
    screen = await open_form(pilot, "all-minilm-l6-v2", "w", "federate")
    assert isinstance(screen, FederateScreen)
    enter(screen, data=str(clients), rounds="3", share="0.5")
    await shows(pilot, "text column words", "label column verdict")
    assert screen.command().startswith(f"zoo federate all-minilm-l6-v2 --clients {clients} ")
    assert screen.command().endswith("--rounds 3 --share 0.5")
    assert not screen.query("#field-unit")
    assert not screen.query("#field-epochs")
    assert listed_by
    assert threading.current_thread() not in listed_by
    request = screen.request()
    assert request.federation is not None
    assert [one.name for one in request.federation.clients] == ["north", "south"]
    assert request.federation.options["rounds"] == 3

    enter(screen, data=str(clients.parent / "all.csv"))
    await shows(pilot, "name the column that tells its rows apart")
    enter(screen, by="site")
    await shows(pilot, "text column text", "label column label")
    assert f"--data {clients.parent / 'all.csv'} --by site" in screen.command()
    federation = screen.request().federation
    assert federation is not None
    assert [one.value for one in federation.clients] == ["a", "b"]


@scenario(size=(120, 60))
async def test_what_clients_cannot_do_stands_beside_its_field(pilot: Driver, bert: None, clients: Path) -> None:
    screen = await open_form(pilot, "all-minilm-l6-v2", "w", "federate")
    enter(screen, data=str(clients), private="eps=8,delta=0.5")
    await shows(pilot, "label column verdict")
    await pilot.press("ctrl+s")
    await shows(pilot, "could be told: there are 2")


@pytest.mark.slow
@scenario(size=(120, 60))
async def test_a_folder_of_one_client_is_told(pilot: Driver, bert: None, clients: Path) -> None:
    (clients / "south.csv").unlink()
    screen = await open_form(pilot, "all-minilm-l6-v2", "w", "federate")
    enter(screen, data=str(clients))
    await until(pilot, lambda: screen.field("data").has_fault)
    assert "one client only, north" in str(screen.field("data").query_one(".fault").render())


@pytest.fixture
def usual_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_PRECISION", "fp16")  # which no model here computes in


@scenario(size=(120, 40))
async def test_a_command_that_takes_no_precision_says_none(
    pilot: Driver, usual_precision: None, models: object, one_device: None
) -> None:
    screen = await open_form(pilot, "alpha", "a", "audit")
    assert screen.command() == "zoo audit alpha"


@scenario(size=(120, 40))
async def test_an_audit_needs_no_data(pilot: Driver, models: object, one_device: None, rows: Path) -> None:
    screen = await open_form(pilot, "alpha", "a", "audit")
    enter(screen, shadows="8")
    await until(pilot, lambda: screen.command() == "zoo audit alpha --shadows 8")
    await pilot.press("ctrl+s")
    await shows(pilot, "alpha")
    assert "say which data" not in await shows(pilot, "audit alpha")
    enter(screen, held_out=str(rows), shadows="3")
    await until(pilot, lambda: f"--held-out {rows} --shadows 3" in screen.command())
    await pilot.press("ctrl+s")
    await shows(pilot, "an even number from 4 on, or 0 for none")
    assert screen.field("shadows").has_fault
