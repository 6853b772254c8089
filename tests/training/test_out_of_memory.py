"""Running out of memory: the step is taken again with fewer examples at once, and the run goes on as if asked so."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.processes import popen
from tests.training.hungry import SAID, HungryToy
from tests.training.test_sources import sources_of
from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import RunFailed
from zoo.event_messages import EventMessages
from zoo.runs.events import AnyEvent, CheckpointSaved, EvaluationCompleted, MicroBatchHalved, RunPlanned, decode, encode
from zoo.runs.snapshot import RunSnapshot, fold
from zoo.training.engine import train_sources

OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 16, "lr": 0.02}


def halvings(events: list[AnyEvent]) -> list[MicroBatchHalved]:
    return [event for event in events if isinstance(event, MicroBatchHalved)]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_run_goes_on_as_one_with_the_smaller_micro_batch(tmp_path: Path, method: str) -> None:
    asked, _ = make_run(tmp_path / "asked", micro_batch_size=4, method=method, **OPTIONS)
    expected = HungryToy().fit(asked)
    run, events = make_run(tmp_path / "found", method=method, **OPTIONS)
    actual = HungryToy(most=5).fit(run)

    assert actual == expected
    assert_identical(final_weights(tmp_path / "asked"), final_weights(tmp_path / "found"))
    assert [(event.step, event.micro_batch_size, event.reason) for event in halvings(events)] == [
        (1, 8, SAID),
        (1, 4, SAID),
    ]


def test_steps_before_are_as_they_were_and_a_resumed_run_goes_on_likewise(tmp_path: Path) -> None:
    """From the sixth step on there is room for 4; a run of two parts with these sizes has the same bits."""
    run, events = make_run(tmp_path / "found", **OPTIONS)
    HungryToy(most=4, enough=5).fit(run)
    assert [event.step for event in halvings(events)] == [6, 6]
    assert [event.step for event in events if isinstance(event, CheckpointSaved)] == [6]

    first, _ = make_run(tmp_path / "parts", stop_after=6, **OPTIONS)
    HungryToy().fit(first)
    second, _ = make_run(tmp_path / "parts", micro_batch_size=4, **OPTIONS)
    HungryToy().fit(second)
    assert_identical(final_weights(tmp_path / "found"), final_weights(tmp_path / "parts"))

    stopped, _ = make_run(tmp_path / "stopped", stop_after=8, **OPTIONS)
    assert HungryToy(most=4, enough=5).fit(stopped).cancelled
    resumed, events = make_run(tmp_path / "stopped", **OPTIONS)
    HungryToy().fit(resumed)
    assert not halvings(events)
    assert_identical(final_weights(tmp_path / "found"), final_weights(tmp_path / "stopped"))


def test_one_example_that_does_not_fit_fails_the_run_and_says_what_to_do(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, **OPTIONS)
    with pytest.raises(RunFailed, match="step 1 runs out of memory with one example computed at once: CUDA") as failure:
        HungryToy(most=0, normed=False).fit(run)
    assert "--activation-checkpointing" in failure.value.hint
    assert [event.micro_batch_size for event in halvings(events)] == [8, 4, 2, 1]


def test_other_errors_are_what_they_were(tmp_path: Path) -> None:
    class Broken(Toy):
        def losses(self, module: Any, batch: Any) -> Any:
            raise RuntimeError("shapes do not match")

    run, _ = make_run(tmp_path, **OPTIONS)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        Broken().fit(run)


def test_an_evaluation_goes_on_likewise_and_finds_the_same(tmp_path: Path) -> None:
    def evaluations(name: str, toy: HungryToy) -> tuple[list[dict[str, float]], list[MicroBatchHalved]]:
        run, events = make_run(tmp_path / name, eval_rows=50, **OPTIONS)
        toy.fit(run)
        return [e.metrics for e in events if isinstance(e, EvaluationCompleted)], halvings(events)

    expected, _ = evaluations("whole", HungryToy())
    actual, halved = evaluations("parts", HungryToy(judged=15))
    for found, metrics in zip(actual, expected, strict=True):
        assert found == pytest.approx(metrics, rel=1e-5)
    assert [(one.micro_batch_size, one.evaluating) for one in halved] == [(25, True), (13, True)]


def test_a_frozen_body_is_asked_about_fewer_at_once(tmp_path: Path) -> None:
    for name, judged in (("whole", 2**30), ("parts", 10)):
        run, events = make_run(tmp_path / name, method="head", **OPTIONS)
        HungryToy(judged=judged).fit(run)
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))
    assert {event.micro_batch_size for event in halvings(events) if event.evaluating} >= {32, 16, 8}


def test_only_the_source_that_does_not_fit_gets_smaller_micro_batches(tmp_path: Path) -> None:
    first, second = HungryToy(), HungryToy(most=4)
    second.module.body = first.module.body
    sources, run, events = sources_of(tmp_path, (first, second), (64, 64), (1.0, 1.0), **OPTIONS)
    train_sources(sources, run)
    assert [(event.source, event.micro_batch_size) for event in halvings(events)] == [("right", 8), ("right", 4)]


def test_a_dry_run_finds_it_out(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, **OPTIONS)
    object.__setattr__(run, "dry_run", True)
    HungryToy(most=4).fit(run)
    assert [event.micro_batch_size for event in halvings(events)] == [8, 4]
    assert [event.micro_batch_size for event in events if isinstance(event, RunPlanned)] == [16, 4]
    assert not list(tmp_path.rglob("*"))


def test_every_view_is_told() -> None:
    planned = RunPlanned(
        steps=9, epochs=1, batch_size=64, micro_batch_size=64, parameters=1, trainable_parameters=1, lr=1
    )
    training = MicroBatchHalved(step=3, micro_batch_size=32, reason=SAID)
    judging = MicroBatchHalved(step=9, micro_batch_size=1, reason=SAID, evaluating=True, source="texts")
    snapshot = fold([planned, training, judging])
    lines = [line for event in (training, judging) for line in EventMessages().lines(event, RunSnapshot())]
    assert lines == [
        "step 3 ran out of memory: 32 examples computed at once from now on",
        "the evaluation ran out of memory: 1 example of texts computed at once from now on",
    ]
    assert snapshot.notes == tuple(lines)
    assert snapshot.plan is not None
    assert snapshot.plan.micro_batch_size == 32
    assert decode(encode(training)) == training


def ranks(*arguments: object, processes: int = 2) -> list[AnyEvent]:
    """The events of the first of several processes that train toys."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    several = [
        popen(
            [sys.executable, "-m", "tests.training.hungry", *map(str, arguments)],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    try:
        said = [process.communicate(timeout=150)[0] for process in several]
    finally:
        for process in several:
            process.kill()
            process.communicate()
    assert [process.returncode for process in several] == [0] * processes
    return [decode(line.encode()) for line in said[0].splitlines()]


@pytest.mark.slow
def test_all_processes_go_on_when_one_runs_out_of_memory(tmp_path: Path) -> None:
    """The second of two has room for 3: it fails after a whole forward pass, then before the last of the other."""
    assert len(halvings(ranks(tmp_path / "found", 8, 2**30, 3))) == 2
    assert not halvings(ranks(tmp_path / "asked", 2, 2**30, 2**30))
    assert_identical(final_weights(tmp_path / "found"), final_weights(tmp_path / "asked"))


@pytest.mark.slow
def test_processes_that_divide_a_network_take_the_same_decision(tmp_path: Path) -> None:
    """The second of two has room for 3: within a forward pass, within a backward pass, within an evaluation."""
    events = ranks("divided", tmp_path)
    ends = [i for i, event in enumerate(events) if isinstance(event, RunPlanned)] + [len(events)]
    asked, forward, backward, judged = (events[first:last] for first, last in pairwise(ends))

    assert not halvings(asked)
    for halved in (forward, backward):
        assert [(one.step, one.micro_batch_size, one.evaluating) for one in halvings(halved)] == [
            (1, 4, False),
            (1, 2, False),
        ]
    expected = final_weights(tmp_path / "asked")
    assert_identical(final_weights(tmp_path / "forward"), expected)
    assert_identical(final_weights(tmp_path / "backward"), expected)
    assert {one.evaluating for one in halvings(judged)} == {True}
    assert min(one.micro_batch_size for one in halvings(judged)) <= 3
