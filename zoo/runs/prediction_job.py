"""Batch prediction: a file of inputs to a file of answers, in order, in constant memory.

A killed job goes on where it was: answers already in the output file are counted, a half-written record is cut off.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.answers import Rejected, TruncationCount
from zoo.answers.answer import RecordCount
from zoo.data import InputRows, count_rows, digest, stamp
from zoo.data.columns import replaced_columns
from zoo.data.example import Columns
from zoo.plurals import counted
from zoo.rendering.drawings import DrawingFolder
from zoo.runs.answer_files import AnswerColumns, AnswerFormat, AnswerRecord, answer_format, encoded
from zoo.runs.attempt import Worker
from zoo.runs.calibration import Finish
from zoo.runs.events import AnyEvent, Noted, PredictionsWritten, RunCancelled, RunFinished, Warned
from zoo.runs.log import read_events
from zoo.runs.preparation import load_predictor, resolve
from zoo.runs.quarantine import check_digest
from zoo.runs.request import DataRequest
from zoo.runs.row_answers import CHUNK, SLOW_CHUNK, UntilStopped, answer_chunks, chunks
from zoo.tasks import get_task

if TYPE_CHECKING:
    import io


FLUSH_S = 1.0


def predict(worker: Worker) -> AnyEvent:
    """Answer every row of the data; returns the event that ends the run."""
    request, data = worker.request, worker.request.data
    _check_unchanged(data)
    trained = resolve(worker)[1].columns
    rows, columns, writer = rows_and_writer(worker, trained)
    if worker.attempt == 1:
        replaced = replaced_columns(data.path, trained, rows.columns, data.columns)
        for message in (*replaced, *columns.notes()):
            worker.emit(Noted(message=message))
    card, predictor = load_predictor(worker)
    # What is loaded stays. Looking through it for garbage, each time that some answers are, would take half as long as
    # reading, answering and writing the rows of a small model.
    gc.freeze()
    out = Path(request.out)
    if request.joined_by:
        out.parent.mkdir(exist_ok=True)  # in the folder of the run that joins it with others
    written = _resume(out, writer)
    drawings = DrawingFolder(Path(request.draw), Path(data.path)) if request.draw else None
    if written.rows:
        _warn_of_calibration(worker, card.name, predictor.finish, written.rows)
    progress = Progress(worker, written, data.rows if data.rows is not None else count_rows(data.path, columns.inputs))
    with out.open("ab") as file:
        if file.tell() == 0:
            file.write(writer.header())
        size = SLOW_CHUNK if predictor.streams else CHUNK
        remaining = UntilStopped(chunks(itertools.islice(rows, written.rows, None), size), worker.should_stop)
        for records in answer_chunks(predictor.predict_chunks, remaining):
            _draw(drawings, records)
            file.write(encoded(writer, records))
            progress.add(records)
            if progress.due:
                _flush(file)
                progress.emit()
        _flush(file)
        if remaining.stopped:
            return progress.cancel()
    if drawings and drawings.warning:
        worker.emit(Warned(message=drawings.warning))
    calibration = predictor.finish.calibration.digest if predictor.finish else ""
    return progress.finish(answers=_sha256(out), calibration=calibration)


def rows_and_writer(worker: Worker, trained: Columns) -> tuple[InputRows, AnswerColumns, AnswerFormat]:
    """The rows that a run answers, the columns of its answers, and what writes them.

    Args:
        worker: of the run.
        trained: the columns that the model was trained on.
    """
    request, data, task = worker.request, worker.request.data, get_task(worker.request.task)
    rows = InputRows(data.path, task, columns=data.columns, keep=request.keep, trained=trained, part=data.part)
    columns = AnswerColumns(rows.carried, tuple(rows.columns.values()), rows.words_apart)
    return rows, columns, answer_format(Path(request.out), request.format, task)(columns)


def _check_unchanged(data: DataRequest) -> None:
    """Insist on the bytes the run was asked for; whoever reads a part of a large file need not read all of it."""
    if data.stamp is None or data.stamp != stamp(data.path):
        check_digest(data.path, digest(data.path), data.sha256)


class Progress:
    """Counts what is written, over all attempts, and reports it."""

    def __init__(self, worker: Worker, written: RecordCount, total_rows: int | None) -> None:
        self.rows, self.rejected = written.rows, written.rejected
        self._worker, self._total_rows = worker, total_rows
        self._first_row, self._began, self._reported_at = written.rows, time.monotonic(), 0.0
        self._truncation = TruncationCount()
        worker.emit(PredictionsWritten(rows=self.rows, rejected=self.rejected, total_rows=total_rows))

    @property
    def due(self) -> bool:
        """Whether it is time to report."""
        return time.monotonic() - self._reported_at >= FLUSH_S

    def add(self, records: list[AnswerRecord]) -> None:
        """Count what is written now."""
        self.rows += len(records)
        self.rejected += sum(isinstance(record.answer, Rejected) for record in records)
        self._truncation.add(record.answer for record in records)

    def count(self, finished: RunFinished) -> None:
        """Count what another run has written."""
        self.rows += int(finished.metrics.get("rows", 0))
        self.rejected += int(finished.metrics.get("rejected", 0))

    def report(self, rows: int, rejected: int) -> None:
        """Report what others have written by now, where that is more than before.

        Args:
            rows: all of them.
            rejected: of these.
        """
        if (rows, rejected) != (self.rows, self.rejected):
            if not self._reported_at:  # what is there from earlier attempts says nothing of the rate
                self._first_row, self._began = rows, time.monotonic()
            self.rows, self.rejected = rows, rejected
            self.emit()

    def emit(self) -> None:
        """Report."""
        self._reported_at = time.monotonic()
        rate = (self.rows - self._first_row) / max(self._reported_at - self._began, 1e-9)
        self._worker.emit(
            PredictionsWritten(rows=self.rows, rejected=self.rejected, total_rows=self._total_rows, samples_per_s=rate)
        )

    def cancel(self) -> RunCancelled:
        """Report what is to be known of the part that is done."""
        self._warn()
        return RunCancelled(step=self.rows)

    def finish(self, *, answers: str, calibration: str) -> RunFinished:
        """Report the last of it.

        Args:
            answers: the sha256 of the file that is written.
            calibration: digest of that of the model.
        """
        self._total_rows = self.rows
        self.emit()
        self._warn()
        rejected = {"rejected": float(self.rejected)} if self.rejected else {}
        return RunFinished(metrics={"rows": float(self.rows)} | rejected, answers=answers, calibration=calibration)

    def _warn(self) -> None:
        if self._truncation.message:
            self._worker.emit(Warned(message=self._truncation.message))


def _warn_of_calibration(worker: Worker, model: str, finish: Finish | None, rows: int) -> None:
    """Say that the model was calibrated since the answers that are there already."""
    began_at = next(
        (event.at for event in read_events(worker.folder)[0] if isinstance(event, PredictionsWritten)), None
    )
    if finish is not None and began_at is not None and finish.calibration.created_at > began_at:
        message = f"{model} was calibrated since this run began"
        worker.emit(Warned(message=f"{message}: its first {counted(rows, 'answer')} may have other probabilities"))


def _draw(drawings: DrawingFolder | None, records: list[AnswerRecord]) -> None:
    """Draw answers; those of rows that are answered once more, after a kill, replace their drawings."""
    if drawings is None:
        return
    for record in records:
        drawings.draw(str(record.input), record.answer)


def _resume(out: Path, writer: AnswerFormat) -> RecordCount:
    """What the output has already; a half-written last record is cut off."""
    if not out.exists():
        return RecordCount()
    with out.open("rb+") as file:
        count = writer.count(file)
        file.truncate(count.end)
    return count


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(file: io.BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())
