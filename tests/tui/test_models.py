"""Models: all of them in a table that can be filtered and sorted, each with its card and what can be done with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.hub_server import COMMIT, HubServer, Served, hub_server
from tests.plugin_site import Site, card, new_site, plugin
from tests.tui.driving import Driver, notices, scenario, shows, until, write
from tests.weights_factory import some_bytes
from zoo import hub_models
from zoo.runs.events import RunFailed, RunFinished
from zoo.runs.store import RunFolder
from zoo.tui import feed
from zoo.tui.widgets.table import Table

Downloading = tuple[HubServer, Served]


def names(pilot: Driver) -> list[str]:
    """Of the models in the catalog, which come first."""
    return [row.card.name for row in pilot.app.screen.query_one(Table).rows if isinstance(row, feed.ModelLine)]


def to_pull(pilot: Driver) -> list[str]:
    """Repositories of the others."""
    rows = pilot.app.screen.query_one(Table).rows
    return [row.repository for row in rows if not isinstance(row, feed.ModelLine)]


def runs_from(pilot: Driver, name: str) -> int:
    """How many the table says were made from a model."""
    rows = pilot.app.screen.query_one(Table).rows
    return next(row.runs for row in rows if isinstance(row, feed.ModelLine) and row.card.name == name)


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


HUB_FILES = {
    "config.json": b'{"model_type": "toy"}',
    "model.safetensors": some_bytes(3_000_000),
    "tokenizer.json": b"{}",
}
CARD_FOR = """
@zoo.hookimpl
def card_for(name, config, weights, documents):
    return zoo.Card(name=name, task="fill-mask", family="toy", weights=weights, abilities=(), summary="toy")
"""


@pytest.fixture
def hub_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A plugin with one model, which takes any model of the Hub; and a Hub without any yet."""
    with hub_server() as server, new_site(tmp_path / "site", monkeypatch) as site:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        site.install("toys", plugin(card("toy"), more=CARD_FOR))
        yield server


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
    assert to_pull(pilot) == ["bob/bird-words"]
    await pilot.press("t")
    assert len(names(pilot)) == 4
    assert to_pull(pilot) == []
    await pilot.press("t")
    await shows(pilot, "0 of 5 1 to pull task: token-classification")
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
    await pilot.press("question_mark", "pagedown")
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
    await until(pilot, lambda: runs_from(pilot, "alpha") == 2)
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


@pytest.mark.slow
@scenario()
async def test_runs_found_while_models_are_looked_at_are_counted(
    pilot: Driver, looking: Event, write_run: Callable[..., RunFolder]
) -> None:
    await until(pilot, looking.is_set)
    write_run("one", RunFailed(kind="ValueError", message="no such thing"))
    await loaded(pilot)
    await until(pilot, lambda: any(line.local for line in pilot.app.feed.models))
    await until(pilot, lambda: runs_from(pilot, "alpha") == 1)


@pytest.mark.slow
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


@pytest.mark.slow
@scenario(size=(100, 24))
async def test_well_known_models_come_after_those_of_the_catalog(pilot: Driver, models: Site) -> None:
    await loaded(pilot)
    await shows(pilot, "5 of 5 2 to pull", "Ann/Bird-Tagger token-classification 24.0M to pull")
    await pilot.press("slash")
    await write(pilot, "bird to pull")
    await until(pilot, lambda: (names(pilot), to_pull(pilot)) == ([], ["Ann/Bird-Tagger", "bob/bird-words"]))
    await shows(pilot, "not here yet: d pulls it", "parameters 24,000,000", "licence MIT")
    await pilot.press("enter")
    for key in "fpnex":
        await pilot.press(key)
    await until(pilot, lambda: notices(pilot) == ["Ann/Bird-Tagger is not here yet: d pulls it"] * 5)
    await pilot.press("c")
    assert pilot.app.clipboard == "zoo pull hub:Ann/Bird-Tagger"
    await pilot.press("enter")
    await shows(pilot, "published at https://huggingface.co/Ann/Bird-Tagger")
    await pilot.press("escape", "z", "z")
    assert to_pull(pilot) == ["Ann/Bird-Tagger"], "the other does not say how large it is"
    await pilot.press("z", "z", "s", "s")
    assert to_pull(pilot) == ["bob/bird-words", "Ann/Bird-Tagger"], "by task"
    await pilot.press("escape", "y")
    assert to_pull(pilot) == [], "their family is not known"


@scenario(size=(100, 24))
async def test_a_well_known_model_is_pulled_and_becomes_one_of_the_catalog(pilot: Driver, hub_site: HubServer) -> None:
    hub_site.serve_repository("Ann/Bird-Tagger", HUB_FILES)
    weights_file = next(served for path, served in hub_site.files.items() if path.startswith("/store/"))
    weights_file.stall_after = 1_000_000
    await shows(pilot, "1 of 1 2 to pull")
    await pilot.press("down", "d")
    await shows(pilot, "Ann/Bird-Tagger token-classification 24.0M 33%")
    await pilot.press("d")
    await shows(pilot, "2 of 2 1 to pull", "stopped; the next one goes on where")
    assert pilot.app.screen.query_one(Table).current.card.name == "Bird-Tagger", "the cursor stays on it"
    weights_file.stall_after = None
    await pilot.press("d")
    await until(pilot, lambda: "Bird-Tagger is on this machine" in notices(pilot))
    saved = hub_models.saved()[0]
    assert (saved.repository, saved.revision) == ("Ann/Bird-Tagger", COMMIT)
    assert all(file.sha256 for file in saved.files)


@scenario()
async def test_a_pull_that_fails_says_why_and_leaves_the_model_to_pull(pilot: Driver, hub_site: HubServer) -> None:
    await shows(pilot, "1 of 1 2 to pull")
    await pilot.press("down", "d")
    await until(pilot, lambda: any("Ann/Bird-Tagger" in notice for notice in notices(pilot)))
    await shows(pilot, "Ann/Bird-Tagger", "stopped", "1 of 1 2 to pull")


@scenario()
async def test_no_plugin_at_all(pilot: Driver, no_plugins: None) -> None:
    await shows(pilot, "no plugin has a model; see 4 Plugins")
