"""A few models of plugins made for the test, and runs written down as they would have happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual import app as textual_app
from textual import constants, pilot

from tests.hub_server import HubServer, Served, hub_server
from tests.plugin_site import Site, card, new_site, plugin
from tests.tui.driving import wait_for_idle
from tests.weights_factory import hub_source, some_bytes, url_source, weights, write_files
from zoo import devices
from zoo.card import FolderSource
from zoo.devices import Device
from zoo.paths import runs_folder
from zoo.runs.event import Event
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder, create
from zoo.suggested import SuggestedModel
from zoo.tui import feed, follower
from zoo.tui.screens import devices as devices_screen
from zoo.tui.screens import job_form

HOUR_S = 3600.0
CPU = Device(name="cpu", kind="cpu", description="a processor", memory_bytes=32 * 10**9, free_bytes=16 * 10**9)


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for that is there for people: pauses in what they type, animations, looks now and then."""
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(feed, "POLL_S", 0.05)
    monkeypatch.setattr(follower, "POLL_S", 0.03)
    for module in (pilot, textual_app):
        monkeypatch.setattr(module, "wait_for_idle", wait_for_idle)


@pytest.fixture
def one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor is always the same one, and nothing has to be measured."""
    monkeypatch.setattr(devices, "available", lambda: (CPU,))
    for screen in (job_form, devices_screen):
        monkeypatch.setattr(screen, "available", lambda *, refresh=False: (CPU,))


@pytest.fixture(autouse=True)
def suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models to pull, whichever are well known today."""
    to_pull = (
        SuggestedModel(repository="Ann/Bird-Tagger", task="token-classification", license="MIT", parameters=24_000_000),
        SuggestedModel(repository="bob/bird-words", task="fill-mask"),
    )
    monkeypatch.setattr(feed, "suggested", lambda: to_pull)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Five models of two plugins: one is recommended and here, one elsewhere, one a demonstration."""
    here = weights({"w.bin": b"weights"}, FolderSource(path=str(write_files(tmp_path / "here", {"w.bin": b"weights"}))))
    away = weights({"w.bin": some_bytes(1000)}, hub_source())
    names = "from zoo import *"
    ability = "zoo.Ability(task='text-classification', options=zoo.FinetuneOptions)"
    both = f"{{'finetune': {ability}, 'predict': zoo.Ability(task='text-classification')}}"
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install(
            "red",
            plugin(
                card(
                    "alpha",
                    weights=repr(here),
                    parameters="12_300_000",
                    abilities=both,
                    license="'MIT'",
                    recommended_for="('text-classification',)",
                ),
                card("beta", weights=repr(away), parameters="4_000", summary="'the small one'"),
                card("gamma", abilities=both),
                more=names,
            ),
        )
        site.install(
            "blue",
            plugin(
                card("delta", task="'fill-mask'", abilities="{'predict': zoo.Ability(task='fill-mask')}"),
                card("x-epsilon", summary="'[red]no markup[/red]'", demonstration="True"),
                more=names,
            ),
        )
        yield site


@pytest.fixture
def write_run() -> Callable[..., RunFolder]:
    """Write a run down: its request and what happened, each event a second after the one before."""

    def write(name: str, *events: Event, hours_ago: float = 2.0, **request: object) -> RunFolder:
        began = time.time() - hours_ago * HOUR_S - 60
        folder = create(
            RunRequest(
                name=name,
                **{  # type: ignore[arg-type]
                    "verb": "finetune",
                    "model": "red/alpha",
                    "plugin": "red",
                    "task": "text-classification",
                    "data": DataRequest(path="/data/rows.csv"),
                    "created_at": began,
                }
                | request,
            )
        )
        for second, event in enumerate(events):
            append(folder, type(event)(**{**_fields(event), "at": began + second}))
        assert folder.path.parent == runs_folder()
        return folder

    return write


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


@pytest.fixture
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed."""
    monkeypatch.setenv("ZOO_PLUGINS", "")


@pytest.fixture
def download_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HubServer, Served]]:
    """One model whose weights, three megabytes, are on a server."""
    content = some_bytes(3_000_000)
    with hub_server() as server, new_site(tmp_path / "site", monkeypatch) as site:
        web_weights = weights({"w.bin": content}, url_source(server))
        site.install("toys", plugin(card("toy", weights=repr(web_weights)), more="from zoo import *"))
        yield server, server.serve("/web/w.bin", content)
