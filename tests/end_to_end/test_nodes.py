"""Machines that share a training learn what as many processes of one do, end together, and go on to the same bits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.echo_runs import held_after, until
from tests.namespaces import Wire, two_namespaces
from tests.node_commands import new_run, start_nodes
from tests.slurm_cluster import Cluster, attempts, job_of
from zoo.places.node import NODE_LOST
from zoo.places.table import path
from zoo.runs.events import EvaluationCompleted, RunRequeued, RunStarted, StepCompleted

pytest.importorskip("zoo_bert")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("shared_store"),
    pytest.mark.skipif(sys.platform == "win32", reason="torch's gloo for several machines is tried on Linux"),
]

OPTIONS: dict[str, Any] = {
    "batch_size": 7,
    "micro_batch_size": 2,
    "max_steps": 8,
    "eval_steps": 3,
    "save_steps": 2,
    "max_tokens": 16,
    "lr": 3e-3,
}
TWO_NODES: dict[str, Any] = {"nodes": 2, "shard": True}
IMPORTS_S = 150.0
"""How long two workers and what brings them together may take to import torch."""
Lonely = tuple[zoo.Run, subprocess.Popen[Any]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ["a", "red", "blue", "green", "fox", "cow", "runs", "sleeps", "eats", "jumps", "well", "here"]
    texts = [" ".join(words[(i * k) % len(words)] for k in range(1, 3 + i % 5)) for i in range(40)]
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    rows = [f"{text},{'odd' if i % 2 else 'even'}" for i, text in enumerate(texts)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def lonely(data: Path, shared_store: Path) -> Iterator[Lonely]:
    """A run of which the second machine never comes; the first waits for it beside what others do."""
    run = new_run(data, OPTIONS, **TWO_NODES)
    (first,) = start_nodes(run.folder, 0, join_s=6)
    yield run, first
    first.wait()


@pytest.fixture(scope="module")
def shared(data: Path, lonely: Lonely) -> zoo.Run:
    """A run that two machines have shared."""
    run = new_run(data, OPTIONS, **TWO_NODES)
    assert [0, 0] == [node.wait() for node in start_nodes(run.folder, 0, 1)], log_of(run)
    return run


def test_two_nodes_learn_what_two_processes_of_one_machine_do(data: Path, shared: zoo.Run) -> None:
    one = zoo.finetune("bert-tiny", data, processes=2, shard=True, device="cpu", precision="fp32", **OPTIONS).wait(
        progress=False
    )

    assert "finished" == shared.status
    assert [2] == [event.processes for event in shared.events() if isinstance(event, RunStarted)]
    assert evaluations(one).keys() == evaluations(shared).keys()
    for step, metrics in evaluations(one).items():
        assert metrics == pytest.approx(evaluations(shared)[step], rel=1e-5)
    assert one.metrics == pytest.approx(shared.metrics, rel=1e-5)
    assert first_loss(one) == pytest.approx(first_loss(shared), rel=1e-5)


def test_too_few_nodes_are_not_waited_for_for_ever(lonely: Lonely) -> None:
    run, first = lonely

    assert NODE_LOST == first.wait()
    assert "interrupted" == run.status
    assert "2 nodes were asked for, but 1 came within 6 s; node 2 did not" == run.snapshot.error


@pytest.mark.timeout(900)  # what it waits for on a slow machine, one after the other
def test_two_nodes_of_a_slurm_cluster_go_on_by_themselves_to_the_same(
    data: Path, shared: zoo.Run, slurm: Cluster, store: Path
) -> None:
    (store / "places.toml").write_text("[slurm]\ntime = 60\nwarn = 180\nrequeue = true\n")
    with ExitStack() as afterwards:
        with held_after(2) as held:
            run = on_cluster(data)
            until(held.exists, seconds=IMPORTS_S)
            afterwards.enter_context(slurm.spare())
            afterwards.enter_context(slurm.without("n2", is_told=True))
            until(lambda: "PENDING" in slurm.ask("squeue", "-h", "-j", job_of(run), "-o", "%T"))
            held.unlink()
            slurm.begin_at_once(job_of(run))  # on the two that are left
            until(held.exists, seconds=IMPORTS_S)
            slurm.end_soon(job_of(run))
            until(run.folder.interrupt_path.exists, seconds=120)
            held.unlink()
            until(lambda: is_requeued(run, attempt=2))
        assert "queued" == run.status
        slurm.begin_at_once(job_of(run))
        run.wait(progress=False)
        until(lambda: slurm.ended(job_of(run)))

    assert [2] * 3 == [event.processes for event in run.events() if isinstance(event, RunStarted)]
    assert [None, 2] == attempts(run)[:2]
    assert attempts(run)[2] in (4, 5)
    assert first_loss(run) == pytest.approx(first_loss(shared), rel=1e-5)
    for step, metrics in evaluations(run).items():
        assert metrics == pytest.approx(evaluations(shared)[step], rel=1e-5)
    assert weights(shared) == weights(run)


@pytest.mark.timeout(900)
def test_two_nodes_of_a_slurm_cluster_are_stopped_and_cancelled_and_resumed_to_the_same_bits(
    data: Path, shared: zoo.Run, slurm: Cluster
) -> None:
    with held_after(2) as held:
        run = on_cluster(data)
        until(held.exists, seconds=IMPORTS_S)
        run.stop()
        assert "cancelled" == run.status
        held.unlink()
        run.resume()
        until(held.exists, seconds=IMPORTS_S)
        slurm.ask("scancel", job_of(run))  # which kills what does not end by itself
        until(lambda: run.status == "interrupted")
    assert f"zoo resume {run.name}" in run.snapshot.hint
    run.resume().wait(progress=False)

    first, second, third = attempts(run)
    assert first is None
    assert second in (4, 5)
    assert third == second
    assert weights(shared) == weights(run)


def test_two_nodes_without_the_plugin_say_so(data: Path, slurm: Cluster, store: Path) -> None:
    (store / "places.toml").write_text('[slurm]\nsetup = "export ZOO_PLUGINS=echo"\n')
    run = on_cluster(data)
    until(lambda: run.status == "failed", seconds=IMPORTS_S)

    assert "there is no plugin 'bert' at place slurm" in run.snapshot.error  # of whichever process was the first


def is_requeued(run: zoo.Run, attempt: int) -> bool:
    """Whether an attempt at a run has said that its place begins it again."""
    return any(isinstance(event, RunRequeued) and event.attempt == attempt for event in run.events())


def on_cluster(data: Path) -> zoo.Run:
    """A fine-tuning that is handed over to both nodes."""
    return zoo.finetune("bert-tiny", data, on="slurm", **TWO_NODES, device="cpu", precision="fp32", **OPTIONS)


def evaluations(run: zoo.Run) -> dict[int, dict[str, float]]:
    """By their steps; each is of all steps before."""
    return {event.step: event.metrics for event in run.events() if isinstance(event, EvaluationCompleted)}


def first_loss(run: zoo.Run) -> float:
    return next(event.loss for event in run.events() if isinstance(event, StepCompleted))


def weights(run: zoo.Run) -> bytes:
    return (run.folder.model_folder / "model.safetensors").read_bytes()


def log_of(run: zoo.Run) -> str:
    return run.folder.log_path.read_text(errors="replace")


@pytest.fixture
def wire(shared_store: Path) -> Iterator[Wire]:
    """Two machines with addresses of their own, declared as a place."""
    with two_namespaces() as wire:
        path().write_text(
            f"""[pair]
kind = "hosts"
hosts = "{", ".join(wire.names)}"
command = "ip netns exec {{host}} {{command}}"
meeting = "{wire.address}"
lost = 8
"""
        )
        yield wire


def test_a_machine_that_is_cut_off_interrupts_the_run_which_goes_on_by_itself(
    data: Path, shared: zoo.Run, wire: Wire
) -> None:
    with held_after(2) as held:
        run = zoo.finetune(
            "bert-tiny",
            data,
            on="pair",
            **TWO_NODES,
            requeue=True,
            device="cpu",
            precision="fp32",
            **OPTIONS,
        )
        until(held.exists, seconds=IMPORTS_S)
        wire.cut()
        until(lambda: "node 2" in log_of(run) and "is gone" in log_of(run))
    wire.mend()
    run.wait(progress=False)

    assert "finished" == run.status, log_of(run)
    assert [None, 2] == attempts(run)
    assert weights(shared) == weights(run)
