"""From what a dry run has told to a plan."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from zoo.card import Card
from zoo.catalog import Catalog, local_weights
from zoo.disk import free_bytes
from zoo.paths import runs_folder
from zoo.planning.advice import warnings_of
from zoo.planning.commands import command_of
from zoo.planning.folds import disk_with_folds, folds_s
from zoo.planning.machine import Machine
from zoo.planning.plan import Disk, Memory, Plan, Times
from zoo.runs.events import AnyEvent, RunLaunched, RunPlanned, RunStarted, WeightsFetched
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import fold
from zoo.runs.trial_figures import TrialFigures
from zoo.tasks import get_task

KEPT = 2
"""Checkpoints that are kept; a third is there while it is written."""


def bytes_to_fetch(request: RunRequest, catalog: Catalog) -> int | None:
    """Bytes of weights that are not on this machine; None where one of them does not say how many it has.

    Args:
        request: of the training, whose teachers are asked, too.
        catalog: all models.
    """
    teachers = [one.teacher.model for one in request.sources or (request,) if one.teacher]
    cards = [card for card in catalog.cards if card.full_name in (request.model, *teachers)]
    sizes = [_missing(card) for card in cards]
    return None if None in sizes else sum(one or 0 for one in sizes)


def _missing(card: Card) -> int | None:
    if card.weights is None or local_weights(card) is not None:
        return 0
    return card.weights.size_bytes


def plan_of(
    request: RunRequest,
    events: Sequence[AnyEvent],
    machine: Machine,
    *,
    fetch_bytes: int | None = 0,
    within_s: float | None = None,
) -> Plan | None:
    """What a training takes; None where its dry run has not told yet what it would do.

    Args:
        request: of the training.
        events: of its dry run, so far.
        machine: this one, before it began.
        fetch_bytes: of weights that were not here.
        within_s: how long it may take.
    """
    snapshot = fold(events)
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    planned = snapshot.plan
    if planned is None:
        return None
    plan = Plan(
        command=command_of(request),
        model=request.model,
        task=request.task,
        device=request.device,
        precision=request.precision,
        processes=request.processes,
        nodes=request.nodes,
        place=request.place,
        processor=started.processor if started else "",
        train_rows=snapshot.train_rows,
        eval_rows=snapshot.eval_rows,
        rejected_rows=snapshot.rejected_rows,
        steps=planned.steps,
        epochs=planned.epochs,
        batch_size=planned.batch_size,
        parameters=planned.parameters,
        trainable_parameters=planned.trainable_parameters,
        folds=request.options.get("folds") or 0,
        fetch_bytes=fetch_bytes,
        machine=None if request.place else machine,
        remarks=(*snapshot.warnings, *snapshot.notes),
    )
    if planned.trial is None:
        return plan
    times = _times(request, events, planned, planned.trial)
    of_folds = folds_s(plan.folds, planned.trial, plan.train_rows, plan.eval_rows)
    plan = msgspec.structs.replace(
        plan,
        measured_steps=planned.trial.measured_steps,
        time=msgspec.structs.replace(times, total_s=times.total_s + of_folds, folds_s=of_folds),
        memory=_memory(request, planned, planned.trial),
        disk=disk_with_folds(plan.folds, _disk(planned.trial, planned.trial.saves(planned.steps))),
    )
    return msgspec.structs.replace(plan, warnings=tuple(warnings_of(plan, request, planned, within_s)))


def _times(request: RunRequest, events: Sequence[AnyEvent], planned: RunPlanned, trial: TrialFigures) -> Times:
    """What it takes."""
    start_s, looking_s = _start_s(request, events), 0.0
    if trial.evaluations and get_task(request.task).has_mistakes:
        looking_s = trial.result_s + trial.evaluation_s  # the result is loaded, and asked about what is held out
    return Times(
        start_s=start_s,
        first_step_s=start_s + trial.first_s,
        epoch_s=trial.epoch_steps * trial.step_s,
        evaluation_s=trial.evaluation_s,
        evaluations=trial.evaluations,
        end_s=trial.result_s + looking_s,
        total_s=start_s + trial.training_s(planned.steps) + looking_s,
    )


def _start_s(request: RunRequest, events: Sequence[AnyEvent]) -> float:
    """From the launch of the dry run, at a place from its turn, until it knew its plan, but for what it fetched."""
    first = RunStarted if request.place else RunLaunched | RunStarted
    number = next(number for number, event in enumerate(events) if isinstance(event, RunPlanned))
    planned = events[number].at
    began = [event.at for event in events[:number] if isinstance(event, first)][-1 if request.place else 0]
    fetched = [event for event in events if isinstance(event, WeightsFetched)]
    fetching_s = fetched[-1].at - fetched[0].at if fetched else 0.0
    return planned - began - fetching_s


def _memory(request: RunRequest, planned: RunPlanned, trial: TrialFigures) -> Memory:
    on_cpu = request.device == "cpu"
    return Memory(
        worker_bytes=trial.worker_bytes,
        worker_limit_bytes=trial.worker_limit_bytes,
        device_bytes=0 if on_cpu else planned.memory_bytes,
        device_limit_bytes=0 if on_cpu else planned.memory_limit_bytes,
    )


def _disk(trial: TrialFigures, saves: int) -> Disk:
    """What is there while a checkpoint, the best weights or the result are written, whichever is most."""
    kept, best = min(saves, KEPT) * trial.checkpoint_bytes, min(trial.evaluations, 1) * trial.best_bytes
    saving = kept + (trial.checkpoint_bytes if saves > KEPT else 0) + best
    judging = kept + min(trial.evaluations, 2) * trial.best_bytes
    return Disk(
        checkpoints=saves,
        checkpoint_bytes=trial.checkpoint_bytes,
        best_bytes=best,
        result_bytes=trial.result_bytes,
        needed_bytes=max(saving, judging, kept + best + trial.writing_bytes),
        free_bytes=free_bytes(runs_folder()),
    )
