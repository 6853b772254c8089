"""Models: all of them in a table that can be filtered and sorted, each with its card and what can be done with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.hub_server import HubServer, Served
from tests.plugin_site import Site, card, new_site, plugin
from tests.tui.driving import Driver, notices, scenario, shows, until, write
from zoo.runs.events import RunFailed, RunFinished
from zoo.runs.store import RunFolder
from zoo.tui import feed
from zoo.tui.widgets.table import Table

Downloading = tuple[HubServer, Served]


def names(pilot: Driver) -> list[str]:
    return [line.card.name for line in pilot.app.screen.query_one(Table).rows]


def write_result(run: RunFolder, base: str) -> None:
    """What a finished run leaves as its model."""
    about = {"name": run.name, "plugin": "red", "base": base, "parent": base, "verb": "finetune"}
    (run.path / "model").mkdir()
    (run.path / "model" / "zoo.json").write_text(json.dumps({**about, "task": "text-classification"}), "utf-8")


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Thirty models of two families, named in turn, each with ten times the parameters of the one before."""
    abilities = (
        "{'finetune': zoo.Ability(task='text-classification', options=zoo.FinetuneOptions), "
        "'predict': zoo.Ability(task='text-classification')}"
    )
    cards = [
        card(f"{family}-{i:x}", family=repr(family), parameters=f"{10**i}_000_000", abilities=abilities)
        for i in range(15)
        for family in ("wren", "owl")
    ]
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("many", plugin(*cards))
        yield site


async def loaded(pilot: Driver) -> None:
    await shows(pilot, "alpha", "epsilon", "5 of 5")


@scenario()
async def test_all_models_are_there_with_what_is_known(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    await shows(
        pilot,
        "alpha recommended *text-classification 7 B yes",
        "beta pretrained text-classification 1.0 kB no",
        "gamma from scratch text-classification -",
        "x-epsilon demonstration text-classification -",
    )
    assert names(pilot) == ["alpha", "beta", "delta", "gamma", "x-epsilon"]


@scenario(size=(100, 24))
async def test_a_wide_terminal_has_the_parameters(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    await shows(pilot, "alpha recommended *text-classification 12.3M 7 B yes")


@scenario()
async def test_typing_filters(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    await pilot.press("slash")
    await write(pilot, "small")
    assert names(pilot) == ["beta"]
    await pilot.press("enter", "escape")
    assert len(names(pilot)) == 5
    await pilot.press("slash")
    await write(pilot, "nothing like this")
    await shows(pilot, "no model matches; Esc shows all")


@scenario()
async def test_typing_finds_names_of_models_before_runs_made_from_them(
    pilot: Driver, models: Site, write_run: Callable[..., RunFolder]
) -> None:
    for name, base in (("mine", "gamma"), ("gamma-1", "gamma")):
        write_result(write_run(name, RunFinished()), base)
    await shows(pilot, "7 of 7", "own run")
    assert names(pilot)[0] == "alpha"
    assert set(names(pilot)[1:3]) == {"mine", "gamma-1"}
    await pilot.press("slash")
    await write(pilot, "gam")
    assert names(pilot) == ["gamma", "gamma-1", "mine"]


@scenario()
async def test_one_task_after_the_other(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    await pilot.press("t")
    assert names(pilot) == ["delta"]
    await shows(pilot, "task: fill-mask")
    await pilot.press("t")
    assert len(names(pilot)) == 4
    await pilot.press("t")
    assert len(names(pilot)) == 5


@scenario(size=(100, 24))
async def test_families_sizes_and_what_memory_has_room_for(pilot: Driver, large: Site, one_device: None) -> None:
    await shows(pilot, "30 of 30")
    assert names(pilot)[:3] == ["owl-0", "owl-1", "owl-2"], "family by family"
    await pilot.press("y")
    await shows(pilot, "15 of 30 family: owl")
    await pilot.press("z", "z")
    await shows(pilot, "2 of 30 family: owl up to 25.0M")
    await pilot.press("escape", "m")
    await shows(pilot, "8 of 30 fits: predict in 16.0 GB")
    await pilot.press("m")
    await shows(pilot, "6 of 30 fits: finetune in 16.0 GB")
    await pilot.press("question_mark")
    await shows(pilot, "Size: up to 5M, 25M, 100M parameters", "Fits: free memory for predicting, fine-tuning")
    await pilot.press("escape", "escape")
    assert len(names(pilot)) == 30


@scenario()
async def test_sorting_by_key_and_by_mouse(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    await pilot.press("s")
    assert names(pilot) == sorted(names(pilot))
    await pilot.click(Table, offset=(2, 0))
    assert names(pilot) == sorted(names(pilot), reverse=True)
    await pilot.press("s", "s")
    assert names(pilot)[:2] == ["alpha", "beta"], "most parameters first, unknown last"
    await pilot.click(Table, offset=(26, 0))
    assert names(pilot) == ["alpha", "beta", "delta", "gamma", "x-epsilon"], "by their marks"


@scenario()
async def test_the_card_of_the_model_under_the_cursor(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    table = pilot.app.screen.query_one(Table)
    table.cursor = names(pilot).index("alpha")
    await shows(pilot, "a toy", "parameters 12,300,000")
    await pilot.press("enter")
    await shows(pilot, "licence MIT", "memory 49.2 MB to predict, 196.8 MB and more to fine-tune")
    await pilot.press("escape")
    table.cursor = names(pilot).index("x-epsilon")
    await shows(pilot, "[red]no markup[/red]")


@scenario()
async def test_what_a_model_cannot_do_is_said(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    table = pilot.app.screen.query_one(Table)
    table.cursor = names(pilot).index("delta")
    for key, message in (
        ("f", "delta cannot finetune"),
        ("p", "delta has learnt nothing yet"),
        ("e", "no data can tell how good delta is"),
        ("d", "delta has no weights"),
        ("x", "delta comes with plugin blue"),
    ):
        await pilot.press(key)
        await until(pilot, lambda message=message: any(message in notice for notice in notices(pilot)))


@scenario()
async def test_the_command_can_be_copied(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    table = pilot.app.screen.query_one(Table)
    table.cursor = names(pilot).index("alpha")
    await pilot.press("c")
    assert pilot.app.clipboard == "zoo predict alpha"


@scenario(size=(150, 24))
async def test_runs_on_this_machine_are_counted(
    pilot: Driver, models: Site, write_run: Callable[..., RunFolder]
) -> None:
    write_run("one", RunFinished())
    write_run("two", RunFinished(), hours_ago=5)
    await loaded(pilot)
    table = pilot.app.screen.query_one(Table)
    await until(pilot, lambda: [line.runs for line in table.rows if line.card.name == "alpha"] == [2])
    await shows(pilot, "yes 2h")


@pytest.fixture
def looking(models: Site, monkeypatch: pytest.MonkeyPatch) -> Event:
    """Set when models are looked at, of which there are so many that much happens meanwhile."""
    at_once, began = feed._line, Event()

    def slowly(*about: Any) -> feed.ModelLine:
        began.set()
        time.sleep(0.3)
        return at_once(*about)

    monkeypatch.setattr(feed, "_line", slowly)
    return began


@scenario()
async def test_runs_found_while_models_are_looked_at_are_counted(
    pilot: Driver, looking: Event, write_run: Callable[..., RunFolder]
) -> None:
    await until(pilot, looking.is_set)
    write_run("one", RunFailed(kind="ValueError", message="no such thing"))
    await loaded(pilot)
    table = pilot.app.screen.query_one(Table)
    await until(pilot, lambda: any(line.local for line in table.rows))
    await until(pilot, lambda: [line.runs for line in table.rows if line.card.name == "alpha"] == [1])


@scenario(size=(120, 30))
async def test_a_download_goes_on_elsewhere_stops_and_resumes(pilot: Driver, download_site: Downloading) -> None:
    hub, served = download_site
    await shows(pilot, "1 of 1", "no")
    served.stall_after = 1_000_000
    await pilot.press("d")
    await until(pilot, lambda: (active := pilot.app.feed.downloads.active) and (active[0].share or 0) > 0.3)
    await pilot.press("2")
    await shows(pilot, "↓ 1 33%")
    await pilot.press("1")
    await shows(pilot, "1.0 MB of 3.0 MB")
    await pilot.press("d")
    await shows(pilot, "stopped; the next one goes on where")
    served.stall_after = None
    hub.requests.clear()
    await pilot.press("d")
    await until(pilot, lambda: any("toy is on this machine" in notice for notice in notices(pilot)))
    await shows(pilot, "3.0 MB yes")
    assert any("range" in request.headers for request in hub.requests)


@scenario()
async def test_a_download_that_fails_says_why(pilot: Driver, download_site: Downloading) -> None:
    hub, _ = download_site
    await shows(pilot, "1 of 1", "no")
    hub.files.clear()
    await pilot.press("d")
    await until(pilot, lambda: any("the server answered 404" in notice for notice in notices(pilot)))
    await shows(pilot, "stopped")


@scenario()
async def test_leaving_with_a_download_asks(pilot: Driver, download_site: Downloading) -> None:
    _, served = download_site
    await shows(pilot, "1 of 1", "no")
    served.stall_after = 1_000_000
    await pilot.press("d")
    await until(pilot, lambda: pilot.app.feed.downloads.active)
    await pilot.press("q")
    await shows(pilot, "1 download would stop, and go on where it was the next time.")
    await pilot.press("n")
    assert pilot.app.is_running
    await pilot.press("q")
    await shows(pilot, "Leave zoo?")
    await pilot.press("y")


@scenario()
async def test_no_plugin_at_all(pilot: Driver, no_plugins: None) -> None:
    await shows(pilot, "no plugin has a model; see 4 Plugins")
