"""Fixtures for runs of the torch-free plugin, in real worker processes; `tests/conftest.py` gives them to all tests."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import zoo
from zoo.runs import liveness
from zoo.runs.events import RunStarted

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
        until(lambda: not liveness.is_alive(run.folder))  # its worker ends after the last event
    return run.folder.path


@pytest.fixture
def words(echo: None, finished_run: Path, store: Path) -> str:
    """The name of a model that has learnt from those rows, for tests of what it can do."""
    shutil.copytree(finished_run, store / "runs" / "words")
    return "words"


def until(condition: Callable[[], bool], seconds: float = DEADLINE_S) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def wait_quietly(run: zoo.Run) -> zoo.Run:
    """Wait for the end of a run, however it ends."""
    until(lambda: not run.snapshot.live and run.status != "created")
    return run


HOLD = """
import os, pathlib, sys, time

held, let_go = pathlib.Path({held!r}), pathlib.Path({let_go!r})
been_held = []

def is_beyond(step, target, run):
    number, folder = target.name.removeprefix("step-"), target.parent.parent
    is_checkpoint = target.parent.name == "checkpoints" and number.isdecimal() and int(number) > step
    return is_checkpoint and run in ("", folder.name)

def is_asked_to_stop(event, args):
    return event == "os.rename" and (path_of(args[1]).parent.parent / "stop").exists()

def path_of(argument):
    return pathlib.Path(os.fsdecode(argument)) if isinstance(argument, (str, bytes, os.PathLike)) else pathlib.Path()

def hold(event, args):
    if event not in ("os.rename", "open") or been_held:
        return
    been_held.append(event)  # what the condition opens itself is none of it
    if {condition}:
        held.touch()
        while held.exists() and not let_go.exists() and not is_asked_to_stop(event, args):
            time.sleep(0.02)
    else:
        been_held.clear()

sys.addaudithook(hold)
"""


@contextmanager
def held_after(step: int, run: str = "") -> Iterator[Path]:
    """Workers that start within stand still once they have a checkpoint of that step.

    They do so as long as that file is there and nobody asks them to stop. So a run is stopped, killed or looked at
    half-way on any machine, however fast the worker and however late the test.

    Args:
        step: of the checkpoint.
        run: name of the only one that stands still; all do if not given, one after the other for the same file.
    """
    with held_when(f'event == "os.rename" and is_beyond({step}, path_of(args[1]), {run!r})') as held:
        yield held


@contextmanager
def held_when(condition: str) -> Iterator[Path]:
    """Workers that start within stand still once, before they do what a condition says, as long as that file is there.

    Args:
        condition: Python, of the audit events `os.rename` and `open`: `event` and its `args`.
    """
    site = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, site, ignore_errors=True)  # not before: a worker may start late, and imports it then
    held, let_go = site / "held", site / "let-go"
    hold = HOLD.format(condition=condition, held=str(held), let_go=str(let_go))
    (site / "sitecustomize.py").write_text(hold, encoding="utf-8")
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
            yield held
    finally:
        let_go.touch()


def killed_after(start: Callable[[], zoo.Run], *, step: int) -> zoo.Run:
    """A run whose worker was killed (SIGKILL) after the checkpoint of that step, within the next one."""
    with held_after(step) as held:
        run = start()
        until(held.exists)
        kill_worker(run)
    assert wait_quietly(run).status == "crashed"
    return run


def kill_worker(run: zoo.Run) -> None:
    """Kill the worker of a run (SIGKILL)."""
    worker = liveness.recorded(run.folder)
    assert worker is not None
    psutil.Process(worker.pid).kill()


def stopped_after(start: Callable[[], zoo.Run], *, step: int) -> zoo.Run:
    """A run that was stopped after the checkpoint of that step, within the next one."""
    with held_after(step) as held:
        run = start()
        until(held.exists)
        run.stop()
    assert wait_quietly(run).status == "cancelled"
    return run


def kill_and_resume(start: Callable[[], zoo.Run], *, step: int) -> zoo.Run:
    """A run that was killed after the checkpoint of that step, and then went on to its end."""
    run = killed_after(start, step=step)
    run.resume().wait(progress=False)
    started = [event for event in run.events() if isinstance(event, RunStarted)]
    assert started[-1].resumed_from_step == step
    return run
