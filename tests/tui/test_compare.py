"""Marked runs beside one another: curves over each other, what they recorded, and what their models answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from tests.plugin_site import Site
from tests.tui.driving import Driver, notices, scenario, screen_text, shows, until
from tests.tui.test_runs import FINISHED, PLAN, STARTED, WriteRun, evaluated, step
from zoo.comparison.elsewhere import ComparisonElsewhere
from zoo.errors import RunCancelled, Unsupported
from zoo.jobs import Place
from zoo.rendering.overlaid import MARKERS
from zoo.runs.events import RunFailed
from zoo.runs.liveness import record
from zoo.runs.log import append
from zoo.tui.app import ZooApp
from zoo.tui.screens.compare import CompareScreen


async def list_runs(pilot: Driver, *names: str) -> None:
    await pilot.press("2")
    await shows(pilot, *names)


@scenario()
async def test_two_are_marked_and_compared(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("second", *FINISHED, options={"lr": 0.5})
    write_run("first", *FINISHED[:-3], RunFailed(kind="ValueError", message="no such thing"), hours_ago=9)
    await list_runs(pilot, "second finetune", "first finetune")
    await pilot.press("space", "space")
    await shows(pilot, "✓second", "✓first", "2 marked")
    await pilot.press("v")
    text = await shows(
        pilot,
        "compare second, first",
        "● second finished, accuracy 0.75",
        "■ first failed, accuracy 0.5",
        "accuracy on held-out rows",
        "no test is possible: the model of second cannot be read",
        "Figures Settings Cost",
        "0.7500",
    )
    assert {"●", "■"} <= set(text)
    assert any("\u2801" <= character <= "\u28ff" for character in text), "curves are drawn"
    await pilot.press("tab")
    await shows(pilot, "Settings that differ", "lr 0.5 0.001")
    await pilot.press("right", "right", "left")
    await shows(pilot, "steps time most memory", "second 100")
    await pilot.press("c")
    await shows(pilot, "zoo compare second first")
    await pilot.press("escape")
    await shows(pilot, "2 marked", "METRIC")
    await pilot.press("escape")
    await until(pilot, lambda: "marked" not in screen_text(pilot))


@pytest.mark.slow
@scenario()
async def test_a_run_that_goes_on_is_followed(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("done", *FINISHED)
    live = write_run("live", STARTED, PLAN, step(40), hours_ago=1)
    record(live, os.getpid())
    await list_runs(pilot, "live finetune", "done finetune")
    await pilot.press("space", "v")
    await shows(pilot, "● live running", "■ done finished, accuracy 0.75", "live is running, and has no model")
    append(live, evaluated(60, 0.25))
    await shows(pilot, "● live running, accuracy 0.25", "live (running) 0.2500", "live: rows of /data/rows.csv")


@scenario()
async def test_too_few_and_too_many_are_told(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    count = len(MARKERS) + 1
    for number in range(count):
        write_run(f"run-{number}", *FINISHED, hours_ago=number + 1)
    await list_runs(pilot, "run-0", f"run-{count - 1}")
    await pilot.press("v")
    await until(pilot, lambda: notices(pilot))
    assert ["mark two or more runs with Space; v compares them"] == notices(pilot)
    await pilot.press(*["space"] * count)
    await shows(pilot, f"{count} marked")
    await pilot.press("v")
    words = f"{count} runs are marked, and {len(MARKERS)} have room here: zoo compare takes any number"
    await until(pilot, lambda: words in notices(pilot))
    await pilot.press("up", "space")
    await shows(pilot, f"{count - 1} marked")
    await pilot.press("v")
    await shows(pilot, "◇ run-")


@pytest.fixture
def rivals(words: str, store: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The names of a model that is always right, and of one that is always wrong."""
    monkeypatch.setenv("ZOO_DEVICE", "cpu")
    folder = store / "runs" / "wrong"
    shutil.copytree(store / "runs" / words, folder)
    content = json.dumps({"negative": {"good": 9}, "positive": {"bad": 9}}).encode()
    (folder / "model" / "counts.json").write_bytes(content)
    pins = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    _edit(folder / "run.json", name="wrong")
    _edit(folder / "model" / "zoo.json", name="wrong", files=[{"name": "counts.json", **pins}])
    return words, "wrong"


def _edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.slow
@scenario(size=(80, 40))
async def test_models_answer_in_a_process_of_their_own(pilot: Driver, rivals: tuple[str, str]) -> None:
    app = cast("ZooApp", pilot.app)
    await until(pilot, lambda: app.feed.runs_loaded)
    app.show_page(CompareScreen(rivals))
    page = cast("CompareScreen", app.screen)
    async with asyncio.timeout(90):
        while page.comparison is None or not page.comparison.pairs:
            await pilot.pause(0.05)
    await shows(pilot, "Tests", "Rows", "on 4 rows", "Figures on 4 rows")
    await pilot.press("tab")
    await shows(pilot, "words, wrong", "McNemar, exact")
    await pilot.press("tab")
    await shows(pilot, "4 rows not answered alike, the furthest apart first", "words positive", "wrong negative")


@scenario()
async def test_what_cannot_be_compared_is_said(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("answers", *FINISHED, verb="predict")
    write_run("other", *FINISHED, hours_ago=5)
    await list_runs(pilot, "answers", "other")
    await pilot.press("space", "v")
    await shows(pilot, "run answers answered /data/rows.csv, and was held against nothing")


def test_the_process_says_why_it_gave_up_and_ends_when_it_is_closed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with pytest.raises(Unsupported, match="there is no run and no model 'neither'"):
        ComparisonElsewhere(("neither", "nor"), Place(device="cpu")).result(told.append)
    closed = ComparisonElsewhere(("neither", "nor"), Place())
    closed.close()
    with pytest.raises(RunCancelled):
        closed.result(told.append)
