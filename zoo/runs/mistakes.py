"""Rows that a classifier answered wrongly, the most confident answer first: `mistakes.jsonl` of a run's folder.

It holds inputs of the data, which neither the events nor the result carry: they stay in the run's folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from zoo import atomic
from zoo.answers import Classification, Prediction
from zoo.data.example import Example
from zoo.runs.answer_files import AnswerColumns, AnswerRecord, format_of
from zoo.runs.store import RunFolder

COLUMNS = AnswerColumns(kept=("label",))
"""A file of answers with the right label beside each."""


class Mistake(msgspec.Struct, frozen=True):
    """A row that was answered wrongly."""

    row: int
    """1-based row of the data."""
    label: str
    """What the data says."""
    input: str
    """The text, or the path of a file."""
    prediction: Classification
    """What the model says."""


class MistakeLog:
    """Collects wrong answers while a model is judged."""

    def __init__(self) -> None:
        self._records: list[tuple[float, AnswerRecord]] = []
        """With how bad each is."""

    def __len__(self) -> int:
        return len(self._records)

    def add(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> None:
        """Take note of those answers that are wrong."""
        for example, answer in zip(examples, answers, strict=True):
            severity = answer.severity(example.label)
            if severity is not None:
                record = AnswerRecord(example.row, example.input, answer.shortened(), (example.label,))
                self._records.append((severity, record))

    def write(self, path: Path) -> None:
        """Write all of them, the worst first, in the format that the name of the file asks for."""
        answers = format_of(path)(COLUMNS)
        records = sorted(self._records, key=lambda scored: (-scored[0], scored[1].row))
        atomic.write_bytes(path, b"".join([answers.header(), *(answers.encode(record) for _, record in records)]))


def read_mistakes(folder: RunFolder) -> Iterator[Mistake]:
    """The wrong answers of a run, the most confident first; none where it judged nothing."""
    decoder = msgspec.json.Decoder(Mistake)
    if not folder.mistakes_path.exists():
        return
    with folder.mistakes_path.open("rb") as lines:
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                yield decoder.decode(line)
