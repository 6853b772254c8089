"""One stage of a trial in a process of its own, at a place: `python -m zoo.runs.sweeping.trial SWEEP TRIAL STAGE ROWS`.

What is known of the stage in the end lies in its folder, which the worker of the sweep looks into: the candidate, or
why there is none. It begins again from the newest checkpoint.
"""

from __future__ import annotations

import signal
import sys
import traceback
from functools import partial
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.allocator import keep_freed_memory
from zoo.file_cache import read_once, release
from zoo.options import parse
from zoo.runs import liveness
from zoo.runs.attempt import Worker
from zoo.runs.baseline import ignore
from zoo.runs.checkpoints import newest_step
from zoo.runs.events import AnyEvent
from zoo.runs.log import append
from zoo.runs.picking.entrant import ALL_ROWS, Entrant, Plan
from zoo.runs.picking.scoring import Scoring
from zoo.runs.picking.stages import judged
from zoo.runs.request import RunRequest
from zoo.runs.shrinking.measuring import Stopped, check_stop, reason_of
from zoo.runs.store import RunFolder
from zoo.runs.sweeping.rows import load_rows, task_of
from zoo.sweep_options import SweepOptions

LOCK_TIMEOUT_S = 60.0
"""How long one that was cancelled, or was taken to be gone, may take to end."""
FAILED = "failed.json"
"""In the folder of a stage: why it came to nothing."""
REQUEUED = "requeued.json"
"""There, too: the steps of its checkpoints when its place began it again last."""


class TrialWorker(Worker):
    """The worker of a sweep as a trial elsewhere sees it: it speaks in the folder of its stage alone.

    Args:
        folder: of the sweep, or of the stage where rows are read.
        request: of the sweep.
        sweep: its folder.
        stage: the folder of the stage.
    """

    def __init__(self, folder: RunFolder, request: RunRequest, sweep: RunFolder, stage: RunFolder) -> None:
        super().__init__(folder, request, rank=0, world_size=1)
        self._sweep, self._stage = sweep, stage

    def should_stop(self) -> bool:
        """Whether the sweep is asked to stop, or the place is about to end this."""
        return self.signalled or self._sweep.stop_path.exists() or self._stage.interrupt_path.exists()

    def emit(self, event: AnyEvent) -> None:
        """Append to the log of the stage."""
        append(self._stage, event)


def main(argv: list[str]) -> int:
    """Do one stage of one trial; 0 when it is judged or was stopped, 1 when it failed."""
    keep_freed_memory()
    sweep, name, stage, number = RunFolder(Path(argv[0]).absolute()), argv[1], argv[2], int(argv[3])
    folder = stage_folder(sweep, name, stage)
    lock = liveness.claim(folder, timeout_s=LOCK_TIMEOUT_S)
    if lock is None:
        print(f"another process is at trial {name}: {stage}", file=sys.stderr)  # noqa: T201  (the log is the place)
        return 1
    with lock:
        return _learn(sweep, folder, name, stage, number)


def _learn(sweep: RunFolder, folder: RunFolder, name: str, stage: str, number: int) -> int:
    request = sweep.request
    trial = next(one for one in request.students if one.name == name)
    folder.interrupt_path.unlink(missing_ok=True)  # it is begun again
    worker = TrialWorker(sweep, request, sweep, folder)
    for each in ("SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, each), worker.on_signal)
    try:
        with read_once(worker.known_files()):
            task = task_of(request)
            rows = load_rows(TrialWorker(folder, request, sweep, folder), task)
            release()
            options = parse(SweepOptions, request.sweeping)
            check = partial(check_stop, worker.should_stop)
            scoring = Scoring(task, rows.data.labels, options.metric, check, ignore)
            entrant = Entrant(worker, trial, task, rows)
            plan = Plan() if stage == ALL_ROWS else entrant.passes()
            judged(entrant, stage, number, plan, rows, scoring)
    except Stopped:
        return _stopped(sweep, folder, requeue=trial.training.requeue)
    except Exception as error:  # a plugin may raise anything
        traceback.print_exc()
        atomic.write_bytes(folder.path / FAILED, msgspec.json.encode(reason_of(error)))
        return 1
    return 0


def _stopped(sweep: RunFolder, folder: RunFolder, *, requeue: bool) -> int:
    """Leave word of a trial that was stopped: to its place whether it is begun again, to the sweep why it is not."""
    interrupted = folder.interrupt_path.exists() and not sweep.stop_path.exists()
    if interrupted and requeue and _comes_further(folder):
        return 0
    folder.interrupt_path.unlink(missing_ok=True)
    if interrupted:
        over = "its time at the place was over, as before, with no checkpoint in between; give it more"
        other = "its time at the place was over; give it more, or --requeue"
        reason = f"{over if requeue else other}; zoo resume goes on from its checkpoint"
        atomic.write_bytes(folder.path / FAILED, msgspec.json.encode(reason))
    return 0


def _comes_further(folder: RunFolder) -> bool:
    """Whether a trial has come further than when its place began it again last; what it has come to is noted down."""
    steps = [newest_step(one) or 0 for one in sorted(folder.path.parent.glob("*/checkpoints"))]
    path = folder.path / REQUEUED
    before = msgspec.json.decode(path.read_bytes(), type=list[int]) if path.exists() else None
    atomic.write_bytes(path, msgspec.json.encode(steps))
    return steps != before


def stage_folder(sweep: RunFolder, name: str, stage: str) -> RunFolder:
    """Where a stage of a trial says how it went."""
    return RunFolder(sweep.students_folder / name / stage.replace("/", "-").replace(" ", "-"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
