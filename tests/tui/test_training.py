"""The form of a training: options from the schema, the data looked at, the plan, and a real run at the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import zoo
from tests.opened_files import opened
from tests.plugin_site import Site
from tests.tui.driving import Driver, notices, scenario, screen_text, shows, until, write
from tests.tui.test_runs import FINISHED, WriteRun
from zoo.errors import Unsupported
from zoo.runs.events import RunStarted
from zoo.tui.screens.train import TrainScreen
from zoo.tui.widgets.fields import Field
from zoo.tui.widgets.option_fields import OptionFields
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


@pytest.mark.slow
@scenario(size=(120, 45))
async def test_from_the_form_to_a_finished_run(pilot: Driver, echo: None, one_device: None, rows: Path) -> None:
    screen = await open_form(pilot)
    with opened(rows) as times:
        enter(screen, data=str(rows))
        await see_and_check(pilot, screen, rows)
    assert len(times) == 1, "the preview and the request share what was read"
    await pilot.press("y")
    await shows(pilot, "typed finetune echo/echo finished", "negative 1.000 1.000 1.000")

    run, after = zoo.open_run("typed"), zoo.open_run("after")
    assert run.folder.request.options["max_steps"] == 12
    await until(pilot, lambda: after.status == "finished")
    assert (after.folder.request.model, after.snapshot.step) == ("echo/typed", 2)
    assert any(isinstance(event, RunStarted) for event in run.events())


@pytest.fixture
def one_place(store: Path) -> None:
    (store / "places.toml").write_text("[cluster]\nkind = 'slurm'\n")


@pytest.mark.slow
@scenario(size=(120, 50))
async def test_the_form_asks_for_a_place_where_there_are_several(
    pilot: Driver, one_place: None, echo: None, one_device: None
) -> None:
    screen = await open_form(pilot)
    assert "" == screen.on
    assert "--on" not in screen.command()
    enter(screen, on="cluster")
    await until(pilot, lambda: "--on cluster" in screen.command())
    assert "cluster" == screen.job().place.on


@pytest.fixture
def usual_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DEVICE", "cuda")


@pytest.mark.slow
@scenario(size=(120, 50))
async def test_the_form_begins_with_what_the_settings_say(
    pilot: Driver, usual_device: None, echo: None, one_device: None
) -> None:
    """The command says no more than it must, and no less."""
    screen = await open_form(pilot)
    assert screen.value("device") == "cuda"
    assert "--device" not in screen.command()
    await until(pilot, lambda: "looking what is here" not in screen_text(pilot))
    assert screen.value("device") == "cuda"  # which is not here, as the request will say

    enter(screen, device="auto")
    assert "--device auto" in screen.command()


@pytest.mark.slow
@scenario(size=(120, 50))
async def test_what_is_done_next_is_checked_as_on_the_command_line(
    pilot: Driver, echo: None, one_device: None, rows: Path
) -> None:
    """What is wrong stands beside the command; there may be several, each on the result of the one before."""
    screen = await open_form(pilot)
    enter(screen, data=str(rows), name="first")
    await shows(pilot, "nothing stands in the way")
    for command, fault in {
        "evaluate --data x": "--then does 'evaluate'",
        "finetune --help": "--then finetune --help does nothing",
        "finetune --data nowhere.csv": "then finetune: there is no file or folder",
        f"finetune --data {rows} --epochs 0": "then finetune: --epochs",
        f"finetune --data '{rows}": "quotation",
    }.items():
        enter(screen, then=command)
        await until(pilot, lambda: not screen.field("then").has_fault)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.field("then").has_fault)
        await shows(pilot, fault)
        assert screen.focused is screen.field("then").editor
    assert not screen.field("data").has_fault

    enter(screen, then=f"finetune --data {rows} --name second")
    await until(pilot, lambda: screen.query("#field-then_2"))
    enter(screen, then_2=f"finetune --data {rows} --batch-size 4")
    flags = f"--then 'finetune --data {rows} --name second' --then 'finetune --data {rows} --batch-size 4'"
    await until(pilot, lambda: flags in screen.command())
    request = await asyncio.to_thread(screen.request)
    assert [line for name, line in screen.plan(request) if name == "then"] == [
        f"finetune as second, on {rows}",
        f"finetune as second-finetune-1, on {rows}",
    ]
    assert zoo.list_runs() == ()


async def see_and_check(pilot: Driver, screen: TrainScreen, rows: Path) -> None:
    """Wait for the preview, fill the form in, and ask for the plan."""
    await shows(
        pilot,
        "text column text",
        "label column label",
        "by its usual name",
        "rows 40",
        "positive 20",
        "nothing stands in the way",
    )
    enter(screen, name="typed", max_steps="12")
    await shows(pilot, f"$ zoo finetune echo --data {rows} --name typed --max-steps 12")
    screen.field("merge_labels").editor.value = True  # type: ignore[attr-defined]
    await until(pilot, lambda: " --merge-labels" in screen.command())
    screen.field("merge_labels").editor.value = False  # type: ignore[attr-defined]
    await shows(pilot, f"$ zoo finetune echo --data {rows} --name typed --max-steps 12")
    await pilot.press("ctrl+y")
    assert pilot.app.clipboard == f"zoo finetune echo --data {rows} --name typed --max-steps 12"
    enter(screen, then=f"finetune --data {rows} --max-steps 2 --name after")
    await pilot.press("ctrl+s")
    await shows(pilot, "then finetune as after, on")
    await shows(
        pilot, "40 usable, 2 classes: negative, positive", "steps 12 of 1 row, 0.33", "time shows once it trains"
    )
    await shows(pilot, "starts from scratch, with random numbers")


@pytest.mark.slow
@scenario(size=(100, 60))
async def test_the_plan_says_behind_whom_a_run_will_wait(
    pilot: Driver, echo: None, accelerators: None, rows: Path
) -> None:
    devices = {"first": "cuda:0", "second": "cuda:1", "third": "cuda:1"}
    runs = [zoo.finetune("echo", rows, name=name, device=device, pause_ms=1000) for name, device in devices.items()]
    try:
        screen = await open_form(pilot)
        enter(screen, data=str(rows), name="fourth")
        await pilot.press("ctrl+s")
        await shows(pilot, "device cuda:0, fp32", "queue next on cuda:0, behind first")
    finally:
        for run in reversed(runs):
            run.stop(force=True)


@scenario(size=(100, 60))
async def test_values_are_checked_while_they_are_typed(pilot: Driver, echo: None, rows: Path) -> None:
    screen = await open_form(pilot)
    enter(screen, data=str(rows), lr="11", epochs="many")
    await shows(pilot, "lr", "a number, more than 0")
    assert screen.field("lr").has_class("-wrong")
    assert screen.field("epochs").has_class("-wrong")
    await shows(pilot, "\"lr\" is '11', but takes a number, more than 0 and at most 10, or auto")
    await pilot.press("ctrl+s")
    await until(pilot, lambda: pilot.app.focused is screen.field("epochs").editor)
    assert zoo.list_runs() == ()
    enter(screen, lr="0.01", epochs="")
    await until(pilot, lambda: not screen.query(".-wrong"))
    assert screen.query_one(OptionFields).changed_options == {"lr": "0.01"}
    assert notices(pilot) == []


@pytest.mark.slow
@scenario(size=(100, 60))
async def test_options_that_do_not_go_together_are_told_before_a_run_exists(
    pilot: Driver, echo: None, one_device: None, rows: Path
) -> None:
    screen = await open_form(pilot)
    enter(screen, data=str(rows), batch_size="4", micro_batch_size="8")
    await pilot.press("ctrl+s")
    await shows(
        pilot, '"micro batch size" is 8, more than a batch of 4 holds', 'make it smaller, or "batch size" larger'
    )
    await until(pilot, lambda: pilot.app.focused is screen.field("micro_batch_size").editor)
    assert zoo.list_runs() == ()


@scenario(size=(100, 45))
async def test_all_options_of_the_model_are_there(pilot: Driver, echo: None) -> None:
    screen = await open_form(pilot)
    names = {field.field_name for field in screen.query(Field)}
    assert {"epochs", "lr", "method", "pause_ms", "fail_at", "deaf", "device", "precision", "data", "label"} <= names
    screen.field("method").editor.focus()
    await shows(pilot, "method: What is trained")


@pytest.mark.slow
@scenario(size=(100, 45))
async def test_what_few_people_need_is_folded_away(pilot: Driver, echo: None, rows: Path) -> None:
    screen = await open_form(pilot)
    text = await shows(pilot, "epochs", "class weights", "more: max steps, micro batch size")
    assert "lora rank" not in text
    title = screen.query_one("#advanced CollapsibleTitle").focus()
    await until(pilot, lambda: pilot.app.focused is title)
    await pilot.press("enter")
    await shows(pilot, "lora rank", "warmup")
    await pilot.press("enter")
    enter(screen, data=str(rows), warmup="2")
    await pilot.press("ctrl+s")
    await shows(pilot, "\"warmup\" is '2', but takes a number, at least 0 and less than 1")
    await until(pilot, lambda: pilot.app.focused is screen.field("warmup").editor)


@pytest.mark.slow
@scenario(size=(80, 24))
async def test_up_and_down_go_from_field_to_field_of_a_form_that_scrolls(
    pilot: Driver, echo: None, one_device: None
) -> None:
    screen = await open_form(pilot)
    await until(pilot, lambda: pilot.app.focused is screen.field("data").editor)
    await pilot.press("down")
    await until(pilot, lambda: pilot.app.focused is screen.field("eval").editor)
    await pilot.press("up")
    await until(pilot, lambda: pilot.app.focused is screen.field("data").editor)


@scenario(size=(120, 40))
async def test_bad_data_is_told_before_a_run_exists(
    pilot: Driver, echo: None, one_device: None, rows: Path, tmp_path: Path
) -> None:
    screen = await open_form(pilot)
    await pilot.press("ctrl+s")
    await shows(pilot, "say which data")
    enter(screen, data="/no/such/file.csv")
    await shows(pilot, "no such file or folder")
    await pilot.press("ctrl+s")
    (tmp_path / "one.csv").write_text("text,label\nx,a\ny,a\n")
    enter(screen, data=str(tmp_path / "one.csv"))
    await until(pilot, lambda: not screen.query(".-wrong"))
    await pilot.press("ctrl+s")
    text = await shows(pilot, 'a classifier needs at least two; is "label column"')
    assert "--label" not in text
    assert notices(pilot) == []
    enter(screen, data=str(rows))
    await until(pilot, lambda: "a classifier needs" not in screen_text(pilot))
    assert zoo.list_runs() == ()


@pytest.mark.slow
@scenario(size=(120, 40))
async def test_an_error_of_the_form_stands_in_the_form_until_something_is_changed(
    pilot: Driver, echo: None, one_device: None, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = await open_form(pilot)
    enter(screen, data=str(rows))
    await shows(pilot, "nothing stands in the way")
    error = Unsupported("this machine is too small", "take a larger one")
    monkeypatch.setattr(screen, "request", lambda: raise_(error))
    await pilot.press("ctrl+s")
    await shows(pilot, "this machine is too small take a larger one")
    enter(screen, epochs="2")
    await until(pilot, lambda: "too small" not in screen_text(pilot))


def raise_(error: Exception) -> None:
    raise error


@scenario(size=(100, 40))
async def test_a_name_is_checked_while_it_is_typed(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("taken", *FINISHED)
    screen = await open_form(pilot, "gamma")
    for name, reason in (
        ("taken", "there is a run 'taken' already"),
        ("alpha", "'alpha' is the name of a model"),
        ("no/name", "'no/name' cannot be the name of a run"),
    ):
        enter(screen, name=name)
        await shows(pilot, reason)
    enter(screen, name="free")
    await until(pilot, lambda: not screen.field("name").has_fault)


@pytest.mark.slow
@scenario()
async def test_what_was_typed_is_not_thrown_away_unasked(pilot: Driver, models: Site) -> None:
    screen = await open_form(pilot, "gamma")
    await write(pilot, "pets.csv")
    await pilot.press("escape")
    await shows(pilot, "Leave the form?", "This loses what you entered in the form.")
    await pilot.press("n")
    assert screen.value("data") == "pets.csv"
    await pilot.press("ctrl+q")
    await shows(pilot, "Leave zoo?", "This loses what you entered in the form.")
    await pilot.press("n", "escape", "y")
    await shows(pilot, "5 of 5")


@pytest.mark.slow
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
