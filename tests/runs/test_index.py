"""The index of all runs: the same as each run's own snapshot, at little cost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from tests.echo_runs import held_after, stopped_after, until, wait_quietly
from zoo.api.dry_run import dry_run
from zoo.jobs import Job, Place
from zoo.requests import request_of
from zoo.runs import going_on
from zoo.runs.index import RunIndex, RunSummary
from zoo.runs.store import RunFolder
from zoo.sources import Source

Finetune = Callable[..., zoo.Run]


def only(index: RunIndex) -> RunSummary:
    index.refresh()
    (summary,) = index.summaries
    return summary


@pytest.mark.slow
def test_a_run_is_followed_from_its_beginning_to_its_end(finetune: Finetune) -> None:
    index = RunIndex()
    assert index.summaries == ()
    with held_after(1):
        run = finetune(name="one")
        until(lambda: only(index).status == "running")
    until(lambda: only(index).status == "finished")
    summary, snapshot = only(index), run.snapshot
    assert (summary.model, summary.verb, summary.step) == ("echo/echo", "finetune", snapshot.step)
    assert summary.metrics == snapshot.metrics
    assert not index.refresh(), "nothing has happened since"


@pytest.mark.slow
def test_ended_runs_are_read_as_their_snapshots_say(finetune: Finetune) -> None:
    finetune(name="good").wait(progress=False)
    wait_quietly(finetune(name="bad", fail_at=3))
    stopped_after(lambda: finetune(name="stopped"), step=2)
    index = RunIndex()
    assert index.refresh()
    for summary in index.summaries:
        snapshot = zoo.open_run(summary.name).snapshot
        assert (summary.status, summary.error) == (snapshot.status, snapshot.error)
    assert [summary.name for summary in index.summaries] == ["stopped", "bad", "good"]


def test_a_killed_worker_is_a_crash(finetune: Finetune) -> None:
    import psutil

    from zoo.runs import liveness

    with held_after(1) as held:
        run = finetune(name="gone")
        until(held.exists)
        index = RunIndex()
        assert only(index).status == "running"
        worker = liveness.recorded(run.folder)
        assert worker is not None
        psutil.Process(worker.pid).kill()
    until(lambda: only(index).status == "crashed")


def test_the_newest_are_read_first_and_those_that_may_go_on_before_them(words: str, store: Path) -> None:
    folder = store / "runs"
    for number in range(6):
        shutil.copytree(folder / words, folder / f"run-{number}")
        os.utime(folder / f"run-{number}" / "run.json", (number, number))
    os.utime(folder / words / "run.json", (9, 9))
    going_on.add(RunFolder(folder / "run-0"), lambda run: True)
    index = RunIndex(portion=2)
    assert index.refresh()
    assert {"run-0", words} == {one.name for one in index.summaries}
    assert not index.is_complete
    assert index.refresh()
    assert {"run-0", words, "run-5", "run-4"} == {one.name for one in index.summaries}
    zoo.open_run("run-1").remove()
    while not index.is_complete:
        assert index.refresh()
    assert index.summaries == whole_index().summaries
    assert 6 == len(index.summaries)
    assert not index.refresh()


def whole_index() -> RunIndex:
    index = RunIndex()
    index.refresh()
    return index


def test_runs_that_come_go_and_change_their_names_are_noticed(words: str) -> None:
    index = RunIndex()
    assert only(index).name == words
    zoo.open_run(words).rename("second")
    assert only(index).name == "second"
    zoo.open_run("second").remove()
    assert index.refresh()
    assert index.summaries == ()


@pytest.mark.slow
def test_a_resumed_run_is_noticed(finetune: Finetune) -> None:
    run = stopped_after(lambda: finetune(name="again"), step=2)
    index = RunIndex()
    assert only(index).status == "cancelled"
    run.resume().wait(progress=False)
    until(lambda: only(index).status == "finished")


def test_folders_that_are_no_runs_are_passed_over(words: str, store: Path) -> None:
    (store / "runs" / "empty").mkdir()
    (store / "runs" / "stray.txt").touch()
    shutil.copytree(store / "runs" / words, store / "runs" / "damaged")
    (store / "runs" / "damaged" / "run.json").write_text("{")
    assert only(RunIndex()).name == words


@pytest.mark.slow
def test_a_dry_run_is_none_of_the_runs(echo: None, rows: Path) -> None:
    index = RunIndex()
    request = request_of(
        Job(
            verb="finetune",
            model="echo",
            source=Source(data=rows),
            place=Place(device="cpu", precision="fp32"),
            dry_run=True,
        )
    )
    with dry_run(request) as run:
        wait_quietly(run)
        assert run.snapshot.plan is not None
        index.refresh()
        assert index.summaries == ()
        assert run.folder.path.exists()
    assert not run.folder.path.exists()
