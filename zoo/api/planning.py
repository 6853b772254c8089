"""What a training would take, from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo import errors
from zoo.api.data_files import data_as_files
from zoo.api.dry_run import dry_run
from zoo.api.model_names import name_of_finished
from zoo.api.sources import by_role, named_sources, source_of
from zoo.catalog import Catalog
from zoo.errors import RunFailed, ZooError
from zoo.file_cache import read_once
from zoo.jobs import Job, Place
from zoo.requests import request_of
from zoo.runs.request import RunRequest
from zoo.runs.snapshot import RunSnapshot

if TYPE_CHECKING:
    from zoo.api.run import Run
    from zoo.planning import Plan

IN_MEMORY = "DATA"
"""Stands in commands for data that no file holds."""


@read_once()
def plan(
    model: str | Run,
    data: Any = None,
    *,
    pretraining: bool = False,
    within: str | float = "",
    sources: Mapping[str, Any] = {},
    task: str = "",
    eval_data: Any = None,
    input: str = "",
    label: str = "",
    target: str = "",
    columns: Mapping[str, str] = {},
    separator: str = "",
    classes: str | Path = "",
    merge_labels: bool = False,
    teacher: str | Run = "",
    device: str = "auto",
    precision: str = "auto",
    processes: int = 1,
    nodes: int = 0,
    shard: bool = False,
    on: str = "",
    requeue: bool = False,
    **options: Any,
) -> Plan:
    """Say what a training would take: memory, time, disk and bytes to fetch, measured over a few of its steps.

    A worker builds all that the training would, fetches weights that are not here, takes steps that stand for all,
    evaluates, and writes a result. Nothing of that is kept but what was fetched.

    Args:
        model: as for `finetune`.
        data: likewise, and so are all arguments that are not named here.
        pretraining: whether the model is pretrained, as by `pretrain`.
        within: how long it may take, such as `10min`; a number is seconds. The plan warns where that does not suffice.
        sources: what to learn from on one body.
        task: what the result shall do.
        eval_data: what to evaluate on.
        input: column of the inputs.
        label: column of the labels.
        target: the same, where the target is no label.
        columns: names of columns by role.
        separator: what stands between the labels of a text that holds several.
        classes: a file that says which class each value of a mask is.
        merge_labels: whether labels that look the same are one class.
        teacher: name of a model, or a run, whose answers are learnt, too.
        device: auto, cpu, cuda, cuda:N, mps or xpu.
        precision: auto, fp32, bf16 or fp16.
        processes: on each machine.
        nodes: machines of the place that share the training; as many as that says if not given.
        shard: whether the model is divided among the processes.
        on: the place that the training would be handed over to, which measures it in a job; this machine if not given.
        requeue: whether the training would go on by itself there; it stands in the command.
        **options: of the model.

    Raises:
        ZooError: whatever is found to be wrong, before the worker starts or by it.
    """
    from zoo.planning import read_duration

    within_s = read_duration(within) if within else None
    source = source_of(
        data,
        by_role(columns, input, label or target),
        separator,
        classes,
        merge_labels,
        eval_data=eval_data,
        teacher=teacher,
    )
    first, *others = named_sources(sources, source, task) or (source,)
    job = Job(
        verb="pretrain" if pretraining else "finetune",
        model=name_of_finished(model),
        task=task or ("" if others else first.task),
        source=first,
        others=tuple(others),
        place=Place(
            device=device,
            precision=precision,
            processes=processes,
            nodes=nodes,
            shard=shard,
            on=on,
            requeue=requeue,
        ),
        options=options,
        dry_run=True,
    )
    catalog = Catalog.load()
    with data_as_files(job, catalog) as (file_job, folder):
        return plan_request(request_of(file_job, catalog), catalog, folder, within_s=within_s)


def plan_request(
    request: RunRequest,
    catalog: Catalog,
    data_folder: Path | None = None,
    *,
    within_s: float | None = None,
    on_change: Callable[[RunSnapshot], None] = lambda snapshot: None,
) -> Plan:
    """The plan of a training whose request is checked.

    Args:
        request: of its dry run.
        catalog: all models.
        data_folder: files that the dry run takes into its own folder, where its data are among them.
        within_s: how long the training may take.
        on_change: told how the dry run stands.

    Raises:
        ZooError: what the dry run failed of.
    """
    from zoo.planning import bytes_to_fetch, plan_of, this_machine

    fetch_bytes, machine = bytes_to_fetch(request, catalog), this_machine(request.device)
    with dry_run(msgspec.structs.replace(request, name=""), data_folder) as trial:
        for snapshot in trial.watch():
            on_change(snapshot)
        snapshot, events = trial.snapshot, trial.events()
    if snapshot.status != "finished" or snapshot.plan is None:
        raise _failure(snapshot)
    shown = request if data_folder is None else _without_files(request)
    plan = plan_of(shown, events, machine, fetch_bytes=fetch_bytes, within_s=within_s)
    assert plan is not None
    return plan


def _failure(snapshot: RunSnapshot) -> ZooError:
    """What a dry run failed of; its log goes with it, so no hint may send anyone there."""
    kind = getattr(errors, snapshot.error_kind, None)
    if isinstance(kind, type) and issubclass(kind, ZooError):
        return kind(f"the plan came to nothing: {snapshot.error}", snapshot.hint)
    hint = "the run itself keeps a log that shows where"
    return RunFailed(f"the plan came to nothing: {snapshot.error or snapshot.status}", hint)


def _without_files(request: RunRequest) -> RunRequest:
    """The same as it is shown of data that are gone with the dry run."""
    return msgspec.structs.replace(
        request,
        data=msgspec.structs.replace(request.data, path=IN_MEMORY),
        sources=tuple(
            msgspec.structs.replace(one, data=msgspec.structs.replace(one.data, path=IN_MEMORY))
            for one in request.sources
        ),
    )
