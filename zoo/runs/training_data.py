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
    request, teacher = worker.request.data, worker.request.teacher
    untold = teacher is not None and not teacher.labelled
    read_as = msgspec.structs.replace(task, target=None) if untold else task
    filled = teacher.untargeted_rows > 0 if teacher else False
    if client:
        dataset = client.dataset
    else:
        merge = request.merge_labels
        dataset = _load(worker, read_as, trained, request.path, request.sha256, merge=merge, keep_untargeted=filled)
    of_teacher = teacher.labels if teacher and (untold or filled) else ()
    labels = of_teacher or (dataset.labels if task.target else ())
    units, column = dict[int, str](), unit_column(options)
    if column:
        units = units_by_row(request.path, column)
        dataset = of_somebody(dataset, units, column)
    keys = [input_key(example) for example in dataset.examples]
    held_out = None
    if request.eval_path:
        beside = task_beside(task, dataset.target)
        held_out = _load(worker, beside, trained, request.eval_path, request.eval_sha256, min_classes=1)
        if task.target:
            known = client.labels if client else labels
            held_out = match_labels(held_out, known, merge=request.merge_labels)
        train, evaluation = dataset.examples, held_out.examples
    else:
        private = is_private(options) and client is None  # whose rows are protected together
        divide = partial(divide_by_unit, units=units) if private else partial(split, target=read_as.target)
        train, evaluation = divide(dataset, options.eval_share, options.seed, keys)
    untargeted = _not_among(dataset.untargeted, () if held_out else evaluation)
    train = (*train, *untargeted)
    sources = [dataset, held_out] if held_out else [dataset]
    quarantine = Quarantine(worker, sources)
    quarantine.check_share(options.max_rejected)
    if worker.request.task_reason and not client:
        worker.emit(Noted(message=worker.request.task_reason))
    for source in sources:
        for message in replaced_columns(source.path, trained, source.columns, request.columns):
            worker.emit(Noted(message=message))
    _check_labels_of_resumed(worker, labels)
    columns = own_columns(dataset.path, dataset.columns)
    worker.emit(
        DataLoaded(
            train_rows=len(train),
            eval_rows=len(evaluation),
            rejected_rows=len(quarantine),
            labels=labels,
            columns=columns,
            sha256=dataset.sha256,
        )
    )
    if worker.rank == 0:
        eval_keys = [input_key(example) for example in held_out.examples] if held_out else []
        if not client:
            inspection = examine(dataset, keys, read_as, evaluation=held_out, eval_keys=eval_keys)
            report_data(worker, inspection, held_out=0 if held_out else len(evaluation), share=options.eval_share)
        if task.target:
            record(worker.folder, (*_keys_without(evaluation, dataset, keys), *map(input_key, untargeted)))
    return TrainingData(worker, task, quarantine, options.max_rejected, train, evaluation, labels, columns, units)


def _keys_without(held_out: Sequence[Example], dataset: Dataset, keys: Sequence[bytes]) -> Iterator[bytes]:
    """Those of the examples that are trained on."""
    left_out = set(map(id, held_out))
    return (key for key, example in zip(keys, dataset.examples, strict=True) if id(example) not in left_out)


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
