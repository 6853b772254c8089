"""What will not do of a training, and what helps."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator

from zoo.diagnosis.finding import Remedy
from zoo.planning.commands import command_of
from zoo.planning.machine import Machine
from zoo.planning.plan import Plan, PlanWarning, Times
from zoo.planning.words import seconds
from zoo.runs import store
from zoo.runs.events import RunPlanned
from zoo.runs.request import RunRequest
from zoo.runs.trial_figures import TrialFigures
from zoo.units import size

SHOWN_RUNS = 2
"""Of those that take most room on the disk, or compute here."""
FEWER = 4
"""How many times fewer examples are computed at once where there is too little memory."""


def warnings_of(plan: Plan, request: RunRequest, planned: RunPlanned, within_s: float | None) -> Iterator[PlanWarning]:
    """Memory, disk and time that do not suffice, and others that compute here.

    Args:
        plan: so far.
        request: of the training.
        planned: what its dry run has told.
        within_s: how long it may take; None for as long as it wants.
    """
    if plan.memory is not None and not plan.memory.fits:
        yield _memory(plan, request, planned)
    if plan.disk is not None and plan.disk.needed_bytes > plan.disk.free_bytes:
        yield _disk(plan, request)
    if plan.time is not None and within_s is not None and plan.time.total_s > within_s:
        yield _time(plan, plan.time, request, planned, within_s)
    if plan.machine is not None and plan.machine.is_busy:
        what = f"{_others(plan.machine)}: it was measured beside them"
        yield PlanWarning(what=what, remedies=(Remedy("zoo ps", "lists runs of zoo that are going on"),))


def _others(machine: Machine) -> str:
    if machine.runs:
        return f"{', '.join(machine.runs[:SHOWN_RUNS])} {'compute' if len(machine.runs) > 1 else 'computes'} here, too"
    return f"other programs may compute here (load {machine.load:.1f} in the last minute)"


def _memory(plan: Plan, request: RunRequest, planned: RunPlanned) -> PlanWarning:
    assert plan.memory is not None
    of_device = bool(plan.memory.device_limit_bytes) and plan.memory.device_bytes > plan.memory.device_limit_bytes
    needed, limit = (
        (plan.memory.device_bytes, plan.memory.device_limit_bytes)
        if of_device
        else (plan.memory.worker_bytes, plan.memory.worker_limit_bytes)
    )
    remedies = []
    if planned.micro_batch_size > 1:
        fewer = max(1, planned.micro_batch_size // FEWER)
        command = command_of(request, micro_batch_size=fewer)
        remedies.append(Remedy(command, "computes fewer at once; the result is the same"))
    if request.options.get("activation_checkpointing") is False:
        command = command_of(request, activation_checkpointing=True)
        remedies.append(Remedy(command, "keeps less of each layer; the result is the same"))
    remedies += _smaller_methods(plan, request)
    what = f"memory does not suffice: {size(needed)} are needed{' of the device' if of_device else ''}"
    return PlanWarning(what=f"{what}, {size(limit)} are free", remedies=tuple(remedies))


def _disk(plan: Plan, request: RunRequest) -> PlanWarning:
    assert plan.disk is not None
    sizes = sorted(((store.size_bytes(run.path), run.name) for run in store.all_runs()), reverse=True)[:SHOWN_RUNS]
    remedies = [Remedy("zoo cache prune --older-than 30d", "frees weights that were not used for long; it asks first")]
    remedies += [
        Remedy(f"zoo rm {shlex.quote(name)}", f"frees {size(freed)}, if it is not needed") for freed, name in sizes
    ]
    if plan.folds:
        remedies.append(Remedy(command_of(request, folds=0), "trains the result alone"))
    if plan.disk.needed_bytes > plan.disk.result_bytes:
        remedies += _smaller_methods(plan, request)
    what = (
        f"the disk does not suffice: {size(plan.disk.needed_bytes)} are needed, {size(plan.disk.free_bytes)} are free"
    )
    return PlanWarning(what=what, remedies=tuple(remedies))


def _time(plan: Plan, times: Times, request: RunRequest, planned: RunPlanned, within_s: float) -> PlanWarning:
    what = f"it takes about {seconds(times.total_s)}, more than {seconds(within_s)}"
    remedies = _without_folds(plan, times, request)
    if planned.trial is not None and (steps := _steps_within(planned, planned.trial, times, within_s)):
        command = command_of(request, max_steps=steps)
        remedies.append(Remedy(command, f"takes {steps:,} of {plan.steps:,} steps, and learns less"))
    if planned.trial is not None and not planned.trial.body_s:
        remedies += [one for one in _smaller_methods(plan, request) if "--method head" in one.command]
    remedies.append(Remedy("zoo ls", "has smaller models"))
    return PlanWarning(what=what, remedies=tuple(remedies))


def _without_folds(plan: Plan, times: Times, request: RunRequest) -> list[Remedy]:
    if not plan.folds:
        return []
    alone_s = times.total_s - times.folds_s
    return [Remedy(command_of(request, folds=0), f"trains the result alone, about {seconds(alone_s)}")]


def _steps_within(planned: RunPlanned, trial: TrialFigures, times: Times, within_s: float) -> int:
    """How many steps there is time for; 0 where there is not even time to start and to end."""
    of_result = (planned.steps - 1) * trial.step_s + trial.shapes_s + trial.evaluations * trial.evaluation_s
    varying = of_result + times.folds_s
    fixed = times.total_s - varying
    return min(planned.steps - 1, math.floor((within_s - fixed) / varying * planned.steps)) if fixed < within_s else 0


def _smaller_methods(plan: Plan, request: RunRequest) -> list[Remedy]:
    """Methods that train less than this run does."""
    if "method" not in request.options or request.verb != "finetune" or request.sources:
        return []
    method = request.options["method"]
    remedies = []
    if method in ("full", "auto", None) and plan.trainable_parameters == plan.parameters:
        remedies.append(Remedy(command_of(request, method="lora"), "trains a small part, without moments of the rest"))
    if method != "head" and plan.trainable_parameters > plan.parameters // 1_000:
        remedies.append(Remedy(command_of(request, method="head"), "trains the head alone; the body is asked once"))
    return remedies
