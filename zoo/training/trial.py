"""The first steps of a training, taken to see how fast they are and how much memory they need; nothing of it stays.

They are not those of the training: they stand for all of its steps, from the cheapest
to the dearest. Each is taken twice where there is time, as batches of a new shape cost more than others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from zoo.portions import Portions
from zoo.runs.events import MicroBatchHalved
from zoo.training.device_memory import forget_peak, limit_of_all, of_machines, peak_bytes
from zoo.training.examples import Examples
from zoo.training.loader import MicroBatchRequest, TrainingBatches, collated
from zoo.training.micro_batch import chosen_sizes
from zoo.training.optimizer_step import OptimizerSteps
from zoo.training.out_of_memory import FittingSteps
from zoo.training.parallel import gather_objects, in_any_rank
from zoo.training.private.sampling import training_batches
from zoo.training.rehearsal import gradients, longest
from zoo.training.setup import TrainingSetup
from zoo.training.typical_steps import ChosenBatches, TypicalStep, mean_of_all, sampled_steps, typical_steps

MEASURED_S = 1.5
"""How long steps are taken at least, if the training has as many."""
LONGEST_S = 15.0
"""How long they are taken at most, but for the first two."""
NEW_SHAPES = 0.1
"""Share of a step from which on it matters that a shape comes for the first time."""
COLLATED, COLLATED_S = 60, 2.0
"""Steps, and seconds, in which the shapes of batches are counted."""


class Trial(NamedTuple):
    """What came out."""

    samples_per_s: float
    """Without what the first step takes beyond others."""
    micro_batch_size: int
    """Most examples that a process computes at once, after all that did not fit."""
    memory_bytes: int
    """The most that was in use at once, also with the longest examples; of those that share a memory, together."""
    limit_bytes: int
    """What could have been in use there; 0 where that is not known."""
    times: StepTimes
    steps: OptimizerSteps
    """Whose optimizer has its moments."""


class StepTimes(NamedTuple):
    """What steps took."""

    first_s: float
    step_s: float
    """The mean over all steps of the training."""
    shapes_s: float
    """What new shapes take beyond that, in the whole training."""
    taken: int
    """Steps taken after the first."""


def try_out(setup: TrainingSetup, train_sets: Sequence[Examples]) -> Trial:
    """Take a few steps, and compute the gradients of the longest examples of each source."""
    device = setup.accelerator.device
    limit = limit_of_all(setup.accelerator)
    forget_peak(device)
    began = time.perf_counter()
    steps = OptimizerSteps(setup, lambda event: None)
    batches = training_batches(setup, train_sets, chosen_sizes(setup, train_sets))
    prepared_s = time.perf_counter() - began
    setup.method.train_mode()
    typical = typical_steps(setup, batches, train_sets)
    chosen = ChosenBatches(setup, train_sets, batches, [step.number for step in typical])
    with contextlib.closing(FittingSteps(setup, steps, chosen, setup.run.emit)) as fitting:
        times = _times(setup, fitting, steps, typical)
    shapes_s = 0.0
    if times.new_s > NEW_SHAPES * times.step_s * (len(typical) - 1):
        shapes_s = _new_shapes_s(setup, train_sets, batches, typical, times.new_s)
    for source, examples in enumerate(train_sets):
        batches.micro_batch_sizes[source] = _rehearse(setup, source, examples, batches.micro_batch_sizes[source])
    peaks, sizes = zip(
        *gather_objects((peak_bytes(device), max(batches.micro_batch_sizes)), setup.accelerator), strict=True
    )
    return Trial(
        samples_per_s=setup.plan.batch_size / times.step_s,
        micro_batch_size=min(sizes),
        memory_bytes=max(of_machines(peaks) if device.type == "cpu" else peaks),
        limit_bytes=limit,
        times=StepTimes(prepared_s + times.first_s, times.step_s, shapes_s, times.taken),
        steps=steps,
    )


class _Times(NamedTuple):
    first_s: float
    step_s: float
    new_s: float
    """What the chosen steps but the first took more when they were taken for the first time, together."""
    taken: int


def _times(
    setup: TrainingSetup, fitting: FittingSteps, steps: OptimizerSteps, typical: Sequence[TypicalStep]
) -> _Times:
    """Of each typical step, taken twice or more if there is time."""
    new: dict[int, float] = {}
    again: dict[int, list[float]] = {}
    taken, began = 0, time.perf_counter()
    while True:
        place = taken % len(typical) + 1
        at = time.perf_counter()
        stop = fitting.take(place).stop_requested | steps.settle()
        seconds = time.perf_counter() - at
        number, taken = typical[place - 1].number, taken + 1
        if taken <= len(typical):
            new[number] = seconds
        else:
            again.setdefault(number, []).append(seconds)
        elapsed = time.perf_counter() - began
        enough = elapsed > LONGEST_S or (
            taken >= 2 * len(typical) and (elapsed > MEASURED_S or taken >= setup.plan.steps)
        )
        if taken >= 2 and in_any_rank(stop or enough, setup.accelerator):
            break
    first = typical[0].number
    first_s = new.pop(first)
    usual = {number: sorted(seconds)[len(seconds) // 2] for number, seconds in again.items()}
    both = new.keys() & usual.keys()
    slower = sum(new[number] for number in both) / sum(usual[number] for number in both) if both else 1.0
    mean = mean_of_all(typical, {number: seconds / slower for number, seconds in new.items()} | usual)
    more = sum(new[number] - usual[number] for number in both) * (len(new) / len(both) if both else 0.0)
    return _Times(first_s, mean, max(0.0, more), taken - 1)


def _new_shapes_s(
    setup: TrainingSetup,
    train_sets: Sequence[Examples],
    batches: TrainingBatches,
    typical: Sequence[TypicalStep],
    new_s: float,
) -> float:
    """What is lost to shapes in the whole training, by what those of the typical steps took."""
    shapes: dict[object, int] = {}
    first = len(typical)
    numbers = [step.number for step in typical] + sampled_steps(setup.plan.steps, COLLATED)
    of_typical, began, looked_at = 1, time.perf_counter(), 0
    for looked_at, number in enumerate(numbers, start=1):
        for shape in _shapes(setup, train_sets, batches, number):
            shapes[shape] = shapes.get(shape, 0) + 1
        if looked_at == first:
            of_typical = len(shapes)
        elif looked_at > first and time.perf_counter() - began > COLLATED_S:
            break
    return new_s * _in_all(list(shapes.values()), setup.plan.steps / looked_at) / max(1, of_typical - 1)


def _shapes(
    setup: TrainingSetup, train_sets: Sequence[Examples], batches: TrainingBatches, number: int
) -> Iterator[object]:
    """Of the micro-batches of a step."""
    for batch in batches.of(number):
        requests = [MicroBatchRequest(train_sets[batch.source], part, batch.epoch) for part in batches.parts(batch)]
        with contextlib.closing(collated(setup, requests)) as weighted:
            for inputs, _ in weighted:
                yield batch.source, _shape(inputs)


def _shape(inputs: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple((name, tuple(tensor.shape)) for name, tensor in sorted(inputs.items()) if hasattr(tensor, "shape"))


def _in_all(counts: Sequence[int], times_more: float) -> float:
    """How many different things there are among so many times more, by how often each was seen (Chao 1984)."""
    once, twice = counts.count(1), counts.count(2)
    unseen = once**2 / (2 * twice) if twice else once * (once - 1) / 2
    return min(len(counts) + unseen, len(counts) * max(1.0, times_more))


def _rehearse(setup: TrainingSetup, source: int, examples: Examples, size: int) -> int:
    """Compute the gradients of the longest examples of a source; returns how many of them fit in at once."""
    one = setup.sources[source]

    def halved(most: int, reason: str) -> None:
        setup.run.emit(MicroBatchHalved(step=1, micro_batch_size=most, reason=reason, source=one.name))

    portions = Portions(size, halved)
    for _ in portions.each(lambda indices: gradients(setup, source, examples, indices), longest(examples, size)):
        setup.method.module.zero_grad()
    return portions.most
