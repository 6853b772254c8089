"""Runs that are stopped, killed and gone on with."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psutil

import zoo
from zoo.runs.events import AnyEvent, CheckpointSaved, RunCancelled, RunStarted, StepCompleted
from zoo.testing.subject import DEADLINE_S, StartRun, Subject

STOP_LIMIT_S = 10.0
WRITTEN_BY_HOST = ("zoo.json", "README.md")
"""They name the run that the result came from; all other files are the plugin's, and may not differ."""


class Interruption(Subject):
    """A run half-way."""

    def test_a_run_stops_within_seconds(self, train: StartRun) -> None:
        self.need("steps")
        run = train(name="stopped")
        wait_for(run, lambda event: isinstance(event, StepCompleted))
        began = time.monotonic()
        run.stop()

        assert time.monotonic() - began < STOP_LIMIT_S, "fit looks at run.should_stop() too seldom"
        last = run.events()[-1]
        assert isinstance(last, RunCancelled), f"it should have been cancelled, but ended as {run.status}"

    def test_a_killed_run_resumes_to_the_same_result(self, train: StartRun, trained_run: zoo.Run) -> None:
        self.need("steps")
        last_step = max(event.step for event in trained_run.events() if isinstance(event, StepCompleted))
        run = train(name="killed", save_steps=max(1, last_step // 10))
        wait_for(run, lambda event: isinstance(event, CheckpointSaved))
        kill(run)
        assert run.status == "crashed", "it had ended before it could be killed; give it more to do in `options`"
        checkpoint_step = max(event.step for event in run.events() if isinstance(event, CheckpointSaved))
        before = len(run.events())
        run.resume().wait(timeout_s=DEADLINE_S, progress=False)

        steps = [event.step for event in run.events()[before:] if isinstance(event, StepCompleted)]
        assert min(steps) > checkpoint_step, "it began anew instead of going on from its newest checkpoint"
        assert digests(run.folder.model_folder) == digests(trained_run.folder.model_folder), (
            "on a CPU a resumed run gives the bits of one that was never interrupted; "
            "keep all that the next step depends on in the checkpoint: random numbers, optimizer, order of the data"
        )


def wait_for(run: zoo.Run, happened: Callable[[AnyEvent], bool]) -> None:
    """Wait until something has happened in a run."""
    deadline = time.monotonic() + DEADLINE_S
    while not any(happened(event) for event in run.events()):
        assert run.snapshot.live or run.status == "created", f"the run ended early: {run.status}\n{run.logs()}"
        assert time.monotonic() < deadline, f"it did not happen within {DEADLINE_S:.0f} s"
        time.sleep(0.01)


def kill(run: zoo.Run) -> None:
    """End the worker as a power cut would (SIGKILL), and wait until it is gone."""
    pid = next(event.pid for event in reversed(run.events()) if isinstance(event, RunStarted))
    try:
        worker = psutil.Process(pid)
        worker.kill()
        worker.wait(DEADLINE_S)
    except psutil.NoSuchProcess:
        return


def digests(folder: Path) -> dict[str, str]:
    """Sha256 of every file of a result."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in WRITTEN_BY_HOST
    }
