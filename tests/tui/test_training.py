"""The form of a training: options from the schema, the data looked at, the plan, and a real run at the end."""

from __future__ import annotations

from pathlib import Path

import zoo
from tests.plugin_site import Site
from tests.tui.driving import Driver, notices, scenario, shows, until, write
from zoo.runs.events import RunStarted
from zoo.tui.screens.train import TrainScreen
from zoo.tui.widgets.fields import Field, complete_path
from zoo.tui.widgets.table import Table


async def open_form(pilot: Driver, name: str = "echo") -> TrainScreen:
    await until(pilot, lambda: pilot.app.feed.models_loaded)
    await shows(pilot, name)
    table = pilot.app.screen.query_one(Table)
    table.cursor = next(place for place, line in enumerate(table.rows) if line.card.name == name)
    await pilot.press("f")
    await shows(pilot, f"finetune {name}")
    screen = pilot.app.screen
    assert isinstance(screen, TrainScreen)
    return screen


def enter(screen: TrainScreen, **values: str) -> None:
    """Fill fields in, as pasting does."""
    for name, value in values.items():
        screen.field(name).editor.value = value  # type: ignore[attr-defined]


@scenario(size=(120, 45))
async def test_from_the_form_to_a_finished_run(pilot: Driver, echo: None, rows: Path) -> None:
    screen = await open_form(pilot)
    await write(pilot, str(rows))
    await shows(pilot, "from 'text'", "from 'label'", "rows 40", "positive 20", "nothing stands in the way")
    enter(screen, name="typed", max_steps="12")
    await shows(pilot, f"$ zoo finetune echo --data {rows} --name typed --max-steps 12")
    screen.field("merge_labels").editor.value = True  # type: ignore[attr-defined]
    await until(pilot, lambda: " --merge-labels" in screen.command())
    screen.field("merge_labels").editor.value = False  # type: ignore[attr-defined]
    await shows(pilot, f"$ zoo finetune echo --data {rows} --name typed --max-steps 12")
    await pilot.press("ctrl+y")
    assert pilot.app.clipboard == f"zoo finetune echo --data {rows} --name typed --max-steps 12"
    await pilot.press("ctrl+s")
    await shows(pilot, "40 usable, 2 classes: negative, positive", "length 12 steps")
    await pilot.press("y")
    await shows(pilot, "typed finetune echo/echo finished", "negative 1.000 1.000 1.000")

    run = zoo.open_run("typed")
    assert run.folder.request.options["max_steps"] == 12
    assert any(isinstance(event, RunStarted) for event in run.events())


@scenario(size=(100, 60))
async def test_values_are_checked_while_they_are_typed(pilot: Driver, echo: None, rows: Path) -> None:
    screen = await open_form(pilot)
    enter(screen, data=str(rows), lr="11", epochs="many")
    await shows(pilot, "lr", "0 < lr <= 10")
    assert screen.field("lr").has_class("-wrong")
    assert screen.field("epochs").has_class("-wrong")
    await pilot.press("ctrl+s")
    await until(pilot, lambda: any("will not do as it is" in notice for notice in notices(pilot)))
    assert zoo.list_runs() == ()
    enter(screen, lr="0.01", epochs="")
    await until(pilot, lambda: not screen.query(".-wrong"))
    assert screen.given_options() == {"lr": "0.01"}


@scenario(size=(100, 60))
async def test_options_that_do_not_go_together_are_told_before_a_run_exists(
    pilot: Driver, echo: None, rows: Path
) -> None:
    screen = await open_form(pilot)
    enter(screen, data=str(rows), batch_size="4", micro_batch_size="8")
    await pilot.press("ctrl+s")
    await until(pilot, lambda: any("more than a batch of 4 holds" in notice for notice in notices(pilot)))
    assert zoo.list_runs() == ()


@scenario(size=(100, 45))
async def test_all_options_of_the_model_are_there(pilot: Driver, echo: None) -> None:
    screen = await open_form(pilot)
    names = {field.field_name for field in screen.query(Field)}
    assert {"epochs", "lr", "method", "pause_ms", "fail_at", "deaf", "device", "precision", "data", "label"} <= names
    screen.field("schedule").editor.focus()
    await shows(pilot, "How the learning rate falls after the warm-up.")


@scenario(size=(100, 40))
async def test_columns_are_chosen_from_those_of_the_file(pilot: Driver, echo: None, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("words,kind\n" + "".join(f"good {i},a\nbad {i},b\n" for i in range(20)))
    screen = await open_form(pilot)
    enter(screen, data=str(path))
    await shows(pilot, "has no column that is usually the text", "columns found: words, kind")


@scenario(size=(120, 40))
async def test_bad_data_is_told_before_a_run_exists(pilot: Driver, echo: None, tmp_path: Path) -> None:
    screen = await open_form(pilot)
    await pilot.press("ctrl+s")
    await shows(pilot, "say which data")
    enter(screen, data="/no/such/file.csv")
    await shows(pilot, "no such file or folder")
    await pilot.press("ctrl+s")
    enter(screen, data=str(tmp_path / "one.csv"))
    (tmp_path / "one.csv").write_text("text,label\nx,a\ny,a\n")
    await until(pilot, lambda: not screen.query(".-wrong"))
    await pilot.press("ctrl+s")
    await until(pilot, lambda: any("has one class only" in notice for notice in notices(pilot)))
    assert zoo.list_runs() == ()


@scenario(size=(100, 40))
async def test_a_file_is_chosen_from_the_folders(pilot: Driver, echo: None, rows: Path) -> None:
    screen = await open_form(pilot)
    enter(screen, data=str(rows.parent) + "/")
    await pilot.press("ctrl+o")
    await shows(pilot, "rows.csv", "Enter takes a file")
    await pilot.press("down", "enter")
    await until(pilot, lambda: screen.value("data") == str(rows))
    await pilot.press("ctrl+o")
    await shows(pilot, "Enter takes a file")
    await pilot.press("escape")
    assert screen.value("data") == str(rows)


@scenario()
async def test_escape_leaves_the_form(pilot: Driver, models: Site) -> None:
    await open_form(pilot, "gamma")
    await pilot.press("escape")
    await shows(pilot, "5 of 5")


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
