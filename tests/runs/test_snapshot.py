"""The fold: pure, bounded, and the same however often it is interrupted."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from zoo.runs.events import (
    AnyEvent,
    CheckpointSaved,
    DataLoaded,
    EvaluationCompleted,
    ExampleRejected,
    Noted,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunLaunched,
    RunPlanned,
    RunStarted,
    StepCompleted,
    Warned,
    decode,
    encode,
)
from zoo.runs.snapshot import EMPTY, fold
from zoo.runs.source_facts import SourcePlanned, SourceResult, SourceStep
from zoo.runs.status import judge
from zoo.runs.store import RunFolder


def step(number: int, steps: int = 10) -> StepCompleted:
    return StepCompleted(
        at=100.0 + number,
        step=number,
        steps=steps,
        epoch=number / steps,
        loss=1 / number,
        lr=0.1,
        grad_norm=1.0,
        samples_per_s=50.0,
    )


PLAN = RunPlanned(steps=10, epochs=1, batch_size=5, micro_batch_size=5, parameters=7, trainable_parameters=3, lr=0.1)
STORY: list[AnyEvent] = [
    RunLaunched(attempt=1),
    RunStarted(at=100.0, attempt=1, pid=1, device="cpu", precision="fp32"),
    PLAN,
    step(1),
    step(2),
    CheckpointSaved(step=2, size_bytes=10),
    step(3),
    EvaluationCompleted(step=3, metrics={"accuracy": 0.5}, rows=4, best=True),
    step(4),
    RunLaunched(attempt=2),
    RunStarted(at=200.0, attempt=2, pid=2, device="cpu", precision="fp32", resumed_from_step=2),
    step(3),
    Noted(message="64 tokens are enough"),
    Warned(message="careful"),
    step(10),
    RunFinished(at=300.0, metrics={"accuracy": 0.75}, step=10, best_step=3, labels=("a", "b")),
]


@pytest.mark.parametrize("cut", range(len(STORY) + 1))
def test_folding_in_two_parts_is_folding_at_once(cut: int) -> None:
    assert fold(STORY[cut:], fold(STORY[:cut])) == fold(STORY)


def test_the_story_ends_well() -> None:
    end = fold(STORY)

    assert (end.status, end.attempt, end.step, end.best_step) == ("finished", 2, 10, 3)
    assert end.metrics == end.latest_metrics == {"accuracy": 0.75}
    assert (end.notes, end.warnings) == (("64 tokens are enough",), ("careful",))
    assert (end.started_at, end.ended_at) == (200.0, 300.0)


def test_a_resumed_attempt_forgets_what_did_not_last() -> None:
    resumed = fold(STORY[:11])

    assert resumed.step == 2
    assert [point.step for point in resumed.loss_curve] == [1, 2]
    assert resumed.evaluations == ()


def test_an_attempt_without_checkpoint_begins_anew() -> None:
    again = RunStarted(attempt=2, pid=2, device="cpu", precision="fp32")
    restarted = fold([*STORY[:5], RunLaunched(attempt=2), again])

    assert (restarted.step, restarted.loss_curve, restarted.status) == (0, (), "running")


def test_an_attempt_that_begins_anew_draws_its_curve_anew() -> None:
    long = [STORY[1], *(step(number, 2000) for number in range(1, 1001))]
    again = RunStarted(attempt=2, pid=2, device="cpu", precision="fp32")

    assert [point.step for point in fold([*long, again, *(step(number) for number in range(1, 5))]).loss_curve] == [
        1,
        2,
        3,
        4,
    ]


def test_a_new_attempt_forgets_the_error_even_if_its_launch_is_logged_late() -> None:
    failed = [*STORY[:5], RunFailed(kind="ValueError", message="no", hint="yes")]
    running = fold([*failed, RunStarted(attempt=2, pid=2, device="cpu", precision="fp32"), RunLaunched(attempt=2)])

    assert (running.status, running.error_kind, running.error, running.hint) == ("running", "", "", "")


def test_a_launch_that_is_logged_late_changes_nothing() -> None:
    assert fold([STORY[1], STORY[0]]).status == "running"


def test_time_left_follows_from_the_rate() -> None:
    assert fold(STORY[:5]).eta_s == (10 - 2) * 5 / 50.0
    assert fold(STORY).eta_s is None


def test_size_does_not_grow_with_the_run() -> None:
    long = fold([STORY[1], PLAN, *(step(number, 100_000) for number in range(1, 20_001))])

    assert 128 <= len(long.loss_curve) <= 512
    assert long.loss_curve[0].step == 1
    steps = [point.step for point in long.loss_curve]
    assert len({later - earlier for earlier, later in itertools.pairwise(steps)}) == 1
    assert len(fold([Noted(message=str(i)) for i in range(100)]).notes) == 20
    assert len(fold([Warned(message=str(i)) for i in range(100)]).warnings) == 20


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (RunFailed(kind="ValueError", message="no", hint="yes"), "failed"),
        (RunCancelled(step=3), "cancelled"),
        (RunFinished(), "finished"),
    ],
)
def test_an_attempt_ends_one_way(event: AnyEvent, status: str, tmp_path: Path) -> None:
    ended = fold([*STORY[:5], event])

    assert ended.status == status
    assert judge(ended, RunFolder(tmp_path), alive=False) == ended


def test_a_run_whose_worker_is_gone_has_crashed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)

    assert judge(fold(STORY[:5]), folder, alive=False).status == "crashed"
    assert judge(fold(STORY[:5]), folder, alive=True).status == "running"
    assert judge(EMPTY, folder, alive=False).status == "created"


@pytest.mark.parametrize("event", STORY, ids=lambda event: type(event).__name__)
def test_events_survive_the_log(event: AnyEvent) -> None:
    assert decode(encode(event)) == event


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"event":"unheard_of"}',
        b'{"event":"step_completed"}',
        b"\xff\xfe",
        b'{"event":"warn',
    ],
)
def test_what_is_no_event_is_passed_over(line: bytes) -> None:
    assert decode(line) is None


def test_fields_of_a_later_version_are_ignored() -> None:
    assert decode(b'{"event":"warned","message":"m","at":1,"v":2,"colour":"red"}') == Warned(at=1, v=2, message="m")


def of_both(number: int, left: float | None, right: float | None) -> StepCompleted:
    sources = (SourceStep("left", number / 4, left), SourceStep("right", number / 2, right))
    return msgspec.structs.replace(step(number), sources=sources)


def evaluated(number: int, source: str, metric: str, value: float) -> EvaluationCompleted:
    metrics = {metric: value, "loss": 1.0}
    return EvaluationCompleted(step=number, metrics=metrics, rows=4, best=number == 2, source=source)


def planned(name: str, task: str) -> SourcePlanned:
    return SourcePlanned(name=name, task=task, rows=8, eval_rows=2, batch_size=4, epochs=2.5, weight=0.5)


SOURCES = (planned("left", "text-classification"), planned("right", "token-classification"))
OF_SEVERAL: list[AnyEvent] = [
    RunLaunched(attempt=1),
    RunStarted(at=100.0, attempt=1, pid=1, device="cpu", precision="fp32"),
    DataLoaded(train_rows=9, eval_rows=2, rejected_rows=1, labels=("a", "b"), columns={"input": "x"}, source="left"),
    DataLoaded(train_rows=8, eval_rows=3, labels=("c",), source="right"),
    ExampleRejected(file="f", row=3, reason="no", total=2, train_rows=1, source="left"),
    ExampleRejected(file="f", row=5, reason="no", total=1, eval_rows=1, source="right"),
    msgspec.structs.replace(PLAN, sources=SOURCES),
    of_both(1, 0.5, None),
    of_both(2, 0.25, 0.75),
    evaluated(2, "left", "accuracy", 0.5),
    evaluated(2, "right", "span_f1", 0.25),
    CheckpointSaved(step=2, size_bytes=10),
    of_both(3, 0.2, 0.7),
    evaluated(3, "left", "accuracy", 0.75),
    RunStarted(at=200.0, attempt=2, pid=2, device="cpu", precision="fp32", resumed_from_step=2),
    of_both(4, None, 0.6),
    RunFinished(
        metrics={"left.accuracy": 0.5, "right.span_f1": 0.25},
        step=4,
        best_step=2,
        labels=("a", "b"),
        sources=(
            SourceResult(name="left", task="text-classification", metrics={"accuracy": 0.5}, best_step=2),
            SourceResult(name="right", task="token-classification", metrics={"span_f1": 0.25}, best_step=2),
        ),
    ),
]


@pytest.mark.parametrize("cut", range(len(OF_SEVERAL) + 1))
def test_folding_several_sources_in_two_parts_is_folding_at_once(cut: int) -> None:
    assert fold(OF_SEVERAL[cut:], fold(OF_SEVERAL[:cut])) == fold(OF_SEVERAL)


def test_each_of_several_sources_is_known_apart() -> None:
    left, right = fold(OF_SEVERAL).sources

    assert (left.name, left.task, left.labels, left.columns) == (
        "left",
        "text-classification",
        ("a", "b"),
        {"input": "x"},
    )
    assert (left.train_rows, left.eval_rows, left.rejected_rows) == (8, 2, 2)
    assert (right.train_rows, right.eval_rows, right.rejected_rows) == (8, 2, 1)
    assert (left.plan, right.plan) == SOURCES
    assert (left.epoch, right.epoch, right.loss) == (1.0, 2.0, 0.6)
    assert [(point.step, point.loss) for point in left.loss_curve] == [(1, 0.5), (2, 0.25)]
    assert [(point.step, point.loss) for point in right.loss_curve] == [(2, 0.75), (4, 0.6)]
    assert [one.metrics["accuracy"] for one in left.evaluations] == [0.5]
    assert right.result is not None
    assert right.latest_metrics == {"span_f1": 0.25}


def test_the_loss_of_several_sources_is_the_mean_of_their_newest() -> None:
    resumed = fold(OF_SEVERAL[:14])

    assert [(point.step, point.loss) for point in fold(OF_SEVERAL).loss_curve] == [
        (1, 0.5),
        (2, 0.5),
        (4, pytest.approx((0.25 + 0.6) / 2)),
    ]
    assert fold(OF_SEVERAL).loss == pytest.approx((0.25 + 0.6) / 2)
    assert [source.loss for source in resumed.sources] == [0.2, 0.7]
    assert [source.loss for source in fold(OF_SEVERAL[:15]).sources] == [0.25, 0.75]
    overflown = msgspec.structs.replace(of_both(5, None, 0.5), loss=None)
    assert fold([*OF_SEVERAL[:15], overflown]).loss is None


def test_a_run_of_several_sources_has_their_sums() -> None:
    end = fold(OF_SEVERAL)

    assert (end.train_rows, end.eval_rows, end.rejected_rows) == (16, 4, 3)
    assert (end.labels, end.columns) == ((), {})
    assert [one.step for one in fold(OF_SEVERAL[:14]).evaluations] == [2, 3]
    assert [(one.step, one.metrics) for one in end.evaluations] == [
        (2, {"left.accuracy": 0.5, "left.loss": 1.0, "right.span_f1": 0.25, "right.loss": 1.0})
    ]


def test_an_attempt_that_begins_anew_forgets_what_each_source_had_learnt() -> None:
    again = RunStarted(attempt=2, pid=2, device="cpu", precision="fp32")

    for source in fold([*OF_SEVERAL[:14], again]).sources:
        assert (source.epoch, source.loss, source.loss_curve, source.evaluations) == (0.0, None, (), ())


def test_size_does_not_grow_with_the_run_of_several_sources() -> None:
    steps = (of_both(number, 0.5, 0.25) for number in range(1, 3_001))
    evaluations = (evaluated(number, "left", "accuracy", 0.5) for number in range(600))

    left, right = fold([OF_SEVERAL[1], *steps, *evaluations]).sources
    assert len(left.evaluations) == 512
    assert 128 <= len(left.loss_curve) == len(right.loss_curve) <= 512
