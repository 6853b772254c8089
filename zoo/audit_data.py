"""Whose rows an audit compares: those that a model's own run learnt from and held out, or those of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.answers import BaseAnswer
from zoo.card import Card
from zoo.data import Dataset, load, match_labels
from zoo.errors import DatasetInvalid, OptionInvalid, Unsupported
from zoo.job_paths import existing
from zoo.runs import status
from zoo.runs.auditing.rows import begun_from, check_sides, told_apart, training_behind
from zoo.runs.request import DataRequest, RunRequest
from zoo.runs.store import maker_of
from zoo.sources import Source
from zoo.tasks import get_task
from zoo.tasks.task import Task

_NAME_BOTH = "name them: --data LEARNT --held-out OTHERS"


class AuditData(NamedTuple):
    """The rows of an audit."""

    data: DataRequest
    """Of the rows that the model learnt from; `eval_path` has the others, and is empty where the run held them out."""
    own_rows: bool
    """Whether the former are those of the model's run, whose request says then how they are divided."""


def audit_data(source: Source, card: Card, task: Task, shadows: int, find: Callable[[str], Card]) -> AuditData:
    """Check the rows of an audit.

    Args:
        source: as a person names them; no data for those of the run.
        card: of the model.
        task: that it answers.
        shadows: models that are to be trained as it was.
        find: the card of a model by its whole name.

    Raises:
        Unsupported: the model does not say how likely its answers are, or shadows cannot be trained as it was.
        DatasetInvalid: rows are no longer what the model learnt from, or cannot be read.
        OptionInvalid: nobody says which rows they are.
    """
    if card.weights is None:
        raise Unsupported(f"{card.name} has learnt nothing yet", card.training_advice)
    if task.answer.log_odds is BaseAnswer.log_odds or task.target is None:
        raise Unsupported(
            f"{card.name} does {task.name}, and does not say how likely it holds what the data say of a row",
            "an audit takes models that choose labels, such as zoo ls --task text-classification has",
        )
    learnt, training = training_behind(card, find) or (card, None)
    if shadows:
        _check_trainable(learnt, training, find)
    own_rows = source.data in (None, "")
    held_out = None if source.eval_data in (None, "") else existing(source.eval_data)
    if own_rows or held_out is None:
        own = _own_data(learnt, training, find, held_out_too=held_out is None)
    merge = source.merge_labels or (training is not None and training.data.merge_labels)
    separator = source.separator or ("" if training is None else training.data.separator)
    columns = dict(source.columns)
    if own_rows:
        data = msgspec.structs.replace(
            own,
            eval_path="",
            eval_sha256="",
            columns=columns or own.columns,
            separator=separator,
            classes=str(source.classes) or own.classes,
            merge_labels=merge,
        )
    else:
        path = existing(source.data)
        data = DataRequest(
            path=str(path), columns=columns, separator=separator, classes=str(source.classes), merge_labels=merge
        )
        members = _read(path, card, task, data)
        data = msgspec.structs.replace(data, sha256=members.sha256)
    others = None if held_out is None else _read(held_out, card, task, data)
    if others is not None:
        data = msgspec.structs.replace(data, eval_path=str(held_out), eval_sha256=others.sha256)
    _check_sides(card, learnt, None if own_rows else members, others)
    return AuditData(data, own_rows)


def _check_sides(card: Card, learnt: Card, members: Dataset | None, others: Dataset | None) -> None:
    """Insist on enough rows, as far as that shows without reading anew what the model's run divided.

    Args:
        card: of the model that is audited.
        learnt: of that which learnt from rows.
        members: that it learnt from; None for those of its run.
        others: that it did not; None for those that its run held out.
    """
    sides = told_apart(learnt.name, members.examples if members else (), others.examples if others else ())
    of_run = None if members and others else status.read(maker_of(learnt.name))
    check_sides(
        card.name,
        len(sides.members) if members or of_run is None else of_run.train_rows,
        len(sides.others) if others or of_run is None else of_run.eval_rows,
    )


def _read(path: Path, card: Card, task: Task, data: DataRequest) -> Dataset:
    """Rows that the model can be asked about."""
    dataset = load(path, task.divided_at(data.separator), columns=data.columns, min_classes=1, trained=card.columns)
    if card.labels:
        return match_labels(dataset, card.labels, merge=data.merge_labels)
    return dataset


def _own_data(
    learnt: Card, training: RunRequest | None, find: Callable[[str], Card], *, held_out_too: bool
) -> DataRequest:
    """What the run of a model says of its rows, which must be as they were.

    Args:
        learnt: the model.
        training: what its run was asked to do.
        find: the card of a model by its whole name.
        held_out_too: whether the rows that it held out are needed.
    """
    if training is None:
        raise OptionInvalid(f"{learnt.name} is no result of a run that says which rows it learnt from", _NAME_BOTH)
    teacher = training.teacher
    if training.verb != "finetune" or (teacher is not None and not teacher.labelled):
        what = "the answers of a teacher" if teacher else f"in a run of zoo {training.verb}"
        raise OptionInvalid(f"{learnt.name} learnt {what}, and no rows with labels can be read again", _NAME_BOTH)
    data, options, parent = training.data, training.options, begun_from(training, find) or learnt
    if held_out_too and not data.eval_path and not options.get("eval_share"):
        raise OptionInvalid(
            f"the run of {learnt.name} held out no rows that it could be compared with",
            "name others like those it learnt from: --held-out OTHERS",
        )
    for path, expected in ((data.path, data.sha256), (data.eval_path, data.eval_sha256)):
        if path and expected and (not Path(path).exists() or _digest_again(path, data, training, parent) != expected):
            raise DatasetInvalid(f"{path} is no longer what the run of {learnt.name} learnt from", _NAME_BOTH)
    return data


def _digest_again(path: str, data: DataRequest, training: RunRequest, parent: Card) -> str:
    """Of data of a run as they are now."""
    task = get_task(training.task).divided_at(data.separator).named_by(data.classes)
    trained = {} if training.new_heads else parent.columns
    return load(path, task, columns=data.columns, min_classes=1, trained=trained).sha256


def _check_trainable(learnt: Card, training: RunRequest | None, find: Callable[[str], Card]) -> None:
    """Insist on a run of which shadows can be made: one source with labels, in one place, from a model that is here."""
    if training is None:
        raise Unsupported(
            f"shadows are trained as {learnt.name} was, and no run says how that was done", "leave --shadows out"
        )
    whole = maker_of(learnt.name).request
    reasons = {
        "from several sources": bool(whole.sources),
        f"by zoo {whole.verb}": whole.verb != "finetune",
        "from a teacher, too": whole.teacher is not None,
        f"divided among {whole.processes} processes": whole.shard,
        f"from {training.model}, which is gone": begun_from(training, find) is None,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), "")
    if reason:
        raise Unsupported(f"{learnt.name} learnt {reason}, and shadows do not", "leave --shadows out")
