"""The forms of what is done with data: a model picked for them, labels in doubt, whether more rows would help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tui.driving import Driver, notices, scenario, shows, until
from tests.tui.test_other_forms import enter, open_form
from zoo.tui.screens.pick_model import PickModelScreen


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """As many as tell models apart, and make a curve."""
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"good fine {i},positive\nbad awful {i},negative\n" for i in range(100)))
    return path


@pytest.fixture
def bert(one_device: None) -> None:
    pytest.importorskip("zoo_bert")


async def open_pick(pilot: Driver) -> Any:
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    await pilot.press("b")
    await shows(pilot, "pick a model for data")
    assert isinstance(pilot.app.screen, PickModelScreen)
    return pilot.app.screen


@scenario(size=(120, 60))
async def test_a_model_is_picked_among_those_that_are_named(
    pilot: Driver, models: object, one_device: None, rows: Path
) -> None:
    screen = await open_pick(pilot)
    enter(screen, data=str(rows), models="alpha,gamma", under="much")
    await shows(pilot, "label column")
    await pilot.press("ctrl+s")
    await shows(pilot, "\"under\" is 'much', which says no bound")
    enter(screen, under="", finalists="1")
    await shows(pilot, "\"finalists\" is '1'")
    enter(screen, finalists="3")
    await until(pilot, lambda: not screen.field("under").has_fault)
    assert screen.command() == f"zoo pick --data {rows} --models alpha,gamma --finalists 3"
    request = screen.request()
    assert (request.verb, [one.name for one in request.students]) == ("pick", ["gamma", "alpha"])
    assert dict(screen.plan(request))["models"] == "2: gamma, alpha"
    enter(screen, models="alpha")
    await pilot.press("ctrl+s")
    await shows(pilot, "only alpha is there to be picked")


@pytest.mark.slow
@scenario(size=(120, 60))
async def test_the_data_say_what_a_model_is_picked_for(pilot: Driver, bert: None, rows: Path, tmp_path: Path) -> None:
    """Whatever their inputs are; a test that does not fit is told beside its field."""
    pytest.importorskip("zoo_resnet")
    image = pytest.importorskip("PIL.Image")
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(3):
            image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "pets" / name / f"{number}.png")
    screen = await open_pick(pilot)
    enter(screen, data=str(rows))
    await until(pilot, lambda: screen.is_task_settled and screen.ability.task == "text-classification")
    enter(screen, data=str(tmp_path / "pets"))
    await until(pilot, lambda: screen.is_task_settled and screen.ability.task == "image-classification")
    assert screen.job().task == "image-classification"
    assert screen.command() == f"zoo pick --data {tmp_path / 'pets'}"
    enter(screen, test="/no/such/file")
    await shows(pilot, "no such file or folder")
    assert screen.field("test").has_fault


@scenario(size=(120, 60))
async def test_labels_are_looked_at_by_a_model_that_makes_vectors(
    pilot: Driver, bert: None, rows: Path, tmp_path: Path
) -> None:
    screen = await open_form(pilot, "all-minilm-l6-v2", "l", "labels that are probably wrong, by")
    enter(screen, data=str(rows), out=str(tmp_path / "doubtful.csv"))
    await shows(pilot, "label column")
    out = tmp_path / "doubtful.csv"
    command = f"zoo data inspect {rows} --labels all-minilm-l6-v2 --out {out} --task text-classification"
    await until(pilot, lambda: screen.command() == command)
    request = screen.request()
    assert (request.verb, request.precision, request.out) == ("inspect", "fp32", str(out))
    out.write_text("mine")
    await pilot.press("ctrl+s")
    await shows(pilot, "exists")
    assert screen.field("out").has_fault


@scenario(size=(120, 40))
async def test_what_a_model_lacks_is_said_before_its_form(
    pilot: Driver, models: object, one_device: None, rows: Path
) -> None:
    """A network of random numbers makes no vectors; a plugin without a body is refused when the form is checked."""
    screen = await open_form(pilot, "alpha", "l", "labels that are probably wrong, by")
    enter(screen, data=str(rows))
    await shows(pilot, "label column")
    await pilot.press("ctrl+s")
    await shows(pilot, "plugin red gives no body")
    screen.dismiss()
    await until(pilot, lambda: pilot.app.screen is not screen)
    for name, key, words in (("gamma", "l", "gamma has learnt nothing yet"), ("delta", "u", "delta cannot finetune")):
        table = pilot.app.screen.query_one("#models")
        table.cursor = next(place for place, line in enumerate(table.rows) if line.card.name == name)
        await pilot.press(key)
        await until(pilot, lambda words=words: words in notices(pilot)[-1])


@pytest.mark.slow
@scenario(size=(120, 60))
async def test_a_curve_is_one_of_a_model_that_learns(
    pilot: Driver, models: object, one_device: None, rows: Path, tmp_path: Path
) -> None:
    screen = await open_form(pilot, "gamma", "u", "would more rows help")
    await pilot.press("ctrl+s")
    await shows(pilot, "say which data")
    enter(screen, data=str(rows), eval=str(tmp_path / "none.csv"))
    await shows(pilot, "no such file or folder")
    enter(screen, eval=str(rows))
    await until(pilot, lambda: screen.command() == f"zoo data curve {rows} --model gamma --eval {rows}")
    request = screen.request()
    assert (request.verb, request.model, request.data.eval_path) == ("curve", "red/gamma", str(rows))
    assert dict(screen.plan(request))["trainings"] == "5 at most"
