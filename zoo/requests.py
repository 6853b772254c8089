"""From a job, as a person asks for it, to a request that a worker can carry out.

Everything cheap is checked here, before a run exists.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import msgspec

from zoo.abilities import ability_verb, choose_ability, offering_models
from zoo.ability_options import parse_options
from zoo.audit_data import audit_data
from zoo.audit_options import AuditOptions
from zoo.card import Ability, Card
from zoo.catalog import Catalog, result_of_head
from zoo.data import Dataset, InputRows, count_rows, digest, load, match_labels
from zoo.data.clients import rows_by
from zoo.data.layout import parts_of
from zoo.data.units import check_units
from zoo.devices import choose, first_device, place_name
from zoo.errors import DatasetInvalid, OptionInvalid, Unsupported
from zoo.file_cache import read_once
from zoo.job_paths import existing, existing_evaluation, new_file
from zoo.jobs import BESIDE, PROCESSES, SHARD, Job, in_plain_types
from zoo.kept_heads import beside_added, beside_kept, left_behind
from zoo.model_choice import ModelChoice, choose_model, new_head
from zoo.options import Options, changed, parse, read, to_dict
from zoo.plugins import load_plugin, wrapping_plugins
from zoo.privacy import check_private_job, is_private, rows_are_units, unit_column
from zoo.rendering.drawings import new_drawing_folder
from zoo.runs import queue, store
from zoo.runs.answer_files import AnswerColumns, answer_format
from zoo.runs.calibration import check_abstaining, check_calibratable, check_rows, finish_of
from zoo.runs.request import DataRequest, RunRequest, SourceRequest, StudentRequest, TeacherRequest
from zoo.runs.store import training_of
from zoo.runs.versions import relevant_versions
from zoo.shrink_options import PRUNED, ShrinkOptions
from zoo.shrinkable import check_shrinkable
from zoo.sources import choose_sources, options_of_sources
from zoo.students import check_unchanged, student_jobs
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.teachers import Teacher, find_teacher, reading_task, split_options, with_taught_task


class CheckedJob(NamedTuple):
    """A job that a worker can carry out."""

    request: RunRequest
    dataset: Dataset | None
    """The data of a training or an evaluation."""


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
    if job.others:
        choice = choose_model(catalog, job.model, job.verb, sources=[one.name for one in (job.source, *job.others)])
        return _check_joint(job, choice, catalog)
    verb, source = ability_verb(job.verb), job.source
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
    card = choice.card
    if job.verb == "shrink":
        check_shrinkable(card)
    source = with_taught_task(msgspec.structs.replace(source, task=job.task), card, catalog)
    ability, why_task = choose_ability(card, verb, source.task, source.data, source.columns, source.separator)
    task = get_task(ability.task)
    if job.verb != "predict":
        task = task.divided_at(source.separator).named_by(str(source.classes))
    training = partial(_check_training, teacher=find_teacher(source.teacher, catalog, job.options))
    shrinking, auditing = parse(ShrinkOptions, job.shrinking), parse(AuditOptions, job.auditing)
    checks: dict[str, Callable[[Job, Card, Task], _Checked]] = {
        "evaluate": _check_evaluation,
        "shrink": _check_evaluation,
        "predict": _check_prediction,
        "audit": partial(_check_audit, auditing=auditing, catalog=catalog),
    }
    check = checks.get(job.verb, training)
    options = parse_options(card, ability, split_options(job.options)[1], beside=BESIDE)
    kept = beside_kept(choice, options)
    if verb == "predict":
        check_abstaining(job.verb, options, calibrate=job.calibrate)
        if not job.calibrate:
            finish_of(card, task, options)
    with offering_models(card, job.verb, catalog):
        checked = check(job, card, task)
    if is_private(options) and not rows_are_units(options):
        learnt = tuple(checked.dataset.columns.values()) if checked.dataset else ()
        check_units(checked.data.path, unit_column(options), learnt)
    placed = setting(job, card, catalog, (ability,), (options,))
    request = RunRequest(
        verb=job.verb,
        task=ability.task,
        task_reason="; ".join(filter(None, (choice.reason, why_task, *left_behind(choice, job.verb, options)))),
        data=checked.data,
        options=dict(to_dict(options)),
        shrinking=dict(to_dict(shrinking)) if job.verb == "shrink" else {},
        auditing=dict(to_dict(auditing)) if job.verb == "audit" else {},
        own_rows=checked.own_rows,
        students=_students(job, card, ability.task, shrinking, catalog, placed["device"]),
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
    return CheckedJob(request, checked.dataset)


def _students(
    job: Job, card: Card, task: str, shrinking: ShrinkOptions, catalog: Catalog, device: str
) -> tuple[StudentRequest, ...]:
    """The trainings of smaller networks, each checked as any other; none where nothing is made smaller."""
    if job.verb != "shrink":
        return ()
    job = msgspec.structs.replace(job, place=msgspec.structs.replace(job.place, device=device))
    students = []
    for name, training in student_jobs(job, card, task, shrinking, catalog):
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
    placement = choose(
        job.place.device,
        job.place.precision,
        supported=supported,
        users=queue.lengths(),
        preferred=abilities[0].preferred_precision,
    )
    for ability in abilities:
        ability.check_precision(placement.precision)
    check_private_job(options, card.name, card.weights is not None, job.source.teacher, processes, placement.precision)
    device = first_device(placement.device, processes, place_name(job.place.device))
    shard = bool(read(SHARD, job.place.shard))
    if shard and processes == 1:
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
        "shard": shard,
        "dry_run": job.dry_run,
        "created_at": time.time(),
        "versions": relevant_versions(load_plugin(card.plugin).distribution),
    }


def _check_joint(job: Job, choice: ModelChoice, catalog: Catalog) -> CheckedJob:
    """Check a training from several sources."""
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
            checked = _check_training(msgspec.structs.replace(job, source=source, others=()), card, task, teacher)
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


class _Checked(NamedTuple):
    """What was found out about the data and the output of a job."""

    data: DataRequest
    dataset: Dataset | None = None
    teacher: TeacherRequest | None = None
    out: str = ""
    keep: tuple[str, ...] = ()
    draw: str = ""
    own_rows: bool = False


def _check_training(job: Job, card: Card, task: Task, teacher: Teacher | None = None) -> _Checked:
    source = job.source
    path, own_evaluation, _ = parts_of(existing(source.data))
    eval_data = own_evaluation if source.eval_data in (None, "") else source.eval_data
    columns = dict(source.columns)
    read_part = partial(load, columns=columns, trained=card.columns)
    read_as = reading_task(task, path, columns, card.columns) if teacher else task
    dataset = read_part(path, read_as, merge=source.merge_labels, keep_untargeted=teacher is not None)
    if not dataset.examples:  # there is a column of targets, and nothing in it
        dataset = read_part(path, msgspec.structs.replace(task, target=None))
    taught = teacher.request(task, dataset) if teacher else None
    data = DataRequest(
        path=str(path),
        sha256=dataset.sha256,
        columns=columns,
        separator=source.separator,
        classes=str(source.classes),
        merge_labels=source.merge_labels,
    )
    if eval_data is None:
        return _Checked(data, dataset, taught)
    eval_path = existing_evaluation(eval_data)
    held_out = read_part(eval_path, task, min_classes=1)
    if task.target:
        labels = taught.labels if taught and not taught.labelled else dataset.labels
        match_labels(held_out, labels, merge=source.merge_labels)
    data = msgspec.structs.replace(data, eval_path=str(eval_path), eval_sha256=held_out.sha256)
    return _Checked(data, dataset, taught)


def _check_evaluation(job: Job, card: Card, task: Task) -> _Checked:
    if card.weights is None or not task.judged:
        reason = "has learnt nothing yet" if task.judged else f"does {task.name}, and no data can tell how well"
        fine_tuned = f"fine-tune it first: zoo finetune {card.name} --data FILE"
        raise Unsupported(f"{card.name} {reason}", fine_tuned if "finetune" in card.verbs else "choose another model")
    if job.calibrate:
        check_calibratable(card, task)
    source, path = job.source, existing(job.source.data)
    target = str(new_file(job.out, "--errors")) if job.out else ""
    columns, training = dict(source.columns), training_of(card)
    separator = source.separator or ("" if training is None else training.data.separator)
    task = task.divided_at(separator)
    dataset = load(path, task, columns=columns, min_classes=1, trained=card.columns)
    merge = source.merge_labels or (training is not None and training.data.merge_labels)
    if card.labels:
        match_labels(dataset, card.labels, merge=merge)
    if job.calibrate:
        check_rows(path, len(dataset.examples), card.name)
    if job.by:
        rows_by(path, job.by, "rows")
    data = DataRequest(
        path=str(path),
        sha256=dataset.sha256,
        columns=columns,
        separator=separator,
        classes=str(source.classes),
        merge_labels=merge,
    )
    return _Checked(data, dataset, out=target)


def _check_audit(job: Job, card: Card, task: Task, auditing: AuditOptions, catalog: Catalog) -> _Checked:
    data, own_rows = audit_data(job.source, card, task, auditing.shadows, catalog.resolve)
    return _Checked(data, own_rows=own_rows)


def _check_prediction(job: Job, card: Card, task: Task) -> _Checked:
    if card.weights is None:
        raise Unsupported(f"{card.name} has learnt nothing yet", card.training_advice)
    path, columns = existing(job.source.data), dict(job.source.columns)
    target = new_file(job.out, "--out", job.format, task)
    rows = InputRows(path, task, columns=columns, keep=_column_names(job.keep), trained=card.columns)
    answer_format(target, job.format, task)(AnswerColumns(rows.carried))
    count = count_rows(path, tuple(rows.columns.values()))
    if count == 0:
        raise DatasetInvalid(f"{path} has no rows", "give a file that has some")
    data = DataRequest(path=str(path), sha256=digest(path), columns=columns, rows=count)
    folder = str(new_drawing_folder(job.draw, task)) if job.draw else ""
    return _Checked(data, out=str(target), keep=rows.carried, draw=folder)


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


def _column_names(keep: str | Sequence[str] | None) -> list[str]:
    names = [keep] if isinstance(keep, str) else [] if keep is None else keep
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise OptionInvalid(f"--keep is {keep!r}, but takes names of columns, or all", 'such as ["id", "customer"]')
    return [name for name in names if name]
