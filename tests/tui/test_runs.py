"""Runs: those of the store, live and past, and what can be done with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import zoo
from tests.echo_plugin import MODULE, SOURCE
from tests.echo_runs import held_after
from tests.echo_runs import until as until_true
from tests.plugin_site import Site
from tests.tui.driving import Driver, notices, scenario, screen_text, shows, until, write
from zoo.answers import Classification, Score
from zoo.devices import available
from zoo.metrics import report_of_confusion
from zoo.runs.events import (
    CheckpointSaved,
    DataLoaded,
    EvaluationCompleted,
    Noted,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunPlanned,
    RunPostponed,
    RunStarted,
    StepCompleted,
    Warned,
)
from zoo.runs.store import RunFolder
from zoo.tui.widgets.table import Table

WriteRun = Callable[..., RunFolder]
STARTED = RunStarted(attempt=1, pid=1, device="cpu", precision="fp32", processes=1)
PLAN = RunPlanned(
    steps=100,
    epochs=2,
    batch_size=16,
    micro_batch_size=16,
    parameters=22_000_000,
    trainable_parameters=1_000_000,
    lr=0.001,
)
LABELS = ("cat", "dog", "bird")


def step(number: int) -> StepCompleted:
    return StepCompleted(
        step=number, steps=100, epoch=number / 50, loss=2 / number, lr=0.001, grad_norm=1, samples_per_s=120
    )


def evaluated(number: int, accuracy: float) -> EvaluationCompleted:
    return EvaluationCompleted(step=number, metrics={"accuracy": accuracy, "loss": 1 - accuracy}, rows=9, best=True)


FINISHED = (
    STARTED,
    DataLoaded(train_rows=90, eval_rows=9, rejected_rows=0, labels=LABELS, columns={"input": "text", "label": "label"}),
    PLAN,
    *(step(number) for number in range(1, 101, 3)),
    evaluated(50, 0.5),
    evaluated(100, 0.75),
    Warned(message="something odd"),
    RunFinished(
        metrics={"accuracy": 0.75, "macro_f1": 0.7},
        step=100,
        best_step=100,
        report=report_of_confusion(LABELS, ((3, 0, 0), (1, 2, 0), (1, 0, 2))),
        labels=LABELS,
    ),
)


@scenario()
async def test_runs_are_listed_newest_first(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("old", *FINISHED, hours_ago=50)
    write_run("broken", STARTED, RunFailed(kind="ValueError", message="no such thing"), hours_ago=3)
    write_run("left", STARTED, PLAN, step(40), CheckpointSaved(step=40, size_bytes=1), RunCancelled(step=40))
    await pilot.press("2")
    text = await shows(
        pilot, "left finetune", "broken finetune", "old finetune finished accuracy 0.75 2d", "3 of 3, 0 running"
    )
    assert text.index("left") < text.index("broken") < text.index("old")
    await pilot.press("slash")
    await write(pilot, "failed")
    await shows(pilot, "1 of 3")


@scenario()
async def test_old_predictions_do_not_flood_the_list(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    for number in range(8):
        write_run(f"answers-{number}", RunFinished(metrics={"rows": 1}), verb="predict", hours_ago=9 - number)
    write_run("one", RunFinished(), hours_ago=10)
    await pilot.press("2")
    await shows(pilot, "6 of 9, 0 running; / predict shows older predictions", "answers-3", "one finetune")
    assert "answers-2" not in screen_text(pilot)
    await pilot.press("slash")
    await write(pilot, "predict")
    await shows(pilot, "8 of 9, 0 running", "answers-0")


@scenario()
async def test_a_run_that_appears_and_one_that_goes_are_noticed(
    pilot: Driver, models: Site, write_run: WriteRun
) -> None:
    await pilot.press("2")
    await shows(pilot, "no runs yet: press 1, choose a model, press f")
    write_run("one", *FINISHED)
    await shows(pilot, "one finetune finished")
    zoo.open_run("one").remove()
    await shows(pilot, "0 of 0")


@scenario(size=(100, 40))
async def test_a_finished_run_shows_curves_and_results(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("done", *FINISHED[:-1], Noted(message="64 tokens are enough"), FINISHED[-1])
    await pilot.press("2")
    await shows(pilot, "done finetune")
    await pilot.press("enter")
    text = await shows(
        pilot,
        "accuracy 0.7500 macro_f1 0.7000 best at step 100",
        "loss 0.02",
        "accuracy on held-out rows 0.75",
        "cat 0.600 1.000 0.750 3",
        "90 rows to train on, 9 held out",
    )
    assert "1.0M of 22.0M parameters" in text
    assert any("\u2801" <= character <= "\u28ff" for character in text), "a curve is drawn"
    await pilot.press("tab")
    await shows(pilot, "rows: what it is; columns: what the model said", "cat dog bird", "dog 1 2 ·")
    await pilot.press("tab")
    await shows(pilot, "64 tokens are enough")
    await pilot.press("tab")
    await shows(pilot, "something odd")
    await pilot.press("tab")
    await shows(
        pilot,
        "started on cpu in fp32",
        "plan: 100 steps of 16",
        "step 50 accuracy 0.5000",
        "finished, best at step 100",
    )
    await pilot.press("tab")
    await shows(pilot, "step 100 accuracy 0.7500", "best")
    await pilot.press("escape")
    await shows(pilot, "1 of 1")


@scenario(size=(100, 40))
async def test_from_a_figure_to_the_rows_that_are_wrong(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    folder = write_run("done", *FINISHED)
    long = "a [b]text[/b] \x1b[2Jof many words " * 20
    lines = (
        b'{"row":7,"label":"dog","input":"barks","prediction":{"type":"classification","scores":'
        b'[{"label":"cat","probability":0.987}]}}\n',
        b"not a line of it\n",
        msgspec.json.encode(
            {"row": 1234, "label": "bird", "input": long, "prediction": Classification((Score("cat", 0.5),))}
        ),
    )
    folder.mistakes_path.write_bytes(b"".join(lines))
    await pilot.press("2")
    await shows(pilot, "done finetune")
    await pilot.press("enter")
    await shows(pilot, "Mistakes", "cat 0.600 1.000 0.750 3")
    await pilot.press("w")
    text = await shows(
        pilot,
        "2 rows answered wrongly, the worst first",
        "98.7% row 7: dog, taken for cat",
        "50.0% row 1,234: bird, taken for cat a [b]text[/b]",
    )
    assert text.count("of many words") < 20
    assert "\x1b" not in screen_text(pilot)


@scenario()
async def test_a_failed_run_says_why(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    folder = write_run("bad", STARTED, RunFailed(kind="X", message="no \x1b[31mroom[/]", hint="make some"))
    folder.log_path.write_text("first line\nTraceback: \x1b[2Jlast words\n")
    await pilot.press("2")
    await shows(pilot, "bad finetune failed")
    await pilot.press("enter")
    await shows(pilot, "no room[/]. make some")
    await pilot.press("tab")
    await shows(pilot, "first line", "Traceback: last words")
    assert "\x1b" not in screen_text(pilot)


@scenario()
async def test_a_crashed_run_is_seen_as_such(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("gone", STARTED, PLAN, step(10))
    await pilot.press("2")
    await shows(pilot, "gone finetune crashed")


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_a_run_that_ends_while_one_is_asked_to_stop_it_has_finished(
    pilot: Driver, finetune: Callable[..., zoo.Run]
) -> None:
    with held_after(1):
        run = finetune(name="mine")
        await pilot.press("2")
        await shows(pilot, "mine finetune", "● 1 running")
        await pilot.press("s")
        await shows(pilot, "Stop the run?")
    await until(pilot, lambda: run.status == "finished")
    await pilot.press("y")
    await until(pilot, lambda: "mine is finished" in notices(pilot))


PAUSE = "            time.sleep(options.pause_ms / 1000)\n"
WAIT = "            while step == 3 and not run.should_stop():\n                time.sleep(0.01)\n"


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_a_real_run_is_watched_stopped_resumed_renamed_tried_and_deleted(
    pilot: Driver, site: Site, rows: Path
) -> None:
    await asyncio.to_thread(available)  # measured, however long that takes
    assert PAUSE in SOURCE
    site.install("echo", SOURCE.replace(PAUSE, WAIT), module=MODULE)  # it goes on until somebody stops it
    run = zoo.finetune("echo", rows, name="mine", device="cpu", precision="fp32")
    await pilot.press("2")
    await shows(pilot, "mine finetune")
    await pilot.press("enter")
    await shows(pilot, "running", "step", "samples/s", "● 1 running")
    await pilot.press("s")
    await shows(pilot, "Stop the run?")
    await pilot.press("n")
    assert run.snapshot.live
    await pilot.press("s")
    await shows(pilot, "Stop the run?")
    await pilot.press("y")
    await shows(pilot, "stopped at step", "r goes on with it")
    assert run.status == "cancelled"
    await pilot.press("r")
    await shows(pilot, "accuracy 1.0000", "positive 1.000 1.000 1.000")
    assert run.status == "finished"
    await pilot.press("m")
    await shows(pilot, "New name of mine")
    await pilot.press("ctrl+u")
    await write(pilot, "yours")
    await pilot.press("enter")
    await shows(pilot, "yours finetune")
    assert [one.name for one in zoo.list_runs()] == ["yours"]
    table = pilot.app.screen.query_one(Table)
    assert len(table.rows) == 1
    await until(pilot, lambda: pilot.app.feed.line("echo/yours"))
    await pilot.press("t")
    await shows(pilot, "yours text-classification", "loaded, on cpu")
    await write(pilot, "fine good")
    await shows(pilot, "positive", "%")
    await pilot.press("escape", "2")
    await shows(pilot, "yours finetune")
    await pilot.press("x")
    await shows(pilot, "The run yours, its checkpoints and the model that came of it.")
    await pilot.press("y")
    await shows(pilot, "no runs yet")
    until_true(lambda: not zoo.list_runs())


@pytest.mark.slow
@scenario()
async def test_what_cannot_be_done_with_a_run_is_said(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("done", *FINISHED, verb="evaluate")
    await pilot.press("2")
    await shows(pilot, "done evaluate finished")
    for key, message in (("s", "done is finished already"), ("r", "done is finished"), ("t", "done has no model yet")):
        await pilot.press(key)
        await until(pilot, lambda message=message: any(message in notice for notice in notices(pilot)))
    await pilot.press("m")
    for name, reason in (("no/name", "cannot be the name of a run"), ("alpha", "'alpha' is the name of a model")):
        await pilot.press("ctrl+u")
        await write(pilot, name)
        await pilot.press("enter")
        await shows(pilot, "New name of done", reason)


@pytest.mark.slow
@scenario()
async def test_leaving_and_opening_again_changes_nothing_for_the_run(
    pilot: Driver, finetune: Callable[..., zoo.Run], tmp_path: Path
) -> None:
    run = finetune(name="steady", pause_ms=20)
    await pilot.press("2")
    await shows(pilot, "steady finetune")
    await pilot.press("q")
    run.wait(progress=False)
    assert run.status == "finished"
    assert run.snapshot.attempt == 1


@pytest.mark.slow
@scenario(size=(100, 30))
async def test_a_queued_run_says_where_it_stands_and_starts_when_asked_to(
    pilot: Driver, echo: None, rows: Path, accelerators: None
) -> None:
    def train(name: str) -> zoo.Run:
        return zoo.finetune("echo", rows, name=name, device="cuda:0", max_steps=2000, pause_ms=50)

    first, second = train("first"), train("second")
    try:
        await pilot.press("2")
        await shows(pilot, "second finetune echo queued, next", "● 1 running, 1 queued", "2 of 2, 1 running, 1 queued")
        await pilot.press("enter")
        await shows(pilot, "queued: next on cuda:0, behind first; r starts it beside")
        await pilot.press("r")
        await shows(pilot, "Start it now?", "second is queued: next on cuda:0, behind first")
        await pilot.press("y")
        await shows(pilot, "step", "samples/s", "● 2 running")
        assert ["running", "running"] == [first.status, second.status]
    finally:
        for run in (second, first):
            run.stop(force=True)


@pytest.mark.slow
@scenario()
async def test_what_waits_for_what_is_told_on_both_screens(pilot: Driver, models: Site, write_run: WriteRun) -> None:
    write_run("adapted", STARTED, PLAN, step(50), RunCancelled(step=50))
    write_run("mood", RunPostponed(after="adapted"))
    await pilot.press("2")
    await shows(pilot, "mood finetune", "waiting", "adapted finetune", "cancelled")
    pilot.app.open_run("adapted")
    await shows(pilot, "stopped at step 50", "then mood")
    await pilot.press("escape")
    pilot.app.open_run("mood")
    await shows(pilot, "waiting for the end of adapted")
    await pilot.press("r")
    await until(pilot, lambda: any("adapted, which is cancelled" in one for one in notices(pilot)))
    await pilot.press("s")
    await shows(pilot, "mood does not begin when adapted has finished")
    await pilot.press("y")
    await until(pilot, lambda: zoo.open_run("mood").status == "cancelled")
