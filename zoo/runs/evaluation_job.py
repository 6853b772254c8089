"""Evaluation: a model's answers on labelled data, beside the labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.answers import Prediction, Rejected, TruncationCount
from zoo.blocks import Report
from zoo.card import Card
from zoo.data import Dataset, RejectedRow, load, match_labels
from zoo.data.clients import rows_by
from zoo.data.columns import own_columns, replaced_columns
from zoo.data.example import Example
from zoo.errors import DatasetInvalid
from zoo.file_cache import release
from zoo.plurals import counted
from zoo.runs.attempt import Worker
from zoo.runs.events import (
    AnyEvent,
    DataLoaded,
    EvaluationCompleted,
    Noted,
    PredictionsWritten,
    RunCancelled,
    RunFinished,
    Warned,
)
from zoo.runs.judging import CheckedJudge
from zoo.runs.mistakes import MistakeLog
from zoo.runs.preparation import load_predictor, resolve
from zoo.runs.quarantine import Quarantine, check_digest
from zoo.runs.row_answers import UntilStopped
from zoo.runs.slices import Slices
from zoo.runs.trained_on import count_trained_on
from zoo.sanitize import one_line
from zoo.tasks import get_task
from zoo.tasks.task import Task

CHUNK = 256
"""Examples handed to the predictor at once."""


def evaluate(worker: Worker) -> AnyEvent:
    """Judge a model; returns the event that ends the run.

    Raises:
        DatasetInvalid: it could answer none of the rows.
    """
    _, card = resolve(worker)
    task = get_task(worker.request.task).divided_at(worker.request.data.separator).named_by(worker.request.data.classes)
    dataset, quarantine = load_judged_data(worker, card, task)
    release()
    card, predictor = load_predictor(worker)
    labels = card.labels or dataset.labels
    judgement = _Judgement(task, labels, _slices(worker, task, labels))
    parts = [dataset.examples[start : start + CHUNK] for start in range(0, len(dataset.examples), CHUNK)]
    remaining = UntilStopped(iter(parts), worker.should_stop)
    asked = (([one.input for one in part], [one.target for one in part]) for part in remaining)
    answered = 0
    for part, answers in zip(parts, predictor.judged_chunks(asked), strict=False):
        judgement.add(part, answers)
        answered += len(part)
        worker.emit(PredictionsWritten(rows=answered, total_rows=len(dataset.examples)))
    if remaining.stopped:
        return RunCancelled()
    files = [task.input.file_of(example.input, dataset.path) for example, _ in judgement.unanswered]
    quarantine.add(
        [
            RejectedRow(file, e.row, reason, name=file if file != dataset.path else "")
            for file, (e, reason) in zip(files, judgement.unanswered, strict=True)
        ],
        eval_rows=len(files),
    )
    answered_rows = len(dataset.examples) - len(judgement.unanswered)
    if not answered_rows:
        raise DatasetInvalid(
            f"{dataset.path}: none of its {counted(len(dataset.examples), 'row')} could be answered, "
            f"the first for this reason: {judgement.unanswered[0][1]}",
            f"zoo show {card.name} says what the model takes",
        )
    if judgement.truncation.message:
        worker.emit(Warned(message=judgement.truncation.message))
    judgement.mistakes.write(worker.folder.mistakes_path)
    if worker.request.out:
        judgement.mistakes.write(Path(worker.request.out))
    figures = judgement.judge.figures()
    worker.emit(EvaluationCompleted(step=0, metrics=figures, rows=answered_rows))
    return RunFinished(
        metrics=figures,
        intervals=judgement.judge.intervals(),
        report=judgement.report(),
        labels=labels,
    )


def load_judged_data(worker: Worker, card: Card, task: Task) -> tuple[Dataset, Quarantine]:
    """Read the rows to be judged by, and say what is to be known of them."""
    data = worker.request.data
    dataset = load(data.path, task, columns=data.columns, min_classes=1, trained=card.columns)
    check_digest(data.path, dataset.sha256, data.sha256, dataset.names_file)
    if card.labels:
        dataset = match_labels(dataset, card.labels, merge=data.merge_labels)
    quarantine = Quarantine(worker, [dataset])
    if worker.request.task_reason:
        worker.emit(Noted(message=worker.request.task_reason))
    for message in replaced_columns(data.path, card.columns, dataset.columns, data.columns):
        worker.emit(Noted(message=message))
    if note := dataset.reading_note:
        worker.emit(Noted(message=f"{data.path}: {note}"))
    columns = own_columns(data.path, dataset.columns)
    worker.emit(
        DataLoaded(
            eval_rows=len(dataset.examples),
            rejected_rows=len(quarantine),
            labels=card.labels or dataset.labels,
            columns=columns,
            sha256=dataset.sha256,
        )
    )
    if trained_on := count_trained_on(card.name, dataset.examples):
        of_all = (
            f"{trained_on:,} of {counted(len(dataset.examples), task.input.name)} {'is' if trained_on == 1 else 'are'}"
        )
        message = f"{of_all} among those that {card.name} was trained on"
        worker.emit(Warned(message=f"{message}: its figures are flattered"))
    return dataset, quarantine


def _slices(worker: Worker, task: Task, labels: Sequence[str]) -> Slices | None:
    """What tells rows apart; None where nobody asked for it."""
    if not (column := worker.request.by):
        return None
    parts = rows_by(Path(worker.request.data.path), column, "rows")
    return Slices(task, labels, column, {row: value for value, rows in parts.items() for row in rows})


class _Judgement:
    """Answers beside what the data says, counted as they come."""

    def __init__(self, task: Task, labels: Sequence[str], slices: Slices | None) -> None:
        self.judge = CheckedJudge(task, labels)
        self.slices = slices
        self.mistakes = MistakeLog(task.target)
        self.truncation = TruncationCount()
        self.unanswered: list[tuple[Example, str]] = []
        """With the reason."""

    def add(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> None:
        """Count some more answers."""
        self.truncation.add(predictions)
        self.mistakes.add(examples, predictions)
        for example, answer in zip(examples, predictions, strict=True):
            if isinstance(answer, Rejected):
                self.unanswered.append((example, one_line(answer.reason)))
            else:
                self.judge.add(example.target, answer)
                if self.slices:
                    self.slices.add(example.row, example.target, answer)

    def report(self) -> Report:
        """The blocks beside the figures."""
        return (*([self.slices.table()] if self.slices else []), *self.judge.report())
