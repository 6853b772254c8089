"""Answers to the rows of a data set, so many at a time: what a batch prediction and `zoo predict` have in common."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from zoo.answers import Prediction, Rejected
from zoo.data.example import Example, RejectedRow
from zoo.runs.answer_files import AnswerRecord

CHUNK, SLOW_CHUNK = 512, 32
"""Rows of a batch prediction that are answered at once, between two looks at the clock and at the wish to stop; the
second where answers are written. What divides rows among runs divides no chunk, so that the answers stay the same."""
Chunk = TypeVar("Chunk")
CarriedRow = tuple[Example | RejectedRow, tuple[Any, ...]]
"""A row of the data, and those of its cells that are carried along."""


def answer(answer_all: Callable[[list[Any]], list[Prediction]], chunk: list[CarriedRow]) -> list[AnswerRecord]:
    """Answer a chunk, in order; rows that could not be read are rejected in their place."""
    readable = _readable(chunk)
    return _records(chunk, answer_all(readable) if readable else [])


def answer_chunks(
    answer_all: Callable[[Iterable[list[Any]]], Iterator[list[Prediction]]], chunks: Iterable[list[CarriedRow]]
) -> Iterator[list[AnswerRecord]]:
    """The same for chunk after chunk, by what may take some of them ahead of their answers."""
    waiting: deque[list[CarriedRow]] = deque()

    def readable() -> Iterator[list[Any]]:
        for chunk in chunks:
            waiting.append(chunk)
            yield _readable(chunk)

    for answers in answer_all(readable()):
        yield _records(waiting.popleft(), answers)


def chunks(rows: Iterable[CarriedRow], size: int) -> Iterator[list[CarriedRow]]:
    """The rows, so many at a time."""
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


class UntilStopped(Iterator[Chunk]):
    """Chunks of rows, until someone asks the run to stop; those taken by then are still answered."""

    def __init__(self, chunks: Iterator[Chunk], should_stop: Callable[[], bool]) -> None:
        self._chunks, self._should_stop = chunks, should_stop
        self.stopped = False

    def __next__(self) -> Chunk:
        chunk = next(self._chunks)
        self.stopped = self.stopped or self._should_stop()
        if self.stopped:
            raise StopIteration
        return chunk


def _readable(chunk: list[CarriedRow]) -> list[Any]:
    return [item.input for item, _ in chunk if isinstance(item, Example)]


def _records(chunk: list[CarriedRow], answers: Iterable[Prediction]) -> list[AnswerRecord]:
    rest = iter(answers)
    return [
        AnswerRecord(item.row, item.input, next(rest), cells)
        if isinstance(item, Example)
        else AnswerRecord(item.row, "", Rejected(item.reason), cells)
        for item, cells in chunk
    ]
