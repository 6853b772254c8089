"""The worker: `python -m zoo.runs.worker RUN_FOLDER` does one attempt at one run.

It survives the terminal that started it. Whatever happens, the last event of the attempt is exactly one of
RunFinished, RunFailed, RunCancelled, and where it was handed over to a place RunInterrupted or RunRequeued; only a kill
prevents that, and liveness shows it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from zoo.allocator import keep_freed_memory
from zoo.devices import computing_threads, cpu_model
from zoo.disk import error_path, full_disk, is_full
from zoo.errors import RunCancelled as RunCancelledError
from zoo.errors import RunFailed as RunFailedError
from zoo.errors import UnknownPlugin, ZooError
from zoo.file_cache import read_once
from zoo.memory import is_out_of_memory
from zoo.paths import cache_folder
from zoo.places.node import LAUNCHER, is_lost_connection, local_world_size
from zoo.runs import kept_parts, liveness, placement, queue, ranks, sequence
from zoo.runs.attempt import Worker
from zoo.runs.checkpoints import NOISE_FILE, newest_step
from zoo.runs.events import (
    TERMINAL,
    AnyEvent,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunInterrupted,
    RunQueued,
    RunRequeued,
    RunStarted,
    Warned,
)
from zoo.runs.launcher import launching, own_environment
from zoo.runs.log import last_event, read_events
from zoo.runs.request import TRAINING, RunRequest, RunVerb
from zoo.runs.snapshot import fold
from zoo.runs.store import RunFolder
from zoo.runs.versions import handed_over_with, other_versions
from zoo.sanitize import error_text

NICENESS = 1
"""Alone a run loses nothing by it, and whatever a person does meanwhile is answered without a hiccup.

More of it starves a training beside programs that keep all cores busy:
its threads wait for one another, each for its turn.
"""
LAUNCHER_POLL_S = 1.0
ORPHANED = 1
"""Parent of a process whose own has ended: torch's launcher may be killed while its workers import what they need."""
QUEUE_POLL_S = 0.25
"""Between two looks of the run that is next; one further back looks less often, by its place."""
LONGEST_QUEUE_POLL_S = 2.0
HANDING_OVER_S = 600.0
"""How long whoever hands over the shards of a prediction may take, until the first of them begins all the same."""
LOCK_TIMEOUT_S = 30.0
"""How long a resumed run waits for its killed predecessor to be gone for good."""
_JOBS: Mapping[RunVerb, str] = {
    "pretrain": "zoo.runs.training_job:train",
    "finetune": "zoo.runs.training_job:train",
    "federate": "zoo.runs.federated_job:federate",
    "evaluate": "zoo.runs.evaluation_job:evaluate",
    "audit": "zoo.runs.auditing.job:audit",
    "inspect": "zoo.runs.inspecting.job:inspect_labels",
    "curve": "zoo.runs.data_curve:measure_data_curve",
    "shrink": "zoo.runs.shrinking.job:shrink",
    "pick": "zoo.runs.picking.job:pick",
    "sweep": "zoo.runs.sweeping.job:sweep",
    "predict": "zoo.runs.prediction_job:predict",
}
_SERVING, _JOINING = "zoo.runs.site_jobs:serve", "zoo.runs.site_jobs:join"
_JOINING_SHARDS = "zoo.runs.shard_joining:join"


def main(argv: list[str]) -> int:
    """Work on a run; 0 when it finished or was cancelled, 1 when it failed."""
    launcher = _launcher()
    keep_freed_memory()
    folder, environment = RunFolder(Path(argv[0]).absolute()), dict(os.environ)
    if hasattr(os, "nice"):
        os.nice(max(0, NICENESS - os.nice(0)))  # a worker that another one has started is so nice already
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    worker = Worker(folder, folder.request, rank, world_size)
    if world_size > 1:
        threading.Thread(target=_end_with_launcher, args=(launcher,), daemon=True).start()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), worker.on_signal)
    if rank != 0:
        return _attempt(worker)
    if worker.request.place and worker.request.joined_by:
        _await_handing_over(worker)
    lock = liveness.claim(folder, timeout_s=LOCK_TIMEOUT_S if worker.attempt > 1 else 0.0)
    if lock is None:
        print(f"another worker is at run {folder.name}", file=sys.stderr)  # noqa: T201  (the log is the place)
        return 1
    with lock:
        if fold(read_events(folder)[0]).status == "finished":  # by the one that had the lock before
            print(f"run {folder.name} has finished", file=sys.stderr)  # noqa: T201  (the log is the place)
            return 1
        liveness.record(folder, os.getpid() if world_size == 1 else os.getppid())
        threading.Thread(target=_beat, args=(worker,), daemon=True).start()
        code = _attempt(worker)
        if worker.request.place:
            _leave_place(worker)
    os.environ.clear()
    os.environ.update(environment)  # what libraries have set meanwhile is nothing to another worker
    alone = own_environment()
    os.environ.clear()
    os.environ.update(alone)  # nor that this one was one of several: a place takes variables along
    if worker.request.verb in TRAINING or worker.request.joined_by:
        sequence.begin_followers(folder)
    return code


def _await_handing_over(worker: Worker) -> None:
    """Wait until it is written down: all shards are handed over at once, and the first may begin before."""
    until = time.monotonic() + HANDING_OVER_S
    with (
        contextlib.suppress(ZooError),
        launching(worker.folder, lambda: worker.should_stop() or time.monotonic() > until),
    ):
        pass


def _attempt(worker: Worker) -> int:
    last = _outcome(worker)
    if worker.rank == 0:
        last = _over_all_processes(worker, last)
    if last is None:
        return 1
    if worker.rank == 0:
        worker.emit(last)
        if isinstance(last, RunFinished):
            (worker.folder.checkpoints_folder / NOISE_FILE).unlink(missing_ok=True)
            kept_parts.forget(worker.folder)
    elif isinstance(last, RunFailed):
        ranks.record_failure(worker.folder, worker.rank, worker.attempt, last)
    return int(isinstance(last, RunFailed))


def _outcome(worker: Worker) -> AnyEvent | None:
    """Do the work; whatever it raises becomes the event that ends the attempt.

    Returns:
        None where another machine is out of reach: what became of it `zoo.runs.node_worker` says.
    """
    try:
        _wait_for_turn(worker)
        with read_once(worker.known_files()):
            last = _work(worker)
        return worker.stopped(last.step) if isinstance(last, RunCancelled) else last
    except RunCancelledError:
        return worker.stopped(newest_step(worker.folder.checkpoints_folder) or 0)
    except ZooError as error:
        traceback.print_exc()
        hint = _make_room(worker) if is_full(error) else error.hint
        if worker.request.place and isinstance(error, UnknownPlugin):
            where = f"{error.message} at place {worker.request.place}"
            hint = f"install it there; zoo places check {worker.request.place} compares both sides"
            return RunFailed(kind=type(error).__name__, message=where, hint=hint)
        return RunFailed(kind=type(error).__name__, message=error.message, hint=hint)
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # a plugin may raise anything; the log has it all
        traceback.print_exc()
        if worker.request.nodes > 1 and is_lost_connection(error):
            words = f"{type(error).__name__}: {error_text(error)}"
            ranks.record_lost_connection(worker.folder, worker.rank, worker.attempt, words)
            return None
        return _unexpected(error, worker)


def _wait_for_turn(worker: Worker) -> None:
    """Wait until the run may use its accelerator; little is imported by then, and nothing is loaded.

    Raises:
        RunCancelledError: the run was asked to stop meanwhile.
    """
    folder, request, reported = worker.folder, worker.request, None
    if not queue.devices_of(request):
        return
    turn = queue.take_turn if worker.rank == 0 else queue.place_of
    while (place := turn(folder)) is None or place.number:
        if worker.should_stop():
            raise RunCancelledError(f"run {folder.name} was stopped before its turn had come", "")
        if place is None and worker.rank == 0:  # whoever started the worker may be about to do it
            queue.enter(folder)
        elif place is not None and place != reported:
            worker.emit(
                RunQueued(attempt=worker.attempt, device=request.device, place=place.number, behind=place.behind)
            )
            reported = place
        time.sleep(min(LONGEST_QUEUE_POLL_S, QUEUE_POLL_S * (place.number if place else 1)))


def _over_all_processes(worker: Worker, last: AnyEvent | None) -> AnyEvent | None:
    """What another process failed of, where that came first: it is the cause of what the first process saw."""
    failure = None if isinstance(last, RunFinished) else ranks.first_failure(worker.folder, worker.attempt)
    if failure is None or (isinstance(last, RunFailed) and last.at <= failure.at):
        return last
    return RunFailed(kind=failure.kind, message=failure.message, hint=failure.hint)


def _work(worker: Worker) -> AnyEvent:
    request = worker.request
    worker.emit(
        RunStarted(
            attempt=worker.attempt,
            pid=os.getpid(),
            processes=worker.world_size,
            device=request.device,
            precision=request.precision,
            resumed_from_step=newest_step(worker.folder.checkpoints_folder),
            processor=cpu_model(),
            threads=computing_threads(local_world_size(worker.world_size)),
        )
    )
    if request.place and (others := tuple(other_versions(handed_over_with() or request.versions))):
        mend = f"zoo places check {request.place} compares both sides"
        worker.emit(Warned(message=f"at place {request.place} {', '.join(others)}: figures may differ; {mend}"))
    if worker.world_size != request.world_size:
        raise RunFailedError(f"{request.world_size} processes were asked for, but {worker.world_size} came up")
    return _job_of(request)(worker)


def _job_of(request: RunRequest) -> Callable[[Worker], AnyEvent]:
    """What does the work of a run; only that is imported."""
    job = _JOINING_SHARDS if request.joins else _JOBS[request.verb]
    if request.federation is not None:
        job = _SERVING if request.federation.serving else _JOINING if request.federation.joining else job
    module, _, name = job.partition(":")
    return cast("Callable[[Worker], AnyEvent]", getattr(importlib.import_module(module), name))


def _unexpected(error: BaseException, worker: Worker) -> RunFailed:
    message = error_text(error)
    hint = f"zoo logs {worker.folder.name} shows where"
    if is_out_of_memory(error):
        hint = "use a smaller --micro-batch-size; the result stays the same"
    if is_full(error):
        return RunFailed(kind="StoreInvalid", message=_full_disk(error, worker), hint=_make_room(worker))
    return RunFailed(kind=type(error).__name__, message=f"{type(error).__name__}: {message}", hint=hint)


def _full_disk(error: BaseException, worker: Worker) -> str:
    """What is full: the error names it, or it is one of the places that a run writes to."""
    if path := error_path(error):
        return full_disk([path])
    out = [Path(worker.request.out).parent] if worker.request.out else []
    return full_disk([worker.folder.path, *out, cache_folder(), Path(tempfile.gettempdir())])


def _make_room(worker: Worker) -> str:
    return f"make room, then zoo resume {worker.folder.name}"


def _leave_place(worker: Worker) -> None:
    """Let the place know whether the run is to be begun again there, and views that the worker is gone."""
    last = last_event(worker.folder)
    if not isinstance(last, RunRequeued):
        worker.folder.interrupt_path.unlink(missing_ok=True)
    if isinstance(last, (*TERMINAL, RunRequeued)):  # else another machine is gone, and the place knows what is done
        # a scheduler that ended it may begin it again by itself
        placement.sign_off(worker.folder, again=isinstance(last, RunRequeued | RunInterrupted))


def _launcher() -> int:
    """The process that is torch's launcher; 0 where it is gone already."""
    if told := os.environ.pop(LAUNCHER, ""):  # in a container it may be the first of all processes
        return int(told)
    parent = os.getppid()
    return 0 if parent == ORPHANED else parent


def _end_with_launcher(launcher: int) -> None:
    """End at once where torch's launcher was killed: nobody else would end a worker that waits for others in vain.

    Each has a session of its own, which a scheduler need not know of.
    """
    while os.getppid() == launcher:
        time.sleep(LAUNCHER_POLL_S)
    os._exit(1)


def _beat(worker: Worker) -> None:
    """Show that the worker is there; one whose folder was deleted from under it has nothing left to work for."""
    while True:
        time.sleep(liveness.HEARTBEAT_S)
        try:
            liveness.beat(worker.folder)
        except FileNotFoundError:
            worker.signalled = True
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
