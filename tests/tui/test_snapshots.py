"""What the main screens look like, pixel by pixel: SVG snapshots at two sizes.

    ZOO_UPDATE_SNAPSHOTS=1 pytest tests/tui/test_snapshots.py

writes them anew; look at them in a browser before they are committed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plugin_site import Site
from tests.tui.driving import DEADLINE_S, Driver, scenario, shows, steady
from tests.tui.test_runs import FINISHED, PLAN, STARTED, step
from zoo.runs.events import CheckpointSaved, RunCancelled, RunFailed
from zoo.runs.store import RunFolder
from zoo.tui.widgets.table import Table

SIZES = (
    pytest.param((80, 24), id="80x24"),
    pytest.param(
        (140, 40), id="140x40", marks=pytest.mark.slow
    ),  # what was changed mostly shows in the small ones, too
)
FOLDER = Path(__file__).parent / "snapshots"


@pytest.fixture
def lab(
    models: Site, one_device: None, write_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Path:
    """Models, runs that ended in every way, and data; the processor is always the same one."""
    write_run("pets-2", *FINISHED)
    write_run(
        "pets-1", STARTED, PLAN, step(40), CheckpointSaved(step=40, size_bytes=1), RunCancelled(step=40), hours_ago=30
    )
    write_run("broken", STARTED, RunFailed(kind="ValueError", message="no such thing"), hours_ago=100)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets.csv").write_text("text,label\n" + "".join(f"purrs {n},cat\nbarks {n},dog\n" for n in range(20)))
    return tmp_path


async def compare(pilot: Driver, name: str) -> None:
    """Hold what is shown, once it has settled, against the file of that name."""
    size = pilot.app.size
    path = FOLDER / f"{name}-{size.width}x{size.height}.svg"
    actual = steady(pilot.app.export_screenshot())
    if os.environ.get("ZOO_UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(actual, encoding="utf-8")
    assert path.exists(), f"{path} is missing; ZOO_UPDATE_SNAPSHOTS=1 writes it"
    expected = path.read_text(encoding="utf-8")
    deadline = time.monotonic() + DEADLINE_S
    while actual != expected and time.monotonic() < deadline:
        await pilot.pause(0.2)
        actual = steady(pilot.app.export_screenshot())
    if actual != expected:
        other = path.with_suffix(".found.svg")
        other.write_text(actual, encoding="utf-8")
        pytest.fail(f"{path.name} looks different: compare it with {other.name}")


async def models_screen(pilot: Driver) -> None:
    await shows(pilot, "5 of 5", "beta")
    table = pilot.app.screen.query_one(Table)
    table.cursor = next(place for place, line in enumerate(table.rows) if line.card.name == "delta")
    await shows(pilot, "tasks fill-mask (predict)", "yes", "no")


async def runs_screen(pilot: Driver) -> None:
    await pilot.press("2")
    await shows(pilot, "pets-2", "pets-1", "broken", "failed")


async def run_screen(pilot: Driver) -> None:
    await runs_screen(pilot)
    await pilot.press("enter")
    await shows(pilot, "accuracy 0.7500", "bird")


async def compare_screen(pilot: Driver) -> None:
    await runs_screen(pilot)
    await pilot.press("space", "space", "v")
    await shows(pilot, "pets-2: 9 rows held out of", "the model of pets-2 cannot be read")


async def training_form(pilot: Driver) -> None:
    await shows(pilot, "5 of 5")
    table = pilot.app.screen.query_one(Table)
    table.cursor = next(place for place, line in enumerate(table.rows) if line.card.name == "gamma")
    await pilot.press("f")
    await shows(pilot, "finetune gamma", "16.0 GB free")
    pilot.app.screen.field("data").editor.value = "pets.csv"
    pilot.app.screen.set_focus(None)  # a cursor that blinks is never the same twice
    await shows(pilot, "nothing stands in the way", "by its usual name")


async def pick_form(pilot: Driver) -> None:
    await shows(pilot, "5 of 5")
    await pilot.press("b")
    await shows(pilot, "pick a model for data")
    pilot.app.screen.field("data").editor.value = "pets.csv"
    pilot.app.screen.set_focus(None)
    await shows(pilot, "nothing stands in the way", "by its usual name")


async def help_screen(pilot: Driver) -> None:
    await models_screen(pilot)
    await pilot.press("question_mark")
    await shows(pilot, "All models, those of plugins and your own.")


SCREENS: dict[str, Any] = {
    "models": models_screen,
    "runs": runs_screen,
    "run": run_screen,
    "compare": compare_screen,
    "form": training_form,
    "pick": pick_form,
    "help": help_screen,
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
def test_it_looks_as_before(name: str, size: tuple[int, int], lab: Path) -> None:
    @scenario(size=size)
    async def play(pilot: Driver) -> None:
        await SCREENS[name](pilot)
        await pilot.pause(0.3)
        await compare(pilot, name)

    play()
