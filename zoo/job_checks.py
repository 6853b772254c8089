"""A job whose model and task are known, and what is checked of its data and its output, by its verb."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec

from zoo.abilities import ability_verb, choose_ability, offering_models
from zoo.ability_options import option_set, parse_options
from zoo.audit_data import audit_data
from zoo.audit_options import AuditOptions
from zoo.card import Ability, Card
from zoo.catalog import Catalog
from zoo.data import Dataset, InputRows, count_rows, digest, divided, load, match_labels, split, stamp
from zoo.data.clients import rows_by
from zoo.data.layout import parts_of
from zoo.data.splitting import input_key
from zoo.data.units import check_units
from zoo.enough_rows import HELD_OUT, check_drop, check_folds_filled, curve_sizes
from zoo.errors import DatasetInvalid, OptionInvalid, Unsupported
from zoo.job_paths import existing, existing_evaluation, new_file
from zoo.jobs import BESIDE, SHARDS, Job
from zoo.label_data import label_data
from zoo.metrics import SHARES
from zoo.metrics.choice import check_metric
from zoo.options import Options, parse
from zoo.privacy import is_private, rows_are_units, unit_column
from zoo.rendering.drawings import new_drawing_folder
from zoo.row_range import RowRange
from zoo.runs.answer_files import AnswerColumns, answer_format
from zoo.runs.calibration import check_abstaining, check_calibratable, check_rows, finish_of
from zoo.runs.request import DataRequest, TeacherRequest
from zoo.runs.row_answers import CHUNK
from zoo.runs.store import training_of
from zoo.runs.trained_on import count_trained_on
from zoo.shrink_options import ShrinkOptions
from zoo.shrinkable import check_shrinkable
from zoo.sources import Source, check_not_mixed
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.teachers import Teacher, find_teacher, reading_task, split_options, with_taught_task

if TYPE_CHECKING:
    from zoo.hyperparameters import DataOptions


class ResolvedJob(NamedTuple):
    """A job with one source, whose model and task are known."""

    job: Job
    card: Card
    ability: Ability
    reason: str
    """Why this task, in one line; empty where there is no other."""
    task: Task
    teacher: Teacher | None
    options: Options
    """Of the model."""
    shrinking: ShrinkOptions
    auditing: AuditOptions
    catalog: Catalog


def resolve(job: Job, card: Card, catalog: Catalog) -> ResolvedJob:
    """Find what a model is to do, and check what is said of it.

    Args:
        job: what is asked for.
        card: of the model.
        catalog: all models.

    Raises:
        ZooError: the model cannot do that, or an option is none of it.
    """
    if job.verb == "shrink":
        check_shrinkable(card)
    source = with_taught_task(msgspec.structs.replace(job.source, task=job.task), card, catalog)
    verb = ability_verb(job.verb)
    ability, reason = choose_ability(card, verb, source.task, source.data, source.columns, source.separator)
    task = get_task(ability.task)
    if job.verb != "predict":
        task = task.divided_at(source.separator).named_by(str(source.classes))
    of_model, shrinking = split_options(job.options)[1], parse(ShrinkOptions, job.shrinking)
    shrinking.check_packages()
    if shrinking.metric:  # a judge is a module of its own, which may be slow to import
        check_metric(shrinking.metric, task.figures, task.name)
    if verb != "predict":
        check_not_mixed(of_model, option_set(ability))
    return ResolvedJob(
        job=job,
        card=card,
        ability=ability,
        reason=reason,
        task=task,
        teacher=find_teacher(source.teacher, catalog, job.options),
        shrinking=shrinking,
        auditing=parse(AuditOptions, job.auditing),
        options=parse_options(card, ability, of_model, beside=BESIDE),
        catalog=catalog,
    )


class CheckedData(NamedTuple):
    """What was found out about the data and the output of a job."""

    data: DataRequest
    dataset: Dataset | None = None
    teacher: TeacherRequest | None = None
    out: str = ""
    keep: tuple[str, ...] = ()
    draw: str = ""
    own_rows: bool = False
    shards: tuple[RowRange, ...] = ()
    """What the runs answer that divide the rows of a batch prediction."""


def check_data(resolved: ResolvedJob) -> CheckedData:
    """Check the data and the output of a job.

    Raises:
        ZooError: they cannot serve, or the model cannot do with them what is asked.
    """
    job, card, options = resolved.job, resolved.card, resolved.options
    if ability_verb(job.verb) == "predict":
        check_abstaining(job.verb, options, calibrate=job.calibrate)
        if not job.calibrate:
            finish_of(card, resolved.task, options)
    with offering_models(card, job.verb, resolved.catalog):
        checked = _CHECKS.get(job.verb, _check_training)(resolved)
    if is_private(options) and not rows_are_units(options):
        learnt = tuple(checked.dataset.columns.values()) if checked.dataset else ()
        check_units(checked.data.path, unit_column(options), learnt)
    return checked


def check_training_data(source: Source, card: Card, task: Task, teacher: Teacher | None) -> CheckedData:
    """Check the data of a training.

    Args:
        source: as a person names it.
        card: of the model.
        task: that is learnt.
        teacher: whose answers are learnt, too; None without one.

    Raises:
        ZooError: they cannot serve.
    """
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
        return CheckedData(data, dataset, taught)
    eval_path = existing_evaluation(eval_data)
    held_out = read_part(eval_path, task, min_classes=1)
    if task.target:
        labels = taught.labels if taught and not taught.labelled else dataset.labels
        match_labels(held_out, labels, merge=source.merge_labels)
    data = msgspec.structs.replace(data, eval_path=str(eval_path), eval_sha256=held_out.sha256)
    return CheckedData(data, dataset, taught)


def _check_training(resolved: ResolvedJob) -> CheckedData:
    checked = check_training_data(resolved.job.source, resolved.card, resolved.task, resolved.teacher)
    if (folds := getattr(resolved.options, "folds", 0)) and checked.dataset:
        _check_inputs(checked.dataset, folds)
    return checked


def _check_inputs(dataset: Dataset, folds: int) -> None:
    """Insist on different inputs for all folds."""
    inputs = set[bytes]()
    for example in dataset.examples:
        inputs.add(input_key(example))
        if len(inputs) == folds:
            return
    check_folds_filled(len(inputs), len(dataset.examples), folds)


def _check_evaluation(resolved: ResolvedJob) -> CheckedData:
    job, card, task = resolved.job, resolved.card, resolved.task
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
        learnt = count_trained_on(card.name, dataset.examples)
        check_rows(path, len(dataset.examples) - learnt, card.name, learnt)
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
    return CheckedData(data, dataset, out=target)


def check_rows_to_shrink_by(resolved: ResolvedJob, rows: int) -> None:
    """Insist on rows enough to show that a smaller form of a model drops no more than it may.

    Raises:
        DatasetInvalid: there are fewer.
    """
    metric = resolved.shrinking.metric or resolved.task.primary_metric
    if metric in SHARES:
        check_drop(rows, metric, resolved.shrinking.max_drop)


def _check_audit(resolved: ResolvedJob) -> CheckedData:
    shadows, find = resolved.auditing.shadows, resolved.catalog.resolve
    data, own_rows = audit_data(resolved.job.source, resolved.card, resolved.task, shadows, find)
    return CheckedData(data, own_rows=own_rows)


def _check_curve(resolved: ResolvedJob) -> CheckedData:
    if not resolved.task.judged:
        raise Unsupported(
            f"nothing judges answers to {resolved.task.name}, so there is no curve", "name another --task"
        )
    if is_private(resolved.options):
        raise OptionInvalid(
            "a curve learns from the same rows several times, and --private counts one training", "leave it out"
        )
    checked = _check_training(resolved)
    if dataset := checked.dataset:
        own, target = bool(checked.data.eval_path), resolved.task.target
        learnt, judging = (
            (dataset.examples, dataset.examples[:1])
            if own
            else split(dataset, HELD_OUT, cast("DataOptions", resolved.options).seed, target=target)
        )
        curve_sizes(dataset.path, len(learnt), len(judging), held_out=not own)
    return checked


def _check_labels(resolved: ResolvedJob) -> CheckedData:
    job = resolved.job
    target = str(new_file(job.out, "--out")) if job.out else ""
    return CheckedData(label_data(job.source, resolved.card, resolved.task), out=target)


def _check_prediction(resolved: ResolvedJob) -> CheckedData:
    job, card, task = resolved.job, resolved.card, resolved.task
    if card.weights is None:
        raise Unsupported(f"{card.name} has learnt nothing yet", card.training_advice)
    path, columns = existing(job.source.data), dict(job.source.columns)
    target = new_file(job.out, "--out", job.format, task)
    rows = InputRows(path, task, columns=columns, keep=_column_names(job.keep), trained=card.columns)
    answer_format(target, job.format, task)(AnswerColumns(rows.carried))
    shards, part = _shards(job, path, tuple(rows.columns.values()))
    answered = (part,) if part else shards
    count = sum(one.rows for one in answered) if answered else count_rows(path, tuple(rows.columns.values()))
    if count == 0:
        raise DatasetInvalid(f"{path} has no rows", "give a file that has some")
    data = DataRequest(
        path=str(path),
        sha256=digest(path),
        columns=columns,
        rows=count,
        part=part,
        stamp=stamp(path) if answered else None,
    )
    folder = str(new_drawing_folder(job.draw, task)) if job.draw else ""
    return CheckedData(data, out=str(target), keep=rows.carried, draw=folder, shards=shards)


def _shards(job: Job, path: Path, columns: tuple[str, ...]) -> tuple[tuple[RowRange, ...], RowRange | None]:
    """What each of the runs answers that are asked for, and what this one answers of a part of the rows."""
    count = job.shards
    if job.shard_of and count > 1:
        raise OptionInvalid(
            "--shards makes all shards, and --shard-of one of them",
            "leave one of them out; --shards joins the answers, too",
        )
    if job.draw and (job.shard_of or count > 1):
        raise OptionInvalid("answers in shards are not drawn", "leave --draw out, or do without shards")
    if not job.shard_of:
        return (divided(path, columns, count, CHUNK), None) if count > 1 else ((), None)
    match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", job.shard_of)
    number, total = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= total <= int(SHARDS.le or 0):
        raise OptionInvalid(
            f"--shard-of is {job.shard_of!r}, but takes the number of a shard and how many there are",
            "such as 1/16 to 16/16",
        )
    return (), divided(path, columns, total, CHUNK)[number - 1]


def _column_names(keep: str | Sequence[str] | None) -> list[str]:
    names = [keep] if isinstance(keep, str) else [] if keep is None else keep
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise OptionInvalid(f"--keep is {keep!r}, but takes names of columns, or all", 'such as ["id", "customer"]')
    return [name for name in names if name]


_CHECKS: dict[str, Callable[[ResolvedJob], CheckedData]] = {
    "evaluate": _check_evaluation,
    "shrink": _check_evaluation,
    "predict": _check_prediction,
    "audit": _check_audit,
    "inspect": _check_labels,
    "curve": _check_curve,
}
"""By verb; all others are trainings."""
