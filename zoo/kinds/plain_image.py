"""What colours and edges say of images without any network: means and histograms of oriented gradients of a grid (Dalal
and Triggs 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE, CELLS, DIRECTIONS = 32, 4, 8
"""Pixels that an image is made of, parts of each side, and directions of edges that are told apart."""
LEAST_SPREAD = 1e-6
"""Standard deviation of a number, below which it says nothing."""


def picture_vectors(
    learnt_from: Iterable[Any],
) -> tuple[NDArray[np.float32], Callable[[Iterable[Any]], NDArray[np.float32]]]:
    """Mean colour and edges of each cell, of length about 1, shape (images, numbers), and what makes those of others.

    Args:
        learnt_from: images that say how each number spreads.
    """
    import numpy as np

    def seen(images: Iterable[Any]) -> NDArray[np.float32]:
        return np.stack([_vector(one) for one in images])

    first = seen(learnt_from)
    mean, scale = first.mean(0), np.maximum(first.std(0), LEAST_SPREAD) * np.sqrt(first.shape[1])

    def scaled(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = ((numbers - mean) / scale).astype(np.float32)
        return vectors

    return scaled(first), lambda images: scaled(seen(images))


def _vector(source: Any) -> NDArray[np.float32]:
    import numpy as np

    from zoo.answers import Rejected
    from zoo.kinds.image_decoding import read_image

    image = read_image(source)
    if isinstance(image, Rejected):
        return np.zeros(CELLS * CELLS * (3 + DIRECTIONS), np.float32)
    pixels = np.asarray(image.resize((SIDE, SIDE)), np.float32) / 255
    down, right = np.gradient(pixels.mean(-1))
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) % np.pi / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    edges = (direction[..., None] == np.arange(DIRECTIONS)) * strength[..., None]
    return np.concatenate([_cells(pixels), np.sqrt(_cells(edges))]).astype(np.float32)


def _cells(values: Any) -> Any:
    """The mean of each cell, one after the other."""
    step = SIDE // CELLS
    return values.reshape(CELLS, step, CELLS, step, -1).mean((1, 3)).reshape(-1)
