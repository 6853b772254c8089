"""The rows that models are held against: given, or those that all were judged on, if these are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.card import Card
from zoo.catalog import Catalog
from zoo.comparison.subjects import Subject
from zoo.data import match_labels
from zoo.data.example import Example
from zoo.data.splitting import input_key
from zoo.errors import Unsupported, ZooError
from zoo.jobs import Job, Place
from zoo.kinds.spelling import appearance
from zoo.plurals import counted
from zoo.requests import check_job
from zoo.runs.request import HOLDING_OUT, DataRequest, RunRequest
from zoo.runs.trained_on import trained_on
from zoo.sources import Source
from zoo.tasks import get_task
from zoo.tasks.task import Task

RowKey = tuple[bytes, int]
"""What tells a row from others: its input, and how many of the same stand before it."""


class JudgedModel(NamedTuple):
    """A model, and the rows that it is to answer."""

    subject: Subject
    card: Card
    task: Task
    labels: tuple[str, ...]
    """That it tells apart."""
    request: RunRequest
    """Of an evaluation of it on the data."""
    columns: Mapping[str, str]
    """That its rows were read from, by role."""
    examples: Mapping[RowKey, Example]

    def of_rows(self, keys: Sequence[RowKey]) -> list[Example]:
        """The examples of some rows, as the model spells their labels."""
        return [self.examples[key] for key in keys]


class NotTheSame(Exception):
    """Models cannot be held against the same rows; the reason, as the end of a sentence."""


def on_given_rows(
    subjects: Sequence[Subject], source: Source, task: str, place: Place, catalog: Catalog
) -> list[JudgedModel]:
    """Each model with the rows of the same data.

    Raises:
        ZooError: a run has no model, the models do different things, or the data cannot serve one of them.
    """
    for subject in subjects:
        if not subject.model:
            raise Unsupported(subject.no_model, "without --data what was recorded of it is compared")
    models = [_judged(subject, source, task, place, catalog) for subject in subjects]
    if reason := _different_tasks(models):
        raise Unsupported(reason, "--task chooses among what a model does; without --data all can be compared")
    if reason := _different_targets(models):
        raise Unsupported(reason, "--label COLUMN says which column all are to be judged by")
    return models


def on_own_rows(subjects: Sequence[Subject], place: Place, catalog: Catalog) -> list[JudgedModel]:
    """Each model with the rows that it was judged on, where these are the same for all.

    Raises:
        NotTheSame: they are not, or are no longer to be had.
    """
    for subject in subjects:
        if reason := no_rows(subject):
            raise NotTheSame(reason)
    try:
        models = [_judged_as_recorded(subject, place, catalog) for subject in subjects]
    except ZooError as error:
        raise NotTheSame(error.message) from error
    if reason := _different_tasks(models):
        raise NotTheSame(reason)
    first, *others = models
    for other in others:
        if set(first.examples) != set(other.examples):
            shared = len(first.examples.keys() & other.examples.keys())
            raise NotTheSame(
                f"{first.subject.name} was judged on {len(first.examples):,} rows and {other.subject.name} on "
                f"{len(other.examples):,}, of which {shared:,} are the same"
            )
    if reason := _different_targets(models):
        raise NotTheSame(reason)
    return models


def no_rows(subject: Subject) -> str:
    """Why it is not known, or cannot be read any more, which rows a run was judged on; empty where it can be."""
    if subject.request is None:
        return f"{subject.name} comes with a plugin and was judged on no rows here"
    if not subject.model:
        return subject.no_model
    request = subject.request
    if request.verb == "pretrain":
        return f"{subject.name} was pretrained, and held against no targets"
    if request.verb == "federate":
        return f"{subject.name} was judged on rows of its clients"
    if request.sources:
        return f"{subject.name} learnt from several sources, each with rows of its own"
    path = Path(_own_path(request.data))
    return "" if path.exists() else f"the rows of {subject.name} are gone: there is no {path}"


def _own_path(data: DataRequest) -> str:
    return data.eval_path or data.path


def _judged_as_recorded(subject: Subject, place: Place, catalog: Catalog) -> JudgedModel:
    """A model with the rows that its run was judged on.

    Raises:
        NotTheSame: they are others now.
        ZooError: they cannot be read any more.
    """
    request = subject.request
    assert request is not None
    data = request.data
    source = Source(
        data=_own_path(data),
        columns=data.columns,
        separator=data.separator,
        classes=data.classes,
        merge_labels=data.merge_labels,
    )
    model = _judged(subject, source, request.task, place, catalog)
    recorded = data.eval_sha256 if data.eval_path else data.sha256
    if recorded and model.request.data.sha256 != recorded:
        raise NotTheSame(f"{_own_path(data)} has changed since {subject.name} was judged on it")
    if request.verb not in HOLDING_OUT or data.eval_path:
        return model
    assert subject.folder is not None
    learnt = trained_on(subject.folder)
    if learnt is None:
        raise NotTheSame(f"{subject.name} did not note which rows it held out")
    held_out = {key: example for key, example in model.examples.items() if not learnt.has(example)}
    if not held_out:
        raise NotTheSame(f"{subject.name} held no rows out")
    return model._replace(examples=held_out)


def _judged(subject: Subject, source: Source, task: str, place: Place, catalog: Catalog) -> JudgedModel:
    request = subject.request
    own = request if request is not None and request.verb == "evaluate" else None
    job = Job(
        verb="evaluate",
        model=subject.model,
        task=task or (own.task if own else ""),
        source=source,
        place=place,
        options=dict(own.changed_options) if own else {},
    )
    checked = check_job(job, catalog)
    card = next(card for card in catalog.cards if card.full_name == checked.request.model)
    dataset, data = checked.dataset, checked.request.data
    assert dataset is not None
    if card.labels:
        dataset = match_labels(dataset, card.labels, merge=data.merge_labels)
    described = get_task(checked.request.task).divided_at(data.separator).named_by(data.classes)
    described = msgspec.structs.replace(described, target=dataset.target) if dataset.target else described
    labels = card.labels or dataset.labels
    examples = _by_key(dataset.examples)
    return JudgedModel(subject, card, described, labels, checked.request, dataset.columns, examples)


def _by_key(examples: Sequence[Example]) -> dict[RowKey, Example]:
    seen: Counter[bytes] = Counter()
    by_key = {}
    for example in examples:
        key = input_key(example)
        by_key[key, seen[key]] = example
        seen[key] += 1
    return by_key


def _different_tasks(models: Sequence[JudgedModel]) -> str:
    first, *others = models
    for other in others:
        if other.task.name != first.task.name:
            return f"{first.subject.name} does {first.task.name} and {other.subject.name} {other.task.name}"
    return ""


def _different_targets(models: Sequence[JudgedModel]) -> str:
    """Why models are not judged by the same targets, though by those of the same inputs; empty where they are."""
    first, *others = models
    for other in others:
        if _read_from(first) == _read_from(other):
            continue
        shared = first.examples.keys() & other.examples.keys()
        apart = sum(_target(first, key) != _target(other, key) for key in shared)
        if apart:
            return (
                f"the targets of {first.subject.name} and {other.subject.name} are not the same: they differ on "
                f"{apart:,} of {counted(len(shared), 'row')}"
            )
    return ""


def _read_from(model: JudgedModel) -> tuple[str, Mapping[str, str], str]:
    data = model.request.data
    return data.sha256, model.columns, data.separator


def _target(model: JudgedModel, key: RowKey) -> bytes:
    """What is equal for equal targets, however a model spells their labels."""
    kind, target = model.task.target, model.examples[key].target
    if kind is None or target is None:
        return b""
    spelt = kind.renamed(target, {label: appearance(label) for label in kind.labels_of(target)})
    return kind.digest(spelt) or kind.written(spelt).encode()
