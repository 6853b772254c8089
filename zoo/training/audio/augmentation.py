"""What training sees of a recording: some bands of time and of pitch are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIME_MASKS, PITCH_MASKS = 2, 2
"""Bands that are left out (m_T and m_F of Park et al. 2019, arXiv:1904.08779, table 1)."""
TIME_SHARE = 0.1
"""Most of a recording that one band of time takes (section 2: an upper bound p of the frames)."""
PITCH_SHARE = 0.3
"""Most of the bands of pitch that one takes: 27 of 80 (F of the policies of table 1)."""


def masked(frames: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """A recording with bands of 0, the mean of what is normalised.

    Args:
        frames: shape (frames, bands).
        seed: of what is drawn.

    Returns:
        A copy.
    """
    random, masked = np.random.default_rng(seed), frames.copy()
    count, bands = frames.shape
    for axis, size, masks, share in ((0, count, TIME_MASKS, TIME_SHARE), (1, bands, PITCH_MASKS, PITCH_SHARE)):
        for _ in range(masks):
            width = int(random.integers(0, int(size * share) + 1))
            start = int(random.integers(0, size - width + 1))
            masked[(slice(None),) * axis + (slice(start, start + width),)] = 0
    return masked
