"""A run in one line of text."""

from __future__ import annotations

import pytest

from zoo.progress import count, describe, duration, progress_display, size
from zoo.runs.events import (
    ExampleRejected,
    Noted,
    PredictionsWritten,
    RunCancelled,
    RunLaunched,
    RunPlanned,
    RunStarted,
    StepCompleted,
    Warned,
    WeightsFetched,
)
from zoo.runs.snapshot import fold

STARTED = (RunLaunched(), RunStarted(pid=1, device="cpu", precision="fp32"))
PLANNED = RunPlanned(
    steps=10, epochs=2, batch_size=8, micro_batch_size=8, parameters=9, trainable_parameters=9, lr=5e-5
)
STEP = StepCompleted(step=5, steps=10, epoch=1, loss=0.25, lr=5e-5, grad_norm=1, samples_per_s=4)


def test_before_the_worker_speaks() -> None:
    assert "starting the worker" == describe(fold(STARTED[:1]))
    assert "loading the data and the model" == describe(fold(STARTED))


def test_a_download_is_told_in_bytes() -> None:
    told = describe(fold((*STARTED, WeightsFetched(received_bytes=1_500_000, total_bytes=3_000_000))))

    assert "━━━━━━━━━━────────── fetching weights, 1.5 MB of 3.0 MB" == told


def test_training_tells_how_far_how_well_how_fast_and_how_long() -> None:
    rejected = ExampleRejected(file="f.csv", row=3, reason="empty", total=2)
    told = describe(fold((*STARTED, PLANNED, rejected, STEP)))

    assert (
        "━━━━━━━━━━────────── step 5/10  epoch 1.0  loss 0.2500  lr 5e-05  4 samples/s  10s left  2 rows rejected"
    ) == told


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
    assert line == describe(fold((*STARTED, PLANNED, STEP)), width=width)


def test_batch_prediction_is_told_in_rows() -> None:
    told = describe(fold((*STARTED, PredictionsWritten(rows=1000, total_rows=4000, samples_per_s=50))))

    assert "━━━━━─────────────── 1,000/4,000 rows  50 rows/s" == told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (59.6, "1m00s"), (185, "3m05s"), (7800, "2h10m"), (273_600, "3d4h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert said == duration(seconds)


def test_warnings_and_notes_stay_above_the_line_that_is_repainted(capsys: pytest.CaptureFixture[str]) -> None:
    said = (Warned(message="a \x1b[31mred\nword"), Noted(message="50 rows are held out"))
    with progress_display(True) as show:
        show(fold((*STARTED, said[0], RunCancelled())))
        show(fold((*STARTED, *said, RunCancelled())))
        show(fold((*STARTED, *said, RunCancelled())))

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


def test_large_numbers() -> None:
    assert ["999", "22.7M", "1.5k"] == [count(999), count(22_713_216), count(1500)]
    assert ["999 B", "90.9 MB"] == [size(999), size(90_868_376)]
