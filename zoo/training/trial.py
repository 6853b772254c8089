"""The first steps of a training, taken to see how fast they are and how much memory they need; nothing of it stays."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from zoo.portions import Portions
from zoo.runs.events import MicroBatchHalved
from zoo.training.device_memory import forget_peak, limit_bytes, peak_bytes
from zoo.training.examples import Examples
from zoo.training.micro_batch import chosen_sizes
from zoo.training.optimizer_step import OptimizerSteps
from zoo.training.out_of_memory import FittingSteps
from zoo.training.parallel import gather_objects, sum_over_ranks
from zoo.training.private.sampling import training_batches
from zoo.training.rehearsal import gradients, longest
from zoo.training.setup import TrainingSetup

MEASURED_S = 1.5
"""How long steps are taken to see how fast they are."""


class Trial(NamedTuple):
    """What came out."""

    samples_per_s: float
    """Without the first step's warm-up; 0 where there was no other."""
    micro_batch_size: int
    """Most examples that a process computes at once, after all that did not fit."""
    memory_bytes: int
    """The most that was in use at once, also with the longest examples; of processes that share a memory, of all."""
    limit_bytes: int
    """What could have been in use there; 0 where that is not known."""


def try_out(setup: TrainingSetup, train_sets: Sequence[Examples]) -> Trial:
    """Take a few steps, and compute the gradients of the longest examples of each source."""
    device = setup.accelerator.device
    limit = limit_bytes(device)
    forget_peak(device)
    steps = OptimizerSteps(setup, lambda event: None)
    batches = training_batches(setup, train_sets, chosen_sizes(setup, train_sets))
    setup.method.train_mode()
    with contextlib.closing(FittingSteps(setup, steps, batches, setup.run.emit)) as fitting:
        samples_per_s = _rate(setup, fitting, steps)
    for source, examples in enumerate(train_sets):
        batches.micro_batch_sizes[source] = _rehearse(setup, source, examples, batches.micro_batch_sizes[source])
    peaks, limits, sizes = zip(
        *gather_objects((peak_bytes(device), limit, max(batches.micro_batch_sizes)), setup.accelerator), strict=True
    )
    return Trial(samples_per_s, min(sizes), sum(peaks) if device.type == "cpu" else max(peaks), min(limits))


def _rate(setup: TrainingSetup, fitting: FittingSteps, steps: OptimizerSteps) -> float:
    """Examples a second of the first steps but one."""
    examples = 0
    fitting.take(1)
    steps.settle()
    began = time.perf_counter()
    for step in range(2, setup.plan.steps + 1):
        taken = fitting.take(step)
        examples += taken.examples
        (votes,) = sum_over_ranks([float(time.perf_counter() - began > MEASURED_S)], setup.accelerator)
        if votes or taken.stop_requested:
            break
    steps.settle()
    elapsed_s = time.perf_counter() - began
    return examples / elapsed_s if examples else 0.0


def _rehearse(setup: TrainingSetup, source: int, examples: Examples, size: int) -> int:
    """Compute the gradients of the longest examples of a source; returns how many of them fit in at once."""
    one = setup.sources[source]

    def halved(most: int, reason: str) -> None:
        setup.run.emit(MicroBatchHalved(step=1, micro_batch_size=most, reason=reason, source=one.name))

    portions = Portions(size, halved)
    for _ in portions.each(lambda indices: gradients(setup, source, examples, indices), longest(examples, size)):
        setup.method.module.zero_grad()
    return portions.most
