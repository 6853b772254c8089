"""Batches of recordings."""

from __future__ import annotations

import numpy as np
import torch

from zoo.training.audio import LENGTHS, SEEN
from zoo.training.audio.body import batch_of


def of(*frames: int, bands: int | None = None) -> list[np.ndarray]:
    """Recordings of ones."""
    return [np.ones((count, bands) if bands else count, np.float32) for count in frames]


def test_recordings_are_filled_up_with_zeros() -> None:
    batch = batch_of(of(3, 7, bands=2))

    assert batch[LENGTHS].tolist() == [3, 7]
    assert batch[SEEN].shape == (2, 7, 2)
    assert batch[SEEN].dtype == torch.float32
    assert batch[SEEN].sum((1, 2)).tolist() == [6, 14]


def test_batches_come_in_few_lengths_that_are_little_longer_than_their_recordings() -> None:
    """Kernels are compiled for each."""
    lengths = [batch_of(of(frames, 400), few_lengths=True)[SEEN].shape[1] for frames in range(8_000, 16_000, 7)]

    assert len(set(lengths)) == 5
    waste = [length / frames for length, frames in zip(lengths, range(8_000, 16_000, 7), strict=True)]
    assert min(waste) >= 1
    assert max(waste) <= 1.25
