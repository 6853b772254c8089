"""Runs that may be going on are noted by name, and nobody looks at those that have ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo.cli import listing
from zoo.runs import going_on
from zoo.runs.events import RunCancelled, RunFinished, RunLaunched, RunPostponed
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import RunFolder, create, delete


@pytest.fixture
def run(store: Path) -> RunFolder:
    return new_run("one")


def new_run(name: str) -> RunFolder:
    data = DataRequest(path="/data.csv")
    return create(RunRequest(name=name, verb="finetune", model="echo/echo", plugin="echo", task="t", data=data))


def noted() -> set[str]:
    return {folder.name for folder in going_on.noted()}


def test_a_run_is_noted_from_its_start_to_its_end(run: RunFolder) -> None:
    append(run, RunLaunched(attempt=1))
    other = new_run("other")
    append(other, RunPostponed(after="one"))
    assert noted() == {"one", "other"}
    append(run, RunFinished())
    append(other, RunCancelled())
    assert noted() == set()


def test_what_an_earlier_version_has_left_is_looked_at_once(run: RunFolder) -> None:
    append(run, RunFinished())
    left = new_run("left")
    left.events_path.write_bytes(b"")
    assert noted() == {"one", "left"}
    append(new_run("new"), RunLaunched(attempt=1))
    assert noted() == {"left", "new"}


def test_of_a_killed_worker_whoever_looks_takes_the_note_away(run: RunFolder) -> None:
    append(run, RunLaunched(attempt=1))
    assert listing.live() == []
    assert noted() == {"one"}  # somebody may be about to start it
    os.utime(run.path.parent.parent / going_on.FOLDER / "one", (0, 0))
    assert listing.live() == []
    assert noted() == set()


def test_a_deleted_run_is_none(run: RunFolder) -> None:
    append(run, RunLaunched(attempt=1))
    delete(run)
    assert noted() == set()
