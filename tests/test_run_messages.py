"""The words of a run: one line of text, the end of it, the facts of a plan."""

from __future__ import annotations

import pytest
from msgspec import structs

from zoo.api.display import progress_display
from zoo.event_messages import EventMessages
from zoo.plan_messages import plan_facts
from zoo.run_messages import final_figures, finished, main_figure, status_line
from zoo.runs.events import (
    EvaluationCompleted,
    ExampleRejected,
    Noted,
    PredictionsWritten,
    RunCancelled,
    RunLaunched,
    RunPlanned,
    RunQueued,
    RunStarted,
    StepCompleted,
    Warned,
    WeightsFetched,
)
from zoo.runs.snapshot import fold
from zoo.runs.source_facts import SourcePlanned

STARTED = (RunLaunched(), RunStarted(pid=1, device="cpu", precision="fp32"))
PLANNED = RunPlanned(
    steps=10, epochs=2, batch_size=8, micro_batch_size=8, parameters=9, trainable_parameters=9, lr=5e-5
)
STEP = StepCompleted(step=5, steps=10, epoch=1, loss=0.25, lr=5e-5, grad_norm=1, samples_per_s=4)


def test_before_the_worker_speaks() -> None:
    assert "starting the worker" == status_line(fold(STARTED[:1]))
    assert "loading the data and the model" == status_line(fold(STARTED))


def test_a_download_is_told_in_bytes() -> None:
    line = status_line(fold((*STARTED, WeightsFetched(received_bytes=1_500_000, total_bytes=3_000_000))))

    assert "━━━━━━━━━━────────── fetching weights, 1.5 MB of 3.0 MB" == line


def test_training_tells_how_far_how_well_how_fast_and_how_long() -> None:
    rejected = ExampleRejected(file="f.csv", row=3, reason="empty", total=2)
    line = status_line(fold((*STARTED, PLANNED, rejected, STEP)))

    assert (
        "━━━━━━━━━━────────── step 5/10  epoch 1.0  loss 0.2500  lr 5e-05  4 samples/s  10s left  2 rows rejected"
    ) == line


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (200, f"{'━' * 10}{'─' * 10} step 5/10  epoch 1.0  loss 0.2500  lr 5e-05  4 samples/s  10s left"),
        (79, f"{'━' * 10}{'─' * 10} step 5/10  epoch 1.0  loss 0.2500  4 samples/s  10s left"),
        (53, f"{'━' * 10}{'─' * 10} step 5/10  loss 0.2500  10s left"),
        (52, "step 5/10  loss 0.2500  10s left"),
        (20, "step 5/10  10s left"),
        (5, "step 5/10  10s left"),
    ],
)
def test_a_narrow_line_of_progress_keeps_the_time_left(width: int, line: str) -> None:
    assert line == status_line(fold((*STARTED, PLANNED, STEP)), width=width)


def test_batch_prediction_is_told_in_rows() -> None:
    line = status_line(fold((*STARTED, PredictionsWritten(rows=1000, total_rows=4000, samples_per_s=50))))

    assert "━━━━━─────────────── 1,000/4,000 rows  50 rows/s" == line


def test_warnings_and_notes_stay_above_the_line_that_is_repainted(capsys: pytest.CaptureFixture[str]) -> None:
    messages = (Warned(message="a \x1b[31mred\nword"), Noted(message="50 rows are held out"))
    with progress_display(True) as show:
        show(fold((*STARTED, messages[0], RunCancelled())))
        show(fold((*STARTED, *messages, RunCancelled())))
        show(fold((*STARTED, *messages, RunCancelled())))

    assert [text.removeprefix("\r\x1b[K") for text in capsys.readouterr().err.replace("\r", "\n\r").split("\n")] == [
        "",
        "warning: a red word",
        "",
        "loading the data and the model  cancelled",
        "50 rows are held out",
        "",
        "loading the data and the model  cancelled",
        "loading the data and the model  cancelled",
        "",
    ]


def test_without_a_terminal_warnings_and_notes_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    messages = (Warned(message="two rows repeat"), Noted(message="column 'score' is taken to hold numbers"))
    for progress in (None, False):
        with progress_display(progress) as show:
            for events in (
                STARTED,
                (*STARTED, messages[0]),
                (*STARTED, *messages),
                (*STARTED, *messages, RunCancelled()),
            ):
                show(fold(events))
    assert capsys.readouterr().err == "warning: two rows repeat\ncolumn 'score' is taken to hold numbers\n"


def test_each_place_in_the_queue_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    places = [RunQueued(device="cuda:0", place=place, behind=f"run {place}") for place in (12, 2, 1)]
    with progress_display(None) as show:
        for number in range(len(places) + 1):
            show(fold(places[:number]))
        show(fold((*places, RunCancelled())))
    lines = ["queued: 12th on cuda:0, behind run 12", "queued: 2nd on cuda:0, behind run 2"]

    assert [*lines, "queued: next on cuda:0, behind run 1"] == capsys.readouterr().err.splitlines()
    assert lines[:1] == EventMessages().lines(places[0], fold(places[:1]))


def test_the_end_and_its_figures() -> None:
    assert ["finished", "finished in 3m05s, best at step 8"] == [finished(None, None), finished(185, 8)]
    assert "no figures: nothing was held out" == final_figures({})
    assert "accuracy 0.9123  loss 0.2500" == final_figures({"accuracy": 0.91234, "loss": 0.25})
    assert ["accuracy 0.9123", ""] == [main_figure({"accuracy": 0.91234, "loss": 0.25}), main_figure({})]


def test_a_plan_leaves_out_what_a_loop_of_its_own_does_not_know() -> None:
    bare = RunPlanned(steps=10, epochs=2, batch_size=8, micro_batch_size=8, parameters=0, trainable_parameters=0, lr=0)
    whole, bare_facts = (plan_facts(fold((*STARTED, plan)), plan) for plan in (PLANNED, bare))

    assert {
        "steps": "10 of 8 rows, 2 epochs",
        "parameters": "9 trained of 9",
        "learning rate": "5e-05 at its peak",
    } == {name: fact for name, fact in whole.items() if fact}
    assert ["steps"] == [name for name, fact in bare_facts.items() if fact]


def test_a_plan_of_several_sources_says_which_weights_are_kept() -> None:
    sources = tuple(
        SourcePlanned(name=name, task="t", rows=8, eval_rows=2, batch_size=4, epochs=1, weight=1) for name in "ab"
    )
    by_all, by_one = (structs.replace(PLANNED, sources=sources, best_by=best_by) for best_by in ("", "b"))
    unjudged = structs.replace(by_one, sources=tuple(structs.replace(one, eval_rows=0) for one in sources))

    assert [plan_facts(fold((*STARTED, one)), one)["kept"] for one in (by_all, by_one, unjudged, PLANNED)] == [
        "the weights of the evaluation with the best mean rank over the sources",
        "the weights of the best evaluation of b",
        "",
        "",
    ]
    judged = EvaluationCompleted(step=4, metrics={"loss": 1.0}, rows=2, best=True, source="a")
    lines = [EventMessages().lines(judged, fold((*STARTED, one))) for one in (by_all, by_one)]
    assert lines == [[f"step      4  a: loss 1.0000  best so far {by}"] for by in ("over all", "by b")]


def test_main_figures_of_several_sources_have_their_names() -> None:
    metrics = {"left.accuracy": 0.5, "left.loss": 1.0, "right.span_f1": 0.25}

    assert main_figure(metrics, ("left", "right", "unlabelled")) == "left.accuracy 0.5, right.span_f1 0.25"
