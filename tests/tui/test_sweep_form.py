"""The form of trying a training with many settings, from the page of a run or from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tui.driving import Driver, notices, scenario, shows, until
from tests.tui.test_other_forms import enter
from tests.tui.test_runs import FINISHED, STARTED, WriteRun
from zoo.recipes import RECIPE
from zoo.tui.screens.sweep import SweepScreen

WIDE = (300, 60)
"""Messages name the recipe: no path is too long for a line, and parts nothing that is waited for."""
TEXT = """model = "gamma"
device = "cpu"
precision = "fp32"
[source]
data = "{rows}"
"""


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """As many as tell trials apart."""
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"good fine {i},positive\nbad awful {i},negative\n" for i in range(100)))
    return path


@pytest.fixture
def recipe(models: object, one_device: None, rows: Path, tmp_path: Path) -> Path:
    """Of a training of a model."""
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.format(rows=rows))
    return path


async def open_sweep(pilot: Driver, recipe: str) -> Any:
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    pilot.app.sweep(recipe)  # type: ignore[attr-defined]
    await shows(pilot, "try a training with many settings")
    return pilot.app.screen


@scenario(size=WIDE)
async def test_what_varies_is_checked_as_it_is_typed(pilot: Driver, recipe: Path) -> None:
    screen = await open_sweep(pilot, str(recipe))
    await shows(pilot, "fine-tunes red/gamma for text-classification", "can vary: ", "lr, ")
    await pilot.press("ctrl+s")
    await shows(pilot, "say what varies: the recipe does not")
    for said, fault in (
        ("lr", "gives no option values"),
        ("lrr=1,2", "there is no option 'lrr' to vary"),
        ("eval_share=0.1,0.2", "eval_share cannot vary"),
        ("lr=5..1", "the first end is the lower"),
        ("seed=1,x", "'x'"),
    ):
        enter(screen, vary=said)
        await shows(pilot, fault)
        assert screen.field("vary").has_fault
    enter(screen, vary="lr=1e-5,3e-5")
    await until(pilot, lambda: not screen.field("vary").has_fault and "vary_2" in screen.labels)
    enter(screen, vary_2="learning-rate=2e-5")
    await shows(pilot, "what learning-rate may be is said twice, also as lr")
    assert screen.field("vary_2").has_fault
    enter(screen, vary="seed=1,2")
    await until(pilot, lambda: not screen.field("vary_2").has_fault)
    enter(screen, vary="lr=1e-5,3e-5", vary_2="lr=2e-5")
    await pilot.press("ctrl+s")
    await shows(pilot, "what lr may be is said twice", "give all values at once")
    assert screen.field("vary_2").has_fault
    enter(screen, vary_2="epochs=1..4", trials="3", name="best")
    await until(pilot, lambda: "vary_3" in screen.labels)
    words = "--vary lr=1e-5,3e-5 --vary epochs=1..4 --trials 3 --name best"
    await until(pilot, lambda: screen.command() == f"zoo sweep {recipe} {words}")
    request = screen.request()
    assert (request.verb, request.name, len(request.students)) == ("sweep", "best", 3)
    plan = dict(screen.plan(request))
    assert (plan["model"], plan["trials"]) == ("red/gamma", "3, random")
    assert plan["trial-1"].startswith("lr ")


@pytest.mark.slow
@scenario(size=WIDE)
async def test_what_cannot_be_tried_is_told_beside_its_field(
    pilot: Driver, recipe: Path, rows: Path, tmp_path: Path
) -> None:
    screen = await open_sweep(pilot, "")
    await shows(pilot, "Give the recipe of a fine-tuning")
    await pilot.press("ctrl+s")
    await shows(pilot, "say which recipe")
    enter(screen, recipe=str(tmp_path / "none.toml"))
    await shows(pilot, "cannot be read")
    assert screen.field("recipe").has_fault
    few = tmp_path / "few.toml"
    (tmp_path / "few.csv").write_text("\n".join(rows.read_text().splitlines()[:31]))
    few.write_text(recipe.read_text().replace("rows.csv", "few.csv"))
    enter(screen, recipe=str(few))
    await shows(pilot, "rows to choose by cannot tell trials apart", "20 are needed at least")
    assert screen.field("recipe").has_fault
    recipe.write_text(recipe.read_text().replace("gamma", "delta"))
    enter(screen, recipe=str(recipe))
    await shows(pilot, "delta cannot finetune")
    recipe.write_text(recipe.read_text().replace("delta", "gamma") + "[sweep.vary]\nlr = [1e-5, 3e-5]\n")
    enter(screen, recipe="")
    await until(pilot, lambda: not screen.field("recipe").has_fault)
    enter(screen, recipe=str(recipe))
    await shows(pilot, "varies by the table [sweep] of the recipe: lr")
    enter(screen, metric="macrof1")
    await pilot.press("ctrl+s")
    await shows(pilot, "\"metric\" is 'macrof1'", "did you mean macro_f1?")
    assert screen.field("metric").has_fault
    enter(screen, metric="macro_f1")
    await pilot.press("ctrl+s")
    await shows(pilot, "2, grid", "Start")


@scenario(size=WIDE)
async def test_what_nobody_has_foreseen_is_told(pilot: Driver, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: object, **__: object) -> None:
        raise RuntimeError("the plugin is at odds with itself")

    screen = await open_sweep(pilot, str(recipe))
    await shows(pilot, "fine-tunes red/gamma")
    enter(screen, recipe="", vary="lr=1e-5,3e-5")
    await shows(pilot, "Give the recipe")
    with monkeypatch.context() as patch:
        patch.setattr("zoo.tui.screens.sweep.training_of", odd)
        enter(screen, recipe=str(recipe))
        await shows(pilot, "RuntimeError: the plugin is at odds with itself", "please report it")
        assert screen.field("recipe").has_fault
        enter(screen, recipe="")
        await shows(pilot, "Give the recipe")
    enter(screen, recipe=str(recipe))
    await shows(pilot, "fine-tunes red/gamma")
    await pilot.press("ctrl+s")
    await shows(pilot, "2, grid", "Start")
    monkeypatch.setattr("zoo.tui.screens.run_form.start", odd)
    await pilot.press("y")
    await shows(pilot, "RuntimeError: the plugin is at odds with itself", "please report it")


@scenario(size=WIDE)
async def test_it_is_opened_from_the_page_of_a_run(pilot: Driver, recipe: Path, write_run: WriteRun) -> None:
    folder = write_run("mine", *FINISHED)
    write_run("bare", STARTED, verb="predict")
    for name in ("bare", "mine"):
        pilot.app.open_run(name)  # type: ignore[attr-defined]
        await shows(pilot, f"{name} ")
        await until(pilot, lambda name=name: pilot.app.screen.run_summary is not None)
        await pilot.press("b")
        await until(pilot, lambda name=name: f"{name} has no {RECIPE} of a fine-tuning" in "".join(notices(pilot)))
    (folder.path / RECIPE).write_text(recipe.read_text())
    await pilot.press("b")
    await shows(pilot, "try a training with many settings", "fine-tunes red/gamma")
    assert isinstance(pilot.app.screen, SweepScreen)
    assert pilot.app.screen.command() == f"zoo sweep {folder.path / RECIPE}"
