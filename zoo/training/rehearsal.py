"""The gradients of the longest examples, which need the most memory: computed to see how much that is."""

from __future__ import annotations

import numpy as np

from zoo.training.batches import MicroBatch
from zoo.training.company import few_of
from zoo.training.examples import Examples
from zoo.training.loader import collated_once
from zoo.training.objective import output_of
from zoo.training.setup import TrainingSetup


def longest(examples: Examples, count: int) -> list[int]:
    """So many of them, or all there are."""
    order: list[int] = np.argsort(np.asarray(examples.lengths), kind="stable")[-count:].tolist()
    return order


def gradients(setup: TrainingSetup, source: int, examples: Examples, indices: list[int]) -> None:
    """Let the parameters have the gradients of some examples of a source, computed at once.

    In this process alone, or where the network is divided in all of them, each with the same examples.
    """
    setup.passed(
        lambda: _gradients(setup, source, examples, indices),
        lambda: _gradients(setup, source, examples, few_of(indices, examples.lengths)),
    )


def _gradients(setup: TrainingSetup, source: int, examples: Examples, indices: list[int]) -> None:
    objective, module = setup.sources[source].objective, setup.network(source)
    inputs, weights = collated_once(setup, examples, MicroBatch(indices, len(indices)), 0)
    with setup.accelerator.autocast():
        output = output_of(objective, module, inputs, len(weights))
    loss = output.losses.float().sum()
    loss.backward()  # type: ignore[no-untyped-call]
