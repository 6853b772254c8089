"""A look at labels: a model and rows in, the rows whose label is most probably wrong out."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.blocks import Paragraph, Report, Table
from zoo.card import Card
from zoo.data import Dataset, load
from zoo.data.columns import own_columns, replaced_columns
from zoo.enough_rows import check_judged_labels
from zoo.file_cache import release
from zoo.kinds import TargetKind
from zoo.metrics.confident_learning import Doubts, doubts_of_classes, doubts_of_sets
from zoo.metrics.intervals import named, wilson_interval
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.dealing import dealt
from zoo.runs.events import AnyEvent, DataLoaded, EvaluationCompleted, Noted, RunFinished, Warned
from zoo.runs.inspecting.doubtful_labels import FILE, DoubtfulLabel, doubtful_labels, write_doubtful_labels
from zoo.runs.inspecting.vectors import RowVectors
from zoo.runs.preparation import resolve
from zoo.runs.quarantine import Quarantine, check_digest
from zoo.runs.trained_on import count_trained_on
from zoo.tasks import get_task
from zoo.tasks.task import Task

FOLDS = 5
PAIRS_SHOWN = 20
KNOWING = 0.6
"""Of what there is to be won beyond the most frequent answer, the share that a model has to say of the labels before
its doubts mean much. Of 5% of labels flipped on purpose, 0.8 are among as many listed where it says 0.9 (digits), and
0.2 where it says 0.3 (reviews): see `bench/labels.py`."""
EVEN = 0.5
"""Probability from which a row that may have several labels has one."""


def inspect_labels(worker: Worker) -> AnyEvent:
    """Find the rows whose label is most probably wrong; returns the event that ends the run.

    Raises:
        DatasetInvalid: there are too few rows to judge them by one another.
        RunCancelled: somebody asked for it.
    """
    plugin, card = resolve(worker)
    request = worker.request
    task = get_task(request.task).divided_at(request.data.separator).named_by(request.data.classes)
    dataset, quarantine = _rows(worker, card, task)
    release()
    vectors = RowVectors(worker, plugin, card, task, dataset)
    probed = _ProbedRows(worker, task, dataset, vectors.all(quarantine))
    doubts = probed.doubts()
    target = _target(dataset)
    rows = doubtful_labels(doubts.rows, probed.examples, dataset.labels, target)
    write_doubtful_labels(rows, worker.folder.path / FILE)
    if request.out:
        write_doubtful_labels(rows, Path(request.out))
    count, agreements = len(probed.examples), probed.agreements
    metrics = {"doubtful": len(rows) / count, "agreement": agreements / count}
    if weakness := _weakness(card.name, agreements, probed.by_default, count):
        worker.emit(Warned(message=weakness))
    worker.emit(EvaluationCompleted(step=0, metrics=metrics, rows=count))
    return RunFinished(
        metrics=metrics,
        intervals=named(("agreement",), [wilson_interval(agreements, count)]),
        report=_report(rows, count, doubts.wrong),
        labels=dataset.labels,
    )


def _target(dataset: Dataset) -> TargetKind:
    assert dataset.target is not None  # see `zoo.label_data`
    return dataset.target


def _rows(worker: Worker, card: Card, task: Task) -> tuple[Dataset, Quarantine]:
    """Read the rows, and say what is to be known of them; with those that are set aside.

    Raises:
        DatasetInvalid: they are too few.
    """
    data = worker.request.data
    dataset = load(data.path, task, columns=data.columns, trained=card.columns, merge=data.merge_labels)
    check_digest(data.path, dataset.sha256, data.sha256, dataset.names_file)
    quarantine = Quarantine(worker, [dataset])
    if worker.request.task_reason:
        worker.emit(Noted(message=worker.request.task_reason))
    for message in replaced_columns(data.path, card.columns, dataset.columns, data.columns):
        worker.emit(Noted(message=message))
    columns = own_columns(data.path, dataset.columns)
    worker.emit(
        DataLoaded(
            eval_rows=len(dataset.examples),
            rejected_rows=len(quarantine),
            labels=dataset.labels,
            columns=columns,
            sha256=dataset.sha256,
        )
    )
    if trained_on := count_trained_on(card.name, dataset.examples):
        rows = counted(len(dataset.examples), "row")
        worker.emit(
            Warned(
                message=f"{card.name} was trained on {trained_on:,} of these {rows}, with their labels: what it learnt "
                "by heart is not doubted; the model that it began from has seen none of them"
            )
        )
    return dataset, quarantine


class _Agreement(NamedTuple):
    """How the labels of rows and a probe's answers lie together, both of shape (rows, labels)."""

    probabilities: Any
    has_label: Any
    """Truth values."""


class _ProbedRows:
    """Rows that are judged by one another: a probe that has learnt from some answers the others.

    Args:
        worker: of the run.
        task: that the rows are for.
        dataset: has the rows.
        vectors: of each row; not a number where it cannot be read.

    Raises:
        DatasetInvalid: they are too few.
        RunCancelled: somebody asked for it.
    """

    def __init__(self, worker: Worker, task: Task, dataset: Dataset, vectors: Any) -> None:
        import numpy as np

        target = _target(dataset)
        readable = ~np.isnan(vectors).any(axis=1)
        examples = [example for example, is_usable in zip(dataset.examples, readable, strict=True) if is_usable]
        check_judged_labels(dataset.path, len(examples))
        folds = dealt(worker, task, dataset, examples, FOLDS)
        places = {label: place for place, label in enumerate(dataset.labels)}
        has_label = np.zeros((len(examples), len(places)), dtype=bool)
        for row, example in enumerate(examples):
            has_label[row, [places[label] for label in target.labels_of(example.target)]] = True
        self.exclusive = target.has_classes
        probe = importlib.import_module("zoo.training.linear_probe")
        probabilities = probe.out_of_fold_probabilities(
            vectors[readable], has_label, folds, exclusive=self.exclusive, should_stop=worker.should_stop
        )
        known = self._known(has_label, folds)
        if not known.all():
            message = f"{counted(int((~known).sum()), 'row')} have a label that no other fold has, and are not judged"
            worker.emit(Noted(message=message))
        self.examples = [example for example, is_known in zip(examples, known, strict=True) if is_known]
        check_judged_labels(dataset.path, len(self.examples))
        self._rows = _Agreement(probabilities[known], has_label[known])

    def _known(self, has_label: Any, folds: Sequence[int]) -> Any:
        """Whether the label of a row is learnt from rows of other folds, too; of several labels each."""
        import numpy as np

        numbers = np.asarray(folds)
        of_folds = np.stack([has_label[numbers == fold].any(axis=0) for fold in range(FOLDS)])
        lone = of_folds.sum(axis=0) == 1
        return ~(has_label & lone).any(axis=1)

    def doubts(self) -> Doubts:
        """What is in doubt, by the places of `examples`."""
        probabilities, has_label = self._rows
        if self.exclusive:
            return doubts_of_classes(probabilities, has_label.argmax(axis=1))
        return doubts_of_sets(probabilities, has_label)

    @property
    def agreements(self) -> int:
        """Rows of which the probe says what the data say."""
        probabilities, has_label = self._rows
        if self.exclusive:
            return int((probabilities.argmax(axis=1) == has_label.argmax(axis=1)).sum())
        return int(((probabilities >= EVEN) == has_label).all(axis=1).sum())

    @property
    def by_default(self) -> int:
        """Rows of which the most frequent answer, given to all of them, says what the data say."""
        return max(Counter(row.tobytes() for row in self._rows.has_label).values())


def _weakness(model: str, agreements: int, by_default: int, count: int) -> str:
    """Why a list of doubts means little, in one line; empty where it means something.

    Args:
        model: whose vectors the probe reads.
        agreements: rows of which the probe says what the data say.
        by_default: rows of which the most frequent answer does.
        count: of all rows.
    """
    if agreements - by_default >= KNOWING * (count - by_default):
        return ""
    return (
        f"this list is weak: by {model} {agreements / count:.1%} of the rows have the label that they are given, and "
        f"{by_default / count:.1%} have the most frequent one, so that most labels in doubt will be right; a model "
        "that learnt such labels from other rows knows more"
    )


def _report(rows: Sequence[DoubtfulLabel], count: int, wrong: float) -> Report:
    """How many labels are in doubt, and which are taken for which; never what the rows hold."""
    text = (
        f"{len(rows):,} of {counted(count, 'label')} are in doubt; {wrong:.1%} of the labels are estimated to be wrong."
    )
    pairs = Counter((row.label, row.proposed) for row in rows).most_common(PAIRS_SHOWN)
    table = Table(
        title="Labels in doubt",
        headers=("label", "proposed", "rows"),
        rows=tuple((label, proposed, number) for (label, proposed), number in pairs),
    )
    return (*([table] if pairs else []), Paragraph(text=text))
