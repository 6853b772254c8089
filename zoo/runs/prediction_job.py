"""Batch prediction: a file of inputs to a file of answers, in order, in constant memory.

A killed job goes on where it was: answers already in the output file are counted, a half-written line is cut off.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.data import count_rows, digest, stream
from zoo.data.example import Example, RejectedRow
from zoo.prediction import Classification, Embedding, FilledMask, Prediction, Rejected
from zoo.runs.events import AnyEvent, PredictionsWritten, RunCancelled, RunFinished
from zoo.runs.preparation import load_predictor
from zoo.runs.quarantine import check_digest
from zoo.task import get_task

if TYPE_CHECKING:
    from zoo.runs.worker import Worker

CHUNK = 512
"""Rows answered between two looks at the clock and at the wish to stop."""
FLUSH_S = 1.0
CSV_HEADER = ("row", "input", "prediction", "probability", "rejected")


def predict(worker: Worker) -> AnyEvent:
    """Answer every row of the data; returns the event that ends the run."""
    request = worker.request
    check_digest(request.data.path, digest(request.data.path), request.data.sha256)
    _, predictor = load_predictor(worker)
    out = Path(request.out)
    done = _answered(out)
    rows = stream(request.data.path, get_task(request.task), input_column=request.data.input_column)
    total = count_rows(request.data.path)
    worker.emit(PredictionsWritten(rows=done, total_rows=total))
    began, first, told_at = time.monotonic(), done, 0.0
    with out.open("ab") as file:
        if out.suffix.lower() == ".csv" and file.tell() == 0:
            file.write(_csv_line(CSV_HEADER))
        for chunk in _chunks(itertools.islice(rows, done, None)):
            if worker.should_stop():
                _flush(file)
                return RunCancelled(step=done)
            for row, answer in zip(chunk, answers(predictor, chunk), strict=True):
                file.write(_line(out, row, answer))
            done += len(chunk)
            if time.monotonic() - told_at >= FLUSH_S:
                _flush(file)
                told_at = time.monotonic()
                rate = (done - first) / (told_at - began)
                worker.emit(PredictionsWritten(rows=done, total_rows=total, samples_per_s=rate))
        _flush(file)
    rate = (done - first) / max(time.monotonic() - began, 1e-9)
    worker.emit(PredictionsWritten(rows=done, total_rows=done, samples_per_s=rate))
    return RunFinished(metrics={"rows": float(done)})


def answers(predictor: Any, chunk: list[Example | RejectedRow]) -> list[Prediction]:
    """Answer a chunk; rows that could not be read are rejected in their place."""
    readable = [row.input for row in chunk if isinstance(row, Example)]
    answered = iter(predictor.predict(readable) if readable else [])
    return [next(answered) if isinstance(row, Example) else Rejected(row.reason) for row in chunk]


def _chunks(rows: Iterator[Example | RejectedRow]) -> Iterator[list[Example | RejectedRow]]:
    while chunk := list(itertools.islice(rows, CHUNK)):
        yield chunk


def _line(out: Path, row: Example | RejectedRow, answer: Prediction) -> bytes:
    text = row.input if isinstance(row, Example) else ""
    if out.suffix.lower() == ".csv":
        return _csv_line((row.row, text, *_flat(answer)))
    return msgspec.json.encode({"row": row.row, "input": text, "prediction": answer}) + b"\n"


def _flat(answer: Prediction) -> tuple[Any, Any, str]:
    """Prediction, probability and reason, as a table has room for."""
    match answer:
        case Classification():
            return answer.label, f"{answer.probability:.6f}", ""
        case FilledMask():
            return answer.text, f"{answer.scores[0].probability:.6f}", ""
        case Embedding():
            return " ".join(f"{x:.6g}" for x in answer.vector), "", ""
        case Rejected():
            return "", "", answer.reason


def _csv_line(values: tuple[Any, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(
        [str(value).replace("\r", " ").replace("\n", " ") for value in values]
    )
    return buffer.getvalue().encode()


def _answered(out: Path) -> int:
    """Rows the output already has; a half-written last line is cut off."""
    if not out.exists():
        return 0
    with out.open("rb+") as file:
        lines = whole = 0
        for line in file:
            if line.endswith(b"\n"):
                lines, whole = lines + 1, whole + len(line)
        file.truncate(whole)
    return max(0, lines - 1) if out.suffix.lower() == ".csv" else lines


def _flush(file: io.BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())
