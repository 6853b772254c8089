"""Runs that ended badly: for lack of memory or room, with a loss that is no number, or with an error of their own."""

from __future__ import annotations

import shlex

from zoo.diagnosis.finding import Finding, Remedy, facts
from zoo.diagnosis.record import Record
from zoo.memory import says_out_of_memory
from zoo.runs.events import CheckpointSaved, EvaluationCompleted, MicroBatchHalved, RunStarted, StepCompleted
from zoo.runs.request import TRAINING
from zoo.runs.store import all_runs, size_bytes
from zoo.units import size

SHOWN_RUNS = 3
"""Of those that take most room on the disk."""
_MEMORY_KINDS = ("OutOfMemoryError", "MemoryError")
_SAYING_OF_KILLS = "for lack of memory"
"""What a view says of a worker that the system has killed."""
_DONE = (RunStarted, StepCompleted, EvaluationCompleted, CheckpointSaved)
"""Events by which a run has gone on."""
_SAYINGS_OF_DISKS = ("is full", "is used up", "No space left on device", "Disk quota exceeded")


def out_of_memory(record: Record) -> Finding | None:
    """Memory ran out, of the device or of the machine."""
    error, snapshot = record.error, record.snapshot
    killed = _SAYING_OF_KILLS in error
    said = next(filter(says_out_of_memory, (error, *record.last_printed)), "")
    died_of_it = snapshot.status == "crashed" and _ran_out_last(record)
    if not (killed or snapshot.error_kind in _MEMORY_KINDS or said or died_of_it):
        return None
    plan = snapshot.plan
    what = "the system killed the worker, as memory ran out" if killed else "memory ran out"
    if plan is None and record.request.verb in TRAINING:
        what += " before the first step: what is loaded takes more than there is"
    halved = [event.micro_batch_size for event in record.events if isinstance(event, MicroBatchHalved)]
    computed_at_once = halved[-1] if halved else plan.micro_batch_size if plan else None
    remedies = []
    if record.request.verb in TRAINING and (plan or halved):
        if computed_at_once is None or computed_at_once > 1:
            fewer = max(1, (computed_at_once or 8) // 4)
            remedies.append(
                Remedy(record.again("--micro-batch-size", str(fewer)), "computes fewer at once; the result is the same")
            )
        options = record.request.options
        if options.get("activation_checkpointing") is False:
            remedies.append(
                Remedy(record.again("--activation-checkpointing"), "keeps less of each layer; the result is the same")
            )
        if options.get("method") in ("full", None) and "method" in options:
            remedies.append(
                Remedy(record.again("--method", "lora"), "trains a small part, without moments of the rest")
            )
        if killed:
            remedies.append(Remedy(f"zoo resume {record.name}", "goes on once other programs are closed"))
    else:
        remedies.append(Remedy("zoo devices", "says how much memory is free where: close what else needs it"))
    return Finding(
        rule="out-of-memory",
        what=what,
        evidence=facts(
            error=error,
            the_step_before_it_was_gone="ran out of memory" if died_of_it else None,
            printed_last=said if said != error else None,
            computed_at_once=computed_at_once,
            memory_in_use=size(snapshot.memory_bytes) if snapshot.memory_bytes else None,
            memory_there_was=size(plan.memory_limit_bytes) if plan and plan.memory_limit_bytes else None,
            parameters_that_are_trained=f"{plan.trainable_parameters:,}" if plan else None,
        ),
        remedies=tuple(remedies),
    )


def _ran_out_last(record: Record) -> bool:
    """Whether the last that is known of its work is that something ran out of memory, and was not done after all."""
    of_work = [event for event in record.events if isinstance(event, (MicroBatchHalved, *_DONE))]
    return bool(of_work) and isinstance(of_work[-1], MicroBatchHalved)


def disk_full(record: Record) -> Finding | None:
    """A disk has no room left."""
    if not any(saying in record.error for saying in _SAYINGS_OF_DISKS):
        return None
    others = [folder for folder in all_runs() if folder.name != record.name]
    sizes = sorted(((size_bytes(folder.path), folder.name) for folder in others), reverse=True)[:SHOWN_RUNS]
    remedies = [Remedy("zoo cache prune", "frees weights that were not used for long; it asks first")]
    remedies += [
        Remedy(f"zoo rm {shlex.quote(name)}", f"frees {size(bytes_)}, if it is not needed") for bytes_, name in sizes
    ]
    return Finding(
        rule="disk-full",
        what="a disk is full",
        evidence=facts(error=record.error, the_run_itself_takes=size(size_bytes(record.folder.path))),
        remedies=(*remedies, Remedy(f"zoo resume {shlex.quote(record.name)}", "goes on from the last checkpoint")),
    )


def failed(record: Record) -> Finding | None:
    """Whatever else ended a run."""
    snapshot = record.snapshot
    if not record.ended_badly:
        return None
    remedies = [Remedy(f"zoo logs {record.name}", "shows what happened, and all that the worker printed")]
    if snapshot.status in ("crashed", "interrupted") or snapshot.checkpoint_step:
        remedies.append(
            Remedy(f"zoo resume {record.name}", "goes on from the last checkpoint, once the cause is mended")
        )
    return Finding(
        rule="error",
        what=f"the run {'was' if snapshot.status == 'interrupted' else 'has'} {snapshot.status}",
        evidence=facts(
            error=snapshot.error, kind=snapshot.error_kind, advice=snapshot.hint, step=snapshot.step or None
        ),
        remedies=tuple(remedies),
    )
