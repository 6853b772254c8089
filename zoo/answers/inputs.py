"""Inputs that are answered whatever the model is: text that cannot be read, text that was read in part."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any

from zoo.answers.prediction import Prediction
from zoo.answers.rejected import Rejected
from zoo.encoding import is_encodable
from zoo.plurals import counted


class TruncationCount:
    """How many inputs of a job were longer than what the model reads."""

    def __init__(self) -> None:
        self._answered = 0
        self._truncated = 0
        self._max_tokens = 0

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Count some more answers."""
        for prediction in predictions:
            if isinstance(prediction, Rejected):
                continue
            self._answered += 1
            if prediction.truncated_at is not None:
                self._truncated += 1
                self._max_tokens = max(self._max_tokens, prediction.truncated_at)

    @property
    def message(self) -> str:
        """The share in words; empty where nothing was cut."""
        if not self._truncated:
            return ""
        verb = "is" if self._truncated == 1 else "are"
        share = f"{self._truncated:,} of {counted(self._answered, 'input')} ({self._truncated / self._answered:.1%})"
        return f"{share} {verb} longer than the {self._max_tokens:,} tokens that the model reads, and {verb} cut there"


def is_encodable_input(value: Any) -> bool:
    """Whether UTF-8 can encode all texts of an input."""
    if isinstance(value, Mapping):
        return all(map(is_encodable_input, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_encodable_input, value))
    return not isinstance(value, str) or is_encodable(value)


def predict_encodable(predict: Callable[[list[Any]], list[Prediction]], inputs: Sequence[Any]) -> list[Prediction]:
    """Answer the inputs, in order; text that is not UTF-8 is rejected in its place."""
    encodable = list(map(is_encodable_input, inputs))
    readable = list(compress(inputs, encodable))
    return _in_place(predict(readable) if readable or not inputs else [], encodable)


def predict_encodable_chunks(
    predict_chunks: Callable[[Iterable[list[Any]]], Iterator[list[Prediction]]], chunks: Iterable[list[Any]]
) -> Iterator[list[Prediction]]:
    """The same for chunk after chunk, some of which may be taken ahead of their answers."""
    waiting: deque[list[bool]] = deque()

    def readable() -> Iterator[list[Any]]:
        for chunk in chunks:
            waiting.append(list(map(is_encodable_input, chunk)))
            yield list(compress(chunk, waiting[-1]))

    for answers in predict_chunks(readable()):
        yield _in_place(answers, waiting.popleft())


def _in_place(answers: list[Prediction], encodable: list[bool]) -> list[Prediction]:
    """The answers to the inputs that are encodable, and a rejection in the place of each of the others."""
    if all(encodable):
        return answers
    rest = iter(answers)
    return [next(rest) if answerable else Rejected("it holds bytes that are not UTF-8") for answerable in encodable]
