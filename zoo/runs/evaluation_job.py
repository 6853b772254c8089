"""Evaluation: a model's answers on labelled data, beside the labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.answers import CalibratableAnswer, Prediction, Rejected, TruncationCount
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
from zoo.runs.calibrating import CalibrationEffect, CalibrationRows
from zoo.runs.calibration import Finish
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
    calibrated = _Calibrated(worker, card, dataset)
    release()
    card, predictor = load_predictor(worker)
    labels = card.labels or dataset.labels
    judgement = _Judgement(task, labels, _slices(worker, task, labels))
    calibrated.begin(predictor.finish)
    parts = [dataset.examples[start : start + CHUNK] for start in range(0, len(dataset.examples), CHUNK)]
    remaining = UntilStopped(iter(parts), worker.should_stop)
    asked = (([one.input for one in part], [one.target for one in part]) for part in remaining)
    answered = 0
    for part, answers in zip(parts, predictor.judged_chunks(asked), strict=False):
        judgement.add(part, answers)
        calibrated.add(part, answers)
        answered += len(part)
        worker.emit(PredictionsWritten(rows=answered, total_rows=len(dataset.examples)))
    if remaining.stopped:
        return RunCancelled()
    answered_rows = _answered_rows(task, dataset, quarantine, judgement.unanswered, card)
    if judgement.truncation.message:
        worker.emit(Warned(message=judgement.truncation.message))
    judgement.mistakes.write(worker.folder.mistakes_path)
    if worker.request.out:
        judgement.mistakes.write(Path(worker.request.out))
    figures = judgement.judge.figures()
    worker.emit(EvaluationCompleted(step=0, metrics=figures, rows=answered_rows))
    calibrated.conclude()
    return RunFinished(
        metrics=figures,
        intervals=judgement.judge.intervals(),
        report=judgement.report(),
        labels=labels,
        calibration=predictor.finish.calibration.digest if predictor.finish else "",
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


def _answered_rows(
    task: Task, dataset: Dataset, quarantine: Quarantine, unanswered: Sequence[tuple[Example, str]], card: Card
) -> int:
    """How many rows were answered; the others are set aside.

    Raises:
        DatasetInvalid: none was.
    """
    files = [task.input.file_of(example.input, dataset.path) for example, _ in unanswered]
    quarantine.add(
        [
            RejectedRow(file, e.row, reason, name=file if file != dataset.path else "")
            for file, (e, reason) in zip(files, unanswered, strict=True)
        ],
        eval_rows=len(files),
    )
    if len(unanswered) == len(dataset.examples):
        raise DatasetInvalid(
            f"{dataset.path}: none of its {counted(len(dataset.examples), 'row')} could be answered, "
            f"the first for this reason: {unanswered[0][1]}",
            f"zoo show {card.name} says what the model takes",
        )
    return len(dataset.examples) - len(unanswered)


def _slices(worker: Worker, task: Task, labels: Sequence[str]) -> Slices | None:
    """What tells rows apart; None where nobody asked for it."""
    if not (column := worker.request.by):
        return None
    parts = rows_by(Path(worker.request.data.path), column, "rows")
    return Slices(task, labels, column, {row: value for value, rows in parts.items() for row in rows})


class _Calibrated:
    """What an evaluation has to do with the calibration of its model: it makes one, or says what there is bought.

    Args:
        worker: of the evaluation.
        card: of the model.
        dataset: that it is judged by.

    Raises:
        DatasetInvalid: there are too few rows to calibrate it by.
    """

    def __init__(self, worker: Worker, card: Card, dataset: Dataset) -> None:
        self._rows = CalibrationRows(card, dataset) if worker.request.calibrate else None
        self._effect: CalibrationEffect | None = None
        self._worker, self._card, self._sha256 = worker, card, dataset.sha256

    def begin(self, finish: Finish | None) -> None:
        """Note what becomes of the answers of the model, where it was calibrated before."""
        if finish is None:
            return
        self._effect = CalibrationEffect(finish.calibration, len(self._card.labels))
        if finish.calibration.sha256 == self._sha256:
            message = f"{self._card.name} was calibrated on these rows: what is said of that is flattered"
            self._worker.emit(Warned(message=message))

    def add(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> None:
        """Count some more answers."""
        for counts in (self._rows, self._effect):
            if counts is not None:
                pairs = zip(examples, predictions, strict=True)
                calibratable = [(one, answer) for one, answer in pairs if isinstance(answer, CalibratableAnswer)]
                counts.add([one for one, _ in calibratable], [answer for _, answer in calibratable])

    def conclude(self) -> None:
        """Keep the calibration that was asked for; say what it is worth, or the one before."""
        replays = bool(self._worker.request.replays)  # which leaves the model as it is
        if message := (
            self._rows.calibrate(keep=not replays) if self._rows else self._effect.message if self._effect else ""
        ):
            self._worker.emit(Noted(message=message))


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
