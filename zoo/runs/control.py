"""Stopping, resuming, renaming and removing runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from zoo.errors import OptionInvalid, StoreInvalid, Unsupported, ZooError
from zoo.runs import liveness, placement, queue, sequence, status, store
from zoo.runs.events import RunCancelled
from zoo.runs.launcher import change_processes, joining_run, launch, launch_shards, launching
from zoo.runs.log import append, awaited, is_going_on, waits
from zoo.runs.placement import Placement
from zoo.runs.request import RunRequest
from zoo.runs.store import RunFolder

ASK_TIMEOUT_S = 60.0
"""How long a worker has to write a checkpoint and end after it was asked to."""
TERMINATE_TIMEOUT_S = 20.0
KILL_TIMEOUT_S = 10.0
EXIT_TIMEOUT_S = 10.0
"""How long a process may take to exit after the run's last event."""
PLACE_TIMEOUT_S = 80.0
"""How long a place may take to end a job: it gives it some time between asking and killing, a minute at most."""
POLL_S = 0.1


def ask_to_stop(folder: RunFolder) -> None:
    """Ask the worker to write a checkpoint and end, and one that waits for another run not to begin; returns at once.

    Raises:
        StoreInvalid: the run's folder cannot be written.
    """
    try:
        shards = sequence.unfinished_shards(folder)
        if not sequence.cancel_waiting(folder):  # before its shards: it is not to say that they have not finished
            folder.stop_path.touch()
        for shard in reversed(shards):  # those that wait go before the one they wait for
            if not sequence.cancel_waiting(shard):
                shard.stop_path.touch()
        _leave_queue_of_place(folder, *shards)
    except OSError as error:
        raise store.store_invalid(f"run {folder.name} cannot be asked to stop", error, folder.path) from error


def stop(folder: RunFolder, *, force: bool = False, timeout_s: float = ASK_TIMEOUT_S) -> str:
    """End a run: ask, then terminate, then kill, each with its own time.

    Args:
        folder: the run.
        force: kill at once, without a checkpoint.
        timeout_s: time the worker gets after it was asked.

    Returns:
        What it took: `not running`, `asked`, `terminated` or `killed`, and at a place `cancelled`. One that waits for
        another run has no worker; it begins by itself no more.

    Raises:
        Unsupported: it works on another machine and does not end when asked.
        ZooError: the place that it was handed over to cannot be asked to end it.
    """
    if shards := sequence.unfinished_shards(folder):
        return _stop_shards(folder, shards, force=force, timeout_s=timeout_s)
    return _stop_alone(folder, force=force, timeout_s=timeout_s)


def _stop_alone(folder: RunFolder, *, force: bool, timeout_s: float) -> str:
    """End a run, and none of those whose answers it joins; arguments and the rest as in `stop`."""
    if sequence.cancel_waiting(folder):  # first: one that is started meanwhile has a worker
        return "not running"
    if (placed := placement.recorded(folder)) is not None:
        return _stop_at_place(folder, placed, force=force, timeout_s=timeout_s)
    worker = liveness.recorded(folder)
    if worker is None or not liveness.is_alive(folder):
        _cancel_lost(folder)
        if not _end_parts(folder):
            return "not running"
        _be_cancelled(folder)
        return "cancelled"
    if not force or not liveness.is_here(worker):
        ask_to_stop(folder)
        if _wait_for_exit(folder, timeout_s):
            _end_parts(folder)  # it may not have come to those of an earlier attempt
            return "asked"
    if not liveness.is_here(worker):
        raise Unsupported(
            f"run {folder.name} works on {worker.host} and has not ended though it was asked to",
            f"it may yet; else stop it there: zoo stop {folder.name}",
        )
    outcome = _end(folder, worker, force=force)
    _be_cancelled(folder)
    _end_parts(folder)
    return outcome


def _stop_shards(folder: RunFolder, shards: Sequence[RunFolder], *, force: bool, timeout_s: float) -> str:
    """End the shards of a prediction and the run that joins them; unless by force, all are asked before any is awaited.

    Returns:
        What it took, as `stop` has it, for the first that had to be ended.
    """
    deadline = time.monotonic() + timeout_s
    outcome = "asked" if any(map(liveness.is_alive, (folder, *shards))) else "not running"
    if not force:
        ask_to_stop(folder)
        _await_at_place(shards, deadline)
    elif not sequence.cancel_waiting(folder):  # before its shards: it is not to say that they have not finished
        folder.stop_path.touch()
    cancelled = _cancel_at_place(shards)
    _await_at_place(cancelled, time.monotonic() + PLACE_TIMEOUT_S)
    for shard in cancelled:
        _be_cancelled(shard, at_place=True)
    outcomes = [
        stop(shard, force=force, timeout_s=max(0.0, deadline - time.monotonic()))
        for shard in reversed(shards)  # those that wait go before the one they wait for
        if shard not in cancelled
    ]
    if liveness.is_alive(folder):
        outcomes.append(_stop_alone(folder, force=False, timeout_s=timeout_s))  # it has no checkpoint to lose
    outcome = "cancelled" if cancelled else outcome
    return next((one for one in outcomes if one not in ("not running", "asked")), outcome)


def _await_at_place(shards: Sequence[RunFolder], deadline: float) -> None:
    """Wait for the end of those of some shards that are at a place."""
    left = [one for one in shards if placement.recorded(one) is not None]
    while left := [one for one in left if liveness.is_alive(one)]:
        if time.monotonic() > deadline:
            return
        time.sleep(POLL_S)


def _cancel_at_place(shards: Sequence[RunFolder]) -> tuple[RunFolder, ...]:
    """Let a place end all of some shards before any of them is awaited; returns those that went on there.

    Raises:
        ZooError: the place cannot be asked to end them.
    """
    at_place = {one: placed for one in shards if (placed := placement.recorded(one)) is not None}
    going_on = {
        one: placed
        for one, placed in at_place.items()
        if placement.is_declared(placed) and placement.is_alive(one, placed)
    }
    for one in going_on:
        one.stop_path.touch()
    placement.cancel(*going_on.values())
    return tuple(going_on)


def _be_cancelled(folder: RunFolder, *, at_place: bool = False) -> None:
    """Say of a run whose worker could not say its last word that somebody wanted it to end.

    Args:
        folder: the run.
        at_place: whether its place was told to end it, and may take its time.
    """
    snapshot = status.read(folder)
    if snapshot.status in ("crashed", "interrupted") or (at_place and snapshot.live):
        append(folder, RunCancelled(step=snapshot.checkpoint_step or 0))


def _end_parts(folder: RunFolder) -> bool:
    """Cancel what a run whose worker is gone has at a place, such as the trials of a sweep; returns whether it had any.

    Raises:
        ZooError: that place cannot be asked to end it.
    """
    found = [RunFolder(path.parent) for path in folder.students_folder.glob(f"*/*/{folder.placed_path.name}")]
    if not found or status.read(folder).status == "finished":
        return False
    parts = {part: placed for part in found if (placed := placement.recorded(part)) is not None}
    going_on = {part: placed for part, placed in parts.items() if placement.state_of(part, placed).phase != "ended"}
    placement.cancel(*going_on.values())
    deadline = time.monotonic() + PLACE_TIMEOUT_S
    while any(placement.state_of(part, placed).phase == "running" for part, placed in going_on.items()):
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    for part in going_on:
        placement.forget(part)
    return bool(going_on)


def _stop_at_place(folder: RunFolder, placed: Placement, *, force: bool, timeout_s: float) -> str:
    """End a run that was handed over to a place: ask its worker, then let the place end it."""
    if not placement.is_alive(folder, placed):
        return "not running"
    folder.stop_path.touch()  # whoever ends by a signal of the place knows by it that it was meant
    if not _leave_queue_of_place(folder):
        if not force and _wait_for_exit(folder, timeout_s):
            return "asked"
        _cancel_there(folder, placed, force=force)
    _wait_for_exit(folder, PLACE_TIMEOUT_S)
    _be_cancelled(folder, at_place=True)
    return "cancelled"


def _cancel_there(folder: RunFolder, placed: Placement, *, force: bool) -> None:
    """Let the place end a run; one of a place that is declared no more is given up by force.

    A worker that is there nevertheless ends when it finds no `worker.json` to touch.
    """
    if placement.is_declared(placed):
        placement.cancel(placed)
    elif force:
        placement.forget(folder)
    else:
        raise OptionInvalid(
            f"run {folder.name} was handed over to place {placed.place}, which is declared no more",
            f"declare it again, or give the run up: zoo stop --force {folder.name}",
        )


def _leave_queue_of_place(*folders: RunFolder) -> bool:
    """Take runs out of the queue of their place, where they wait for their turn; returns whether one did."""
    at_place = {one: placed for one in folders if (placed := placement.recorded(one)) is not None}
    waiting = {one: placed for one, placed in at_place.items() if placement.state_of(one, placed).phase == "waiting"}
    placement.cancel(*waiting.values())
    for one in waiting:
        append(one, RunCancelled(step=status.read(one).checkpoint_step or 0))
    return bool(waiting)


def _cancel_lost(folder: RunFolder) -> None:
    """Let a run keep its place no more that waited for its turn when the machine went down."""
    if status.read(folder).status != "queued":
        return
    with launching(folder):
        if not liveness.is_alive(folder) and status.read(folder).status == "queued":
            append(folder, RunCancelled())


def _end(folder: RunFolder, worker: liveness.WorkerProcess, *, force: bool) -> str:
    """Terminate a worker, kill it if that does not end it; returns what it took."""
    if not force:
        _signal_tree(worker, kill=False)
        if _wait_for_exit(folder, TERMINATE_TIMEOUT_S):
            return "terminated"
    _signal_tree(worker, kill=True)
    _wait_for_exit(folder, KILL_TIMEOUT_S)
    return "killed"


def resume(folder: RunFolder, *, now: bool = False, processes: int | None = None) -> None:
    """Start a worker that goes on from the last checkpoint; where it needs an accelerator, behind those in its queue.

    Of a run that has finished, those are started that wait for it.

    Args:
        folder: the run.
        now: do not wait for them; a run that waits already is started.
        processes: how many share a training from now on; None for as many as before.

    Raises:
        Unsupported: the run is still going, has finished or waits for another one, or there are not as many devices.
    """
    place = queue.place_of(folder) if now else None
    if place and place.number and processes is None:
        with launching(folder):
            queue.enter(folder, now=True)
        return
    if shards := sequence.unfinished_shards(folder):
        _resume_shards(folder, shards, now=now)
        return
    _going_on(folder)  # waits for the exit of a worker that has said its last word; launch refuses any other
    if processes is not None:
        change_processes(folder, processes)
    if not sequence.wait_again(folder) and not sequence.begin_followers(folder):
        launch(folder, now=now)


def _resume_shards(folder: RunFolder, shards: Sequence[RunFolder], *, now: bool) -> None:
    """Go on with the shards that nobody is at, and let the run that joins them wait again."""
    goes_on, going_on = _will_go_on(folder), {shard for shard in shards if _will_go_on(shard)}
    idle = [
        one for one in shards if one not in going_on and status.read(one).status != "finished"
    ]  # it may have by now
    if goes_on and not idle:
        raise Unsupported(f"run {folder.name} waits for its shards, which go on", f"watch it: zoo attach {folder.name}")
    if any(shard.request.place for shard in shards):
        launch_shards(folder, idle)
        if not _will_go_on(folder):  # asked anew: it may have given up while they were handed over
            launch(folder, now=now)
        return
    for shard in idle:
        if not _will_go_on(shard):  # those that wait for one before do so again by now
            resume(shard, now=now)
    if not waits(folder):
        sequence.wait_again(folder)


def remove(*folders: RunFolder) -> None:
    """Delete runs and their results, those first that wait for others of them.

    Raises:
        Unsupported: one is still going, or others wait for its result.
        StoreInvalid: a folder cannot be written.
    """
    requests = {folder: _request_of(folder) for folder in folders}
    sequence.check_not_awaited([folder for folder, one in requests.items() if one is None or not one.dry_run])
    for folder in sorted(folders, key=lambda folder: one.created_at if (one := requests[folder]) else 0, reverse=True):
        sequence.cancel_waiting(folder)
        if _going_on(folder):
            raise Unsupported(f"run {folder.name} is still going", f"stop it first: zoo stop {folder.name}")
        with contextlib.suppress(ZooError):  # what nobody can be asked about must be removable, too
            _end_parts(folder)
        store.delete(folder)


def _request_of(folder: RunFolder) -> RunRequest | None:
    """What a run was asked to do; None where it cannot be read, which must be removable, too."""
    try:
        return folder.request
    except StoreInvalid:
        return None


def rename(folder: RunFolder, name: str) -> RunFolder:
    """Call a run, and the model that came of it, by another name.

    Raises:
        Unsupported: the run is still going.
        OptionInvalid: the name is not one, or is taken.
    """
    store.check_new_name(name)
    _check_no_shards(folder)
    before = awaited(folder)
    is_waiting = sequence.cancel_waiting(folder)  # nobody is to start it under its old name meanwhile
    renamed = folder
    try:
        if _going_on(folder):
            raise Unsupported(f"run {folder.name} is still going", f"stop it first: zoo stop {folder.name}")
        waiting = sequence.followers(folder)
        renamed = store.rename(folder, name)
        sequence.follow_renamed(renamed, waiting, folder.name)
    finally:
        if is_waiting and before is not None:
            sequence.postpone(renamed, before)
    return renamed


def _check_no_shards(folder: RunFolder) -> None:
    """Refuse a new name for one of the runs that know each other by their names until they have finished."""
    joining = folder if folder.request.joins else joining_run(folder)
    if joining is not None and status.read(joining).status != "finished":
        raise Unsupported(
            f"run {folder.name} is part of a prediction in shards that has not finished",
            f"rename it when run {joining.name} has finished",
        )


def _going_on(folder: RunFolder) -> bool:
    """Whether a worker is at the run; one that has said its last word is waited for."""
    if status.read(folder).live:
        return liveness.is_alive(folder)
    return not _wait_for_exit(folder, EXIT_TIMEOUT_S)


def _will_go_on(folder: RunFolder) -> bool:
    """The same, and of one that waits for another run, whether that goes on."""
    return is_going_on(folder) if waits(folder) else _going_on(folder)


def _wait_for_exit(folder: RunFolder, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while liveness.is_alive(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _signal_tree(worker: liveness.WorkerProcess, *, kill: bool) -> None:
    """Signal the worker; a kill takes its child processes along, which could not outlive it usefully."""
    import psutil

    try:
        process = worker.process()
        if process is None:
            return
        processes = [*process.children(recursive=True), process] if kill else [process]
        for one in processes:
            one.kill() if kill else one.terminate()
    except psutil.NoSuchProcess:
        return
