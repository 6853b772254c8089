"""A run whose folder cannot be written: the message names the run and its folder, no file in it that nobody knows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.runs import control
from zoo.runs.events import RunCancelled, RunPostponed
from zoo.runs.log import append
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import create


@pytest.fixture
def stopped(store: Path) -> zoo.Run:
    """A run that was stopped before it had a checkpoint."""
    data = DataRequest(path="/data.csv")
    request = RunRequest(name="stopped", verb="finetune", model="echo/echo", plugin="echo", task="x", data=data)
    append(create(request), RunCancelled(step=0))
    return zoo.open_run("stopped")


def test_it_cannot_be_resumed(stopped: zoo.Run, capsys: pytest.CaptureFixture[str]) -> None:
    (stopped.folder.path / "launch.lock").mkdir()

    assert ExitCode.STORE == main(["resume", "stopped"])
    assert f"error: run stopped cannot be started: {stopped.folder.path}: " in capsys.readouterr().err


def test_it_cannot_be_asked_to_stop(stopped: zoo.Run) -> None:
    shutil.rmtree(stopped.folder.path)

    with pytest.raises(zoo.ZooError) as caught:
        control.ask_to_stop(stopped.folder)
    assert caught.value.message.startswith(f"run stopped cannot be asked to stop: {stopped.folder.path}: ")


def test_one_that_waits_cannot_be_asked_to_stop(stopped: zoo.Run) -> None:
    append(stopped.folder, RunPostponed(after="first"))
    (stopped.folder.path / "launch.lock").mkdir()

    for stop in (control.ask_to_stop, control.stop):
        with pytest.raises(zoo.ZooError) as caught:
            stop(stopped.folder)
        assert caught.value.message.startswith(f"run stopped cannot be asked to stop: {stopped.folder.path}: ")
