"""From a job, as a person asks for it, to a request that a worker can carry out.

Everything cheap is checked here, before a run exists.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from zoo.abilities import offering_models
from zoo.card import Ability, Card
from zoo.catalog import Catalog, result_of_head
from zoo.data import Dataset
from zoo.devices import choose, devices_elsewhere, first_device, place_name
from zoo.errors import OptionInvalid
from zoo.file_cache import read_once
from zoo.fold_check import check_folds
from zoo.job_checks import ResolvedJob, check_data, check_rows_to_shrink_by, check_training_data, resolve
from zoo.jobs import BESIDE, NODES, ON, PROCESSES, REQUEUE, SHARD, Job, in_plain_types
from zoo.kept_heads import beside_added, beside_kept, left_behind
from zoo.model_choice import choose_model, new_head
from zoo.options import Options, changed, read, to_dict
from zoo.places.kinds import HERE
from zoo.places.table import DeclaredPlace, declared_place
from zoo.planned_results import is_planned
from zoo.plugins import load_plugin, wrapping_plugins
from zoo.privacy import check_private_job, is_private
from zoo.row_range import RowRange
from zoo.runs import queue, store
from zoo.runs.private_rows import learnt_privately
from zoo.runs.request import RunRequest, SourceRequest, StudentRequest
from zoo.runs.versions import relevant_versions
from zoo.shrink_options import PRUNED
from zoo.sources import choose_sources, options_of_sources
from zoo.students import check_unchanged, student_jobs
from zoo.tasks import get_task
from zoo.teachers import find_teacher, split_options, with_taught_task


class CheckedJob(NamedTuple):
    """A job that a worker can carry out."""

    request: RunRequest
    dataset: Dataset | None
    """The data of a training or an evaluation."""
    shards: tuple[RowRange, ...] = ()
    """What the runs answer that divide the rows of a batch prediction; none where one answers all."""


def request_of(job: Job, catalog: Catalog | None = None) -> RunRequest:
    """Check a job and make the request of its run; arguments and errors as in `check_job`."""
    return check_job(job, catalog).request


@read_once()
def check_job(job: Job, catalog: Catalog | None = None) -> CheckedJob:
    """Check a job, its data included.

    Args:
        job: what is asked for.
        catalog: all models, where they are loaded already.

    Raises:
        ZooError: the model, its options, the data, the output or the device cannot serve.
    """
    catalog = catalog or Catalog.load()
    job = in_plain_types(job)
    return _check_joint(job, catalog) if job.others else _check_single(job, catalog)


def _check_single(job: Job, catalog: Catalog) -> CheckedJob:
    """Check a job with one source."""
    source = job.source
    choice = choose_model(
        catalog,
        job.model,
        job.verb,
        job.task or source.task,
        source.data,
        source.columns,
        source.separator,
        [source.name] if source.name else (),
    )
    resolved = resolve(job, choice.card, catalog)
    card, ability, options = choice.card, resolved.ability, resolved.options
    kept = beside_kept(choice, options)
    checked = check_data(resolved)
    placed = setting(job, card, catalog, (ability,), (options,))
    reasons = (choice.reason, resolved.reason, *left_behind(choice, job.verb, options))
    request = RunRequest(
        verb=job.verb,
        task=ability.task,
        task_reason="; ".join(filter(None, reasons)),
        data=checked.data,
        options=dict(to_dict(options)),
        shrinking=dict(to_dict(resolved.shrinking)) if job.verb == "shrink" else {},
        auditing=dict(to_dict(resolved.auditing)) if job.verb == "audit" else {},
        own_rows=checked.own_rows,
        students=_students(resolved, placed["device"]),
        changed_options=changed(options),
        teacher=checked.teacher,
        new_heads=choice.is_new,
        **kept,
        out=checked.out,
        format=job.format,
        keep=checked.keep,
        draw=checked.draw,
        by=job.by,
        calibrate=job.calibrate,
        **placed,
    )
    if job.verb == "shrink" and checked.dataset is not None:  # last: what is wrong with the job itself is told first
        check_rows_to_shrink_by(resolved, len(checked.dataset.examples))
    return CheckedJob(request, checked.dataset, checked.shards)


def _students(resolved: ResolvedJob, device: str) -> tuple[StudentRequest, ...]:
    """The trainings of smaller networks, each checked as any other; none where nothing is made smaller."""
    job, card, shrinking, catalog = resolved.job, resolved.card, resolved.shrinking, resolved.catalog
    if job.verb != "shrink":
        return ()
    job = msgspec.structs.replace(job, place=msgspec.structs.replace(job.place, device=device))
    students = []
    for name, training in student_jobs(job, card, resolved.ability.task, shrinking, catalog):
        request = request_of(training, catalog)
        check_unchanged(request, card, shrinking)
        share = shrinking.prune if name == PRUNED else 0.0
        students.append(StudentRequest(name=name, training=request, prune=share))
    return tuple(students)


def setting(
    job: Job, card: Card, catalog: Catalog, abilities: Sequence[Ability], options: Sequence[Options]
) -> dict[str, Any]:
    """What a request says of a job beside what it is about: its name, its model, where it computes."""
    check_name(job.name, catalog.cards)
    processes = cast("int", read(PROCESSES, job.place.processes))
    supported = tuple(name for name in abilities[0].precisions if all(name in one.precisions for one in abilities))
    if place_name(job.place.precision) == "auto" and any(map(is_private, options)):
        supported = tuple(name for name in supported if name != "fp16")  # its losses are scaled
    place = _place_of(job)
    nodes = _nodes_of(job, place)
    world_size = processes * nodes
    settled = (place_name(job.place.device), place_name(job.place.precision)) == ("cpu", "fp32")
    devices = devices_elsewhere(place.settings.gpus) if place and not settled else None
    placement = choose(
        job.place.device,
        job.place.precision,
        supported=supported,
        devices=devices,
        users={} if place else queue.lengths(),
        preferred=abilities[0].preferred_precision,
    )
    for ability in abilities:
        ability.check_precision(placement.precision)
    check_folds(job, [ability.task for ability in abilities], options, world_size)
    check_private_job(options, card.name, card.weights is not None, job.source.teacher, world_size, placement.precision)
    device = first_device(placement.device, processes, place_name(job.place.device), devices)
    shard = bool(read(SHARD, job.place.shard))
    if shard and world_size == 1:
        raise OptionInvalid(
            "--shard divides a model among several processes, and --processes is 1",
            "use --processes N, with as many as there are devices; or leave --shard out",
        )
    return {
        "name": job.name,
        "model": card.full_name,
        "plugin": card.plugin,
        "wrappers": tuple(name for name in wrapping_plugins() if name != card.plugin),
        "device": device,
        "precision": placement.precision,
        "device_reason": placement.reason,
        "requested_device": place_name(job.place.device),
        "requested_precision": place_name(job.place.precision),
        "processes": processes,
        "nodes": nodes,
        "shard": shard,
        "place": place.name if place else "",
        "requeue": bool(place and (place.settings.requeue or read(REQUEUE, job.place.requeue))),
        "dry_run": job.dry_run,
        "created_at": time.time(),
        "weights_digest": card.weights.digest if card.weights and not is_planned(card) else "",
        "private_before": _is_private_before(job, card, catalog),
        "versions": relevant_versions(load_plugin(card.plugin).distribution),
    }


def _place_of(job: Job) -> DeclaredPlace | None:
    """The place that a job is handed over to; None for this machine.

    Raises:
        OptionInvalid: there is none of that name, or nothing is handed over that could be requeued.
    """
    name = cast("str", read(ON, job.place.on))
    if name not in ("", HERE):
        return declared_place(name)
    if read(REQUEUE, job.place.requeue):
        raise OptionInvalid(
            "--requeue is for runs that are handed over to a place, and this one runs here",
            "name the place with --on, or leave --requeue out",
        )
    return None


def _nodes_of(job: Job, place: DeclaredPlace | None) -> int:
    """Machines that share a job: those that are asked for, or that its place says; all but trainings have one.

    Raises:
        OptionInvalid: there is one machine only, or nothing that several could share.
    """
    nodes = cast("int", read(NODES, job.place.nodes))
    if job.verb not in ("pretrain", "finetune"):
        return 1
    if nodes > 1 and place is None:
        raise OptionInvalid(
            f"--nodes is {nodes}, and this run is on this machine alone",
            "name a place that has several: --on PLACE (zoo places lists them); --processes shares the cores here",
        )
    return nodes or (place.settings.nodes if place else 1)


def _is_private_before(job: Job, card: Card, catalog: Catalog) -> bool:
    """Whether the model, or a teacher, learnt privately; `beginning_from` says it of one whose run is not made yet."""
    models = [catalog.resolve(source.teacher) for source in (job.source, *job.others) if source.teacher]
    if not is_planned(card) or store.maker_of(card.name).request_path.exists():
        models.append(card)
    return any(map(learnt_privately, models))


def _check_joint(job: Job, catalog: Catalog) -> CheckedJob:
    """Check a training from several sources."""
    choice = choose_model(catalog, job.model, job.verb, sources=[one.name for one in (job.source, *job.others)])
    is_head = bool(result_of_head(choice.card))
    card = new_head(choice.card) if is_head else choice.card  # each source has a head of its own
    sources = [with_taught_task(source, card, catalog) for source in (job.source, *job.others)]
    choices = choose_sources(card, sources)
    mixing, options = options_of_sources(card, choices, split_options(job.options)[1], beside=BESIDE)
    if mixing.baseline_scratch and card.weights is None:
        raise OptionInvalid(
            f"--baseline-scratch would hold {card.name}, which begins from random numbers, against itself",
            "--baseline says what sharing bought",
        )
    kept, remarks = beside_added(choice, options), left_behind(choice, job.verb, *options)
    taught = any(source.teacher for source in sources)
    requests: list[SourceRequest] = []
    for (source, verb, ability, reason), of_source in zip(choices, options, strict=True):
        task = get_task(ability.task).divided_at(source.separator).named_by(str(source.classes))
        teacher = find_teacher(source.teacher, catalog, job.options if source.teacher or not taught else {})
        with offering_models(card, verb, catalog):
            checked = check_training_data(source, card, task, teacher)
        requests.append(
            SourceRequest(
                name=source.name,
                verb=verb,
                task=ability.task,
                task_reason="; ".join(filter(None, (reason, *(() if requests else remarks)))),
                data=checked.data,
                weight=source.weight,
                options=dict(to_dict(of_source)),
                teacher=checked.teacher,
            )
        )
    first = next((one for one in requests if one.verb == "finetune"), requests[0])
    request = RunRequest(
        verb=first.verb,
        task=first.task,
        data=first.data,
        options=first.options,
        sources=tuple(requests),
        mixing=dict(to_dict(mixing)),
        new_heads=is_head,
        **kept,
        changed_options={name: value for one in (mixing, *options) for name, value in changed(one).items()},
        **setting(job, card, catalog, [choice.ability for choice in choices], options),
    )
    return CheckedJob(request, None)


def check_name(name: str, cards: Iterable[Card]) -> None:
    """Insist on a name that a new run can have; an empty one is made up later.

    Args:
        name: as asked for.
        cards: of all models, whose names are taken.

    Raises:
        OptionInvalid: it is not a name, or is that of a run or a model.
    """
    if not name:
        return
    store.check_new_name(name)
    if any(name in (card.name, card.full_name) for card in cards):
        raise OptionInvalid(f"{name!r} is the name of a model", "choose another name")
