"""What a training learns from: its data read, checked, divided and reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import msgspec

from zoo.data import Dataset, examine, load, match_labels, split
from zoo.data.columns import own_columns, replaced_columns
from zoo.data.example import Columns, Example, RejectedRow
from zoo.data.loading import task_beside
from zoo.data.splitting import input_key
from zoo.data.units import divide_by_unit, of_somebody, units_by_row
from zoo.errors import DatasetInvalid
from zoo.hyperparameters import DataOptions
from zoo.plurals import name_list
from zoo.privacy import is_private, unit_column
from zoo.runs.attempt import Worker
from zoo.runs.checkpoints import newest_step
from zoo.runs.data_report import report_data
from zoo.runs.events import DataLoaded, Noted
from zoo.runs.log import read_events
from zoo.runs.quarantine import Quarantine, check_digest
from zoo.runs.trained_on import record
from zoo.sanitize import one_line
from zoo.tasks.task import Task


@dataclass(frozen=True)
class TrainingData:
    """What a run learns from, and where it puts what turns out unusable."""

    worker: Worker
    task: Task
    quarantine: Quarantine
    max_rejected: float
    """Share of the rows that may be set aside."""
    train: tuple[Example, ...]
    eval: tuple[Example, ...]
    labels: tuple[str, ...]
    columns: Columns
    """Of the training data, as found."""
    units: Mapping[int, str] = field(default_factory=dict)
    """Whose each row to train on is, by its number, where privacy is not of rows."""

    def set_aside(self, unusable: Sequence[tuple[Example, str]]) -> None:
        """Quarantine examples, by the file they came from: a table of texts, or the image itself.

        Raises:
            DatasetInvalid: they are too many.
        """
        if not unusable:
            return
        request = self.worker.request.data
        paths = (request.path, request.eval_path)
        held_out = {id(example) for example in self.eval}

        def file_of(example: Example) -> str:
            evaluated = request.eval_path and id(example) in held_out
            return self.task.input.file_of(example.input, request.eval_path if evaluated else request.path)

        eval_rows = sum(id(example) in held_out for example, _ in unusable)
        self.quarantine.add(
            [
                RejectedRow(file, example.row, one_line(reason), name=file if file not in paths else "")
                for file, example, reason in ((file_of(example), example, reason) for example, reason in unusable)
            ],
            train_rows=len(unusable) - eval_rows,
            eval_rows=eval_rows,
        )
        self.quarantine.check_share(self.max_rejected)

    @property
    def usable_rows(self) -> tuple[int, int]:
        """Rows that were trained and evaluated on: without those set aside since."""
        return len(self.train) - self.quarantine.train_rows, len(self.eval) - self.quarantine.eval_rows


class _Parts(NamedTuple):
    """What is trained and evaluated on."""

    dataset: Dataset
    keys: list[bytes]
    """Of its examples, see `input_key`."""
    held_out: Dataset | None
    """That is evaluated on, where it is a data set of its own."""
    train: tuple[Example, ...]
    eval: tuple[Example, ...]
    untargeted: tuple[Example, ...]
    """Of those that are trained on, the ones without a target."""

    @property
    def sources(self) -> list[Dataset]:
        """What is read."""
        return [self.dataset, self.held_out] if self.held_out else [self.dataset]


class ClientRows(NamedTuple):
    """The data of one client among several."""

    dataset: Dataset
    labels: tuple[str, ...]
    """Of all clients."""


def load_training_data(
    worker: Worker, task: Task, options: DataOptions, trained: Columns, client: ClientRows | None = None
) -> TrainingData:
    """Read the data, quarantine what cannot be used, hold a part out for evaluation.

    Args:
        worker: of the run.
        task: what is learnt.
        options: of the training.
        trained: the columns that the model was trained on before.
        client: whose data these are, where they are read already; what is found in them is not reported.
    """
    request = worker.request.data
    dataset, read_as, labels = _read(worker, task, trained, client)
    units, column = dict[int, str](), unit_column(options)
    if column:
        units = units_by_row(request.path, column)
        dataset = of_somebody(dataset, units, column)
    held_out = None
    if request.eval_path:
        held_out = _held_out(worker, task_beside(task, dataset.target), trained, client.labels if client else labels)
    protected = is_private(options) and client is None  # whose rows are protected together
    parts = _divided(dataset, held_out, read_as, options, units if protected else None)
    quarantine = Quarantine(worker, parts.sources)
    quarantine.check_share(options.max_rejected)
    _note_reading(worker, parts.sources, trained, reason="" if client else worker.request.task_reason)
    _check_labels_of_resumed(worker, labels)
    columns = own_columns(dataset.path, dataset.columns)
    worker.emit(
        DataLoaded(
            train_rows=len(parts.train),
            eval_rows=len(parts.eval),
            rejected_rows=len(quarantine),
            labels=labels,
            columns=columns,
            sha256=dataset.sha256,
        )
    )
    if worker.rank == 0 and not client:
        _report(worker, parts, read_as, options)
    if worker.rank == 0 and task.target:
        record(worker.folder, _keys_trained_on(parts))
    most = options.max_rejected
    return TrainingData(worker, task, quarantine, most, parts.train, parts.eval, labels, columns, units)


def _read(
    worker: Worker, task: Task, trained: Columns, client: ClientRows | None
) -> tuple[Dataset, Task, tuple[str, ...]]:
    """All rows that can be used, the task that they are read for, and the labels of what is learnt."""
    request, teacher = worker.request.data, worker.request.teacher
    taught_only = teacher is not None and not teacher.labelled
    filled = teacher is not None and teacher.untargeted_rows > 0
    read_as = msgspec.structs.replace(task, target=None) if taught_only else task
    if client:
        dataset = client.dataset
    else:
        merge = request.merge_labels
        dataset = _load(worker, read_as, trained, request.path, request.sha256, merge=merge, keep_untargeted=filled)
    of_teacher = teacher.labels if teacher and (taught_only or filled) else ()
    return dataset, read_as, of_teacher or (dataset.labels if task.target else ())


def _held_out(worker: Worker, task: Task, trained: Columns, labels: Sequence[str]) -> Dataset:
    """The data set that is evaluated on, with the labels of the one that is trained on."""
    request = worker.request.data
    held_out = _load(worker, task, trained, request.eval_path, request.eval_sha256, min_classes=1)
    return match_labels(held_out, labels, merge=request.merge_labels) if task.target else held_out


def _divided(
    dataset: Dataset, held_out: Dataset | None, task: Task, options: DataOptions, units: Mapping[int, str] | None
) -> _Parts:
    """Data to train and to evaluate on.

    Args:
        dataset: all that may be trained on.
        held_out: that is evaluated on; None to hold out a part.
        task: that the rows were read for.
        options: of the training.
        units: whose the rows are that are protected; empty where each is a unit, None where none is.
    """
    keys = [input_key(example) for example in dataset.examples]
    if held_out:
        train, evaluation, untargeted = dataset.examples, held_out.examples, dataset.untargeted
    else:
        divide = partial(split, target=task.target) if units is None else partial(divide_by_unit, units=units)
        train, evaluation = divide(dataset, options.eval_share, options.seed, keys)
        untargeted = _not_among(dataset.untargeted, evaluation)
    return _Parts(dataset, keys, held_out, (*train, *untargeted), evaluation, untargeted)


def _note_reading(worker: Worker, sources: Sequence[Dataset], trained: Columns, *, reason: str) -> None:
    """Say why it is this task, and which columns are others than before."""
    messages = [reason] if reason else []
    for source in sources:
        messages += replaced_columns(source.path, trained, source.columns, worker.request.data.columns)
    for message in messages:
        worker.emit(Noted(message=message))


def _report(worker: Worker, parts: _Parts, task: Task, options: DataOptions) -> None:
    """Say what an inspection of the data finds."""
    held_out = parts.held_out
    eval_keys = [input_key(example) for example in held_out.examples] if held_out else []
    inspection = examine(parts.dataset, parts.keys, task, evaluation=held_out, eval_keys=eval_keys)
    report_data(worker, inspection, held_out=0 if held_out else len(parts.eval), share=options.eval_share)


def _keys_trained_on(parts: _Parts) -> Iterator[bytes]:
    """Those of the examples that are trained on."""
    evaluated = set(map(id, parts.eval))
    pairs = zip(parts.keys, parts.dataset.examples, strict=True)
    yield from (key for key, example in pairs if id(example) not in evaluated)
    yield from map(input_key, parts.untargeted)


def _not_among(untargeted: Sequence[Example], held_out: Sequence[Example]) -> tuple[Example, ...]:
    """Rows without a target, but for those whose input is evaluated on."""
    keys = set(map(input_key, held_out)) if untargeted else set()
    return tuple(example for example in untargeted if input_key(example) not in keys)


def _load(worker: Worker, task: Task, trained: Columns, path: str, sha256: str, **how: Any) -> Dataset:
    """One of the files of the run, which must be as it was when the run was asked for; see `load` for the rest."""
    dataset = load(path, task, columns=worker.request.data.columns, trained=trained, **how)
    check_digest(path, dataset.sha256, sha256, dataset.names_file)
    return dataset


def _check_labels_of_resumed(worker: Worker, labels: tuple[str, ...]) -> None:
    """Insist on the classes that the checkpoint was trained for, in their order.

    Raises:
        DatasetInvalid: another version of zoo read them otherwise.
    """
    if newest_step(worker.folder.checkpoints_folder) is None:
        return
    loaded = [event for event in read_events(worker.folder)[0] if isinstance(event, DataLoaded)]
    before = next((event.labels for event in loaded if event.source == worker.folder.source), labels)
    if before != labels:
        raise DatasetInvalid(
            f"the labels were {name_list(before)} when the run began, and are {name_list(labels)} now",
            "this version of zoo reads them otherwise; start a new run",
        )
