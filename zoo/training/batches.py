"""Which examples make up which optimizer step: a pure function of seed, epoch and lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.training.seeding import mix

EVALUATION = -1
"""Stands for the epoch in an evaluation, whose random draws are the same each time."""
WINDOW = 50
"""Batches within which examples are sorted by length: enough to make padding rare, few enough to stay random."""


def epoch_batches(lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Shuffle, group examples of like length, cut into batches, shuffle the batches.

    Args:
        lengths: cost of each example.
        batch_size: examples per optimizer step; the last of an epoch may have fewer.
        seed: of the run.
        epoch: 0-based.

    Returns:
        Indices of the examples of each step; every example stands in exactly one.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    costs = np.asarray(lengths)
    window = batch_size * WINDOW
    batches = []
    for start in range(0, len(order), window):
        chunk = order[start : start + window]
        chunk = chunk[np.argsort(-costs[chunk], kind="stable")]
        batches += [chunk[i : i + batch_size].tolist() for i in range(0, len(chunk), batch_size)]
    random.shuffle(batches)
    return batches


def evaluation_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Cut all examples, sorted by length, into batches."""
    order = np.argsort(np.asarray(lengths), kind="stable").tolist()
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


@dataclass(frozen=True)
class MicroBatch:
    """What one process computes at once."""

    indices: list[int]
    """Examples; those past `count` only fill up, so that all processes compute equally often."""
    count: int
    """Examples that count; they come first."""


def shares(batch: Sequence[int], micro_batch_size: int, *, rank: int, world_size: int) -> list[MicroBatch]:
    """The part of a batch that one process computes, cut into micro-batches.

    Every process gets the same number of micro-batches of the same sizes; a batch that does not divide evenly is
    filled up with examples that count for nothing.
    """
    mine = list(batch[rank::world_size])
    count = len(mine)
    mine += [batch[0]] * (-(-len(batch) // world_size) - count)
    return [
        MicroBatch(mine[i : i + micro_batch_size], max(0, min(count - i, micro_batch_size)))
        for i in range(0, len(mine), micro_batch_size)
    ]


def example_seeds(indices: Sequence[int], *, seed: int, epoch: int) -> list[int]:
    """One seed per example, for what `collate` draws at random; an evaluation is epoch -1."""
    return [mix(seed, epoch + 1, index) for index in indices]
