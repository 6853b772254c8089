"""A run that learns from several sources, on its screen and in the list."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tests.cli.test_several_sources import EVENTS, SOURCES
from tests.plugin_site import Site
from tests.tui.driving import Driver, scenario, screen_text, shows
from zoo.answers import Classification, Score
from zoo.runs.store import RunFolder

WriteRun = Callable[..., RunFolder]


@scenario(size=(100, 40))
async def test_each_source_has_its_curves_and_its_tabs(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    folder = write_run("joint", *EVENTS, sources=SOURCES)
    mistakes = folder.of_source("sentiment").mistakes_path
    mistakes.parent.mkdir(parents=True)
    answer = Classification((Score("bad", 0.75),))
    mistakes.write_bytes(msgspec.json.encode({"row": 7, "label": "good", "input": "not bad", "prediction": answer}))
    await pilot.press("2")
    await shows(pilot, "joint finetune", "finished 0.75, 0.5")
    await pilot.press("enter")
    await shows(
        pilot,
        "sentiment.accuracy 0.75, names.span_f1 0.5 best at step 50",
        "sentiment /sentiment.csv, names /names.csv",
        "320 rows to train on, 32 held out",
        "sentiment: loss 0.25",
        "names: loss",
        "sentiment: accuracy 0.75",
        "names: span_f1 0.5",
        "sentiment text-classification accuracy 0.750 50 0.800",
    )
    await pilot.press("w")
    await shows(pilot, "sentiment: Mistakes", "75.0% row 7: good, taken for bad not bad")
    await pilot.press("left")
    await shows(pilot, "names: Types", "person 0.500")


@scenario(size=(80, 24))
async def test_a_small_screen_has_a_curve_for_each_loss(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("joint", *EVENTS, sources=SOURCES)
    await pilot.press("2")
    await shows(pilot, "joint finetune")
    await pilot.press("enter")
    await shows(pilot, "sentiment: loss 0.25", "names: loss")
    assert "sentiment: accuracy" not in screen_text(pilot)
