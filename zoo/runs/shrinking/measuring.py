"""What a model takes to answer: memory, time for one row, time for many."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from zoo.data.example import Example
from zoo.disk import is_full, store_error
from zoo.errors import RunCancelled, ZooError
from zoo.memory import forget_peak, peak_bytes, release_memory, resident_bytes
from zoo.runs.hooks import CheckedPredictor
from zoo.runs.row_answers import UntilStopped

CHUNK = 256
"""Rows handed to the predictor at once."""
ALONE = 30
"""Rows that are answered one by one."""
WARMED = 8
"""Rows that are answered before anything is timed: what is made ready at the first call is paid once."""


class Stopped(Exception):
    """Somebody asked the run to stop while rows were answered."""


def check_stop(should_stop: Callable[[], bool]) -> None:
    """Go no further where a stop was asked for.

    Raises:
        Stopped: it was.
    """
    if should_stop():
        raise Stopped


class Answered(NamedTuple):
    """The answers of a model, and what they took."""

    answers: list[Any]
    """What the judge of the task is given for each row."""
    memory_bytes: int
    """Most that loading and answering added to the memory of the process."""
    latency_s: float
    """Median of answering one row alone."""
    rows_per_s: float
    """Of answering all of them."""


def reason_of(error: Exception) -> str:
    """Why a model that was tried is none, in one line.

    Raises:
        Exception: the error itself where the model is not at fault: somebody asked for a stop, or the disk is full, so
            that the run goes on from what was done once there is room.
    """
    if isinstance(error, Stopped | RunCancelled) or is_full(error):
        raise error
    told = (store_error(error) if isinstance(error, OSError) else None) or error
    return told.message if isinstance(told, ZooError) else f"{type(told).__name__}: {told}"


def answer_rows(
    load: Callable[[], CheckedPredictor],
    examples: Sequence[Example],
    should_stop: Callable[[], bool],
    on_progress: Callable[[int], None],
) -> Answered:
    """Load a model, answer all rows, and measure both.

    Args:
        load: loads it.
        examples: the rows.
        should_stop: asked before each chunk.
        on_progress: told how many are answered.

    Raises:
        Stopped: somebody asked for it.
    """
    release_memory()
    before = resident_bytes()
    forget_peak()
    predictor = load()
    inputs = [example.input for example in examples]
    predictor.predict(inputs[:WARMED])
    latency_s = statistics.median(_seconds(predictor, one) for one in inputs[:ALONE])
    begun = time.perf_counter()
    answers = list(_answers(predictor, examples, should_stop, on_progress))
    rows_per_s = len(examples) / (time.perf_counter() - begun)
    return Answered(answers, max(0, peak_bytes() - before), latency_s, rows_per_s)


def _seconds(predictor: CheckedPredictor, input: Any) -> float:
    begun = time.perf_counter()
    predictor.predict([input])
    return time.perf_counter() - begun


def _answers(
    predictor: CheckedPredictor,
    examples: Sequence[Example],
    should_stop: Callable[[], bool],
    on_progress: Callable[[int], None],
) -> Iterator[Any]:
    parts = (examples[start : start + CHUNK] for start in range(0, len(examples), CHUNK))
    remaining = UntilStopped(iter(parts), should_stop)
    asked = (([one.input for one in part], [one.target for one in part]) for part in remaining)
    done = 0
    for answers in predictor.judged_chunks(asked):
        yield from answers
        done += len(answers)
        on_progress(done)
    if remaining.stopped:
        raise Stopped
