"""A run as it is now: what its log says, and whether its worker is still there."""

from __future__ import annotations

import msgspec

from zoo.disk import free_bytes, full_disk, megabytes
from zoo.runs import placement, ranks
from zoo.runs.liveness import is_alive, is_here, recorded, went_down_since
from zoo.runs.log import read_events
from zoo.runs.oom import kills_since
from zoo.runs.placement import Placement
from zoo.runs.snapshot import RunSnapshot, apply, fold
from zoo.runs.store import RunFolder

FULL_BYTES = 100_000
"""A disk with less room than this takes no event of a run any more."""


def read(folder: RunFolder) -> RunSnapshot:
    """Fold the log; a run that did not end and whose worker is gone has failed if a process noted why, else crashed."""
    alive = is_alive(folder)  # looked at first: a worker that ends in between has written its last event by then
    events, _ = read_events(folder)
    return judge(fold(events), folder, alive=alive)


def judge(snapshot: RunSnapshot, folder: RunFolder, *, alive: bool) -> RunSnapshot:
    """What a snapshot amounts to when the worker is, or is not, there: if it is gone, a process may have noted why.

    One that waited for its turn when the machine went down waits still: see `zoo.runs.launcher.start_lost`.
    """
    if alive and snapshot.at_place and snapshot.status in ("running", "interrupted") and _is_requeued(folder):
        snapshot = msgspec.structs.replace(snapshot, status="queued", error="", hint="")
    if alive or not snapshot.live:
        return explained(snapshot, folder)
    if (placed := placement.recorded(folder)) is not None:
        return _ended_at_place(snapshot, folder, placed)
    if snapshot.status == "queued" and (worker := recorded(folder)) and went_down_since(worker):
        return snapshot
    if failure := ranks.first_failure(folder, snapshot.attempt):
        return apply(snapshot, failure)
    error, hint = _cause_of_crash(snapshot, folder)
    return msgspec.structs.replace(
        snapshot, status="crashed", place=None, behind="", error=snapshot.error or error, hint=hint
    )


def explained(snapshot: RunSnapshot, folder: RunFolder) -> RunSnapshot:
    """The same with the reason why its place lets the run wait, where it does."""
    if snapshot.status != "queued" or not snapshot.at_place or (placed := placement.recorded(folder)) is None:
        return snapshot
    state = placement.state_of(folder, placed)
    return msgspec.structs.replace(snapshot, waits_there=state.reason if state.phase == "waiting" else "")


def _is_requeued(folder: RunFolder) -> bool:
    """Whether the place of a run has put it back into its queue, though the worker could not say so."""
    placed = placement.recorded(folder)
    return placed is not None and placement.is_waiting(folder, placed)


def _ended_at_place(snapshot: RunSnapshot, folder: RunFolder, placed: Placement) -> RunSnapshot:
    """What became of a run whose worker did not say its last word at the place that it was handed over to."""
    if failure := ranks.first_failure(folder, snapshot.attempt):
        return apply(snapshot, failure)
    state = placement.state_of(folder, placed)
    what, resume = f"its job {placed.job} at place {placed.place}", f"zoo resume {folder.name}"
    if state.interrupted:
        ended = f"place {placed.place} ended it ({state.word}): {state.reason}"
        return msgspec.structs.replace(
            snapshot, status="interrupted", error=ended, hint=f"{resume} goes on from its last checkpoint"
        )
    none_has_begun = snapshot.status == "queued" and snapshot.checkpoint_step is None  # a requeued one has computed
    if none_has_begun and (trouble := placement.trouble(folder, placed)):
        error, hint = trouble
        return msgspec.structs.replace(snapshot, status="failed", error_kind="Unsupported", error=error, hint=hint)
    words = f"{what} has ended without a word" + (f" ({state.word}: {state.reason})" if state.word else "")
    hint = f"zoo logs {folder.name} shows what it printed last; {resume} goes on from its last checkpoint"
    if none_has_begun:
        seen = "whether what is written there is seen here"
        hint = f"no worker has begun: zoo places check {placed.place} looks {seen}, and for other causes"
    return msgspec.structs.replace(snapshot, status="crashed", error=snapshot.error or words, hint=hint)


def _cause_of_crash(snapshot: RunSnapshot, folder: RunFolder) -> tuple[str, str]:
    """What is known of a worker that is gone, and what to do."""
    worker = recorded(folder)
    resume = f"zoo resume {folder.name}"
    if worker is not None and is_here(worker):
        if kills := kills_since(worker.oom_kills):
            memory = f", which held {megabytes(snapshot.memory_bytes)}," if snapshot.memory_bytes else ""
            return (
                f"the worker{memory} is gone without a word; since it started, the system has killed {kills} "
                f"process{'es' if kills > 1 else ''} for lack of memory, most likely this one",
                f"close what else needs memory and {resume}, or start anew with a smaller --micro-batch-size, which "
                "changes no result",
            )
        if free_bytes(folder.path) < FULL_BYTES:
            return f"the worker is gone without a word, and {full_disk([folder.path])}", f"make room, then {resume}"
    if snapshot.status == "queued":
        return "the worker was gone before its turn had come", f"{resume} puts the run at the end of the queue"
    return (
        "the worker is gone without a word",
        f"zoo logs {folder.name} shows what it printed last; {resume} goes on from its last checkpoint",
    )
