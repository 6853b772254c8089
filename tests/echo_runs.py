"""Fixtures for runs of the torch-free plugin, in real worker processes; `tests/conftest.py` gives them to all tests."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from zoo.runs import liveness
from zoo.runs.events import CheckpointSaved, RunStarted

DEADLINE_S = 60.0


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the echo plugin is there, for this test and its worker processes."""
    monkeypatch.setenv("ZOO_PLUGINS", "echo")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Forty labelled rows that are easy to tell apart."""
    return write_rows(tmp_path / "rows.csv")


def write_rows(path: Path) -> Path:
    lines = [f"good fine {i},positive\nbad awful {i},negative" for i in range(20)]
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def finetune(echo: None, rows: Path) -> Callable[..., zoo.Run]:
    """Start a fine-tuning run of the echo model."""

    def start(**arguments: Any) -> zoo.Run:
        return zoo.finetune("echo", arguments.pop("data", rows), device="cpu", precision="fp32", **arguments)

    return start


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the echo model on those rows, trained once for all tests."""
    home = tmp_path_factory.mktemp("finished-run")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ZOO_HOME", str(home))
        environment.setenv("ZOO_PLUGINS", "echo")
        data = write_rows(home / "rows.csv")
        run = zoo.finetune("echo", data, name="words", device="cpu", precision="fp32").wait(progress=False)
    return run.folder.path


@pytest.fixture
def words(echo: None, finished_run: Path, store: Path) -> str:
    """The name of a model that has learnt from those rows, for tests of what it can do."""
    shutil.copytree(finished_run, store / "runs" / "words")
    return "words"


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def wait_quietly(run: zoo.Run) -> zoo.Run:
    """Wait for the end of a run, however it ends."""
    until(lambda: not run.snapshot.live and run.status != "created")
    return run


def kill_and_resume(run: zoo.Run, *, step: int) -> None:
    """Kill the worker of a run once it has a checkpoint of that step or a later one, and let it go on to its end."""
    until(lambda: any(isinstance(event, CheckpointSaved) and event.step >= step for event in run.events()))
    worker = liveness.recorded(run.folder)
    assert worker is not None
    psutil.Process(worker.pid).kill()
    wait_quietly(run)
    assert run.status == "crashed"
    run.resume().wait(progress=False)
    started = [event for event in run.events() if isinstance(event, RunStarted)]
    assert started[-1].resumed_from_step is not None
