"""Rows that a model answered wrongly, the worst first: `mistakes.jsonl` of a run's folder.

It holds inputs of the data, which neither the events nor the result carry: they stay in the run's folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo import atomic
from zoo.answers import Answer, Prediction
from zoo.data.example import Example
from zoo.errors import PluginBroken, Unsupported
from zoo.kinds.kind import TARGET
from zoo.kinds.target_kind import TargetKind
from zoo.runs.answer_files import AnswerColumns, AnswerRecord, format_of
from zoo.runs.store import RunFolder
from zoo.tasks import get_task


class Mistake(msgspec.Struct, frozen=True):
    """A row that was answered wrongly."""

    row: int
    """1-based row of the data."""
    target: Any
    """What the data says: of a classifier the label."""
    input: Any
    """The text, the path of a file, or a dict of several inputs by their roles."""
    prediction: Answer
    """What the model says, as the answer of the run's task."""

    @property
    def label(self) -> Any:
        """The target, as it was called up to version 0.1."""
        return self.target


class MistakeLog:
    """Collects wrong answers while a model is judged.

    Args:
        target: what the data say of each input.
    """

    def __init__(self, target: TargetKind | None) -> None:
        self._columns = AnswerColumns(carried=(TARGET,), target=target)
        self._records: list[tuple[float, AnswerRecord]] = []
        """With how bad each is."""

    def __len__(self) -> int:
        return len(self._records)

    def add(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> None:
        """Take note of those answers that are wrong."""
        for example, answer in zip(examples, answers, strict=True):
            severity = answer.severity(example.target)
            if severity is not None:
                record = AnswerRecord(example.row, example.input, answer.shortened(), (example.target,))
                self._records.append((severity, record))

    def write(self, path: Path) -> None:
        """Write all of them, the worst first, in the format that the name of the file asks for."""
        answers = format_of(path)(self._columns)
        records = sorted(self._records, key=lambda scored: (-scored[0], scored[1].row))
        atomic.write_bytes(path, b"".join([answers.header(), *(answers.encode(record) for _, record in records)]))


def read_mistakes(folder: RunFolder) -> Iterator[Mistake]:
    """The wrong answers of a run, the worst first; none where it judged nothing, or its task is not installed."""
    if not folder.mistakes_path.exists():
        return
    try:
        task = get_task(folder.task)
    except (Unsupported, PluginBroken):
        return
    with folder.mistakes_path.open("rb") as lines:
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, KeyError):
                record = msgspec.json.decode(line, type=dict[str, Any])
                prediction = msgspec.convert(record["prediction"], task.answer)
                yield Mistake(record["row"], record[TARGET], record["input"], prediction)
