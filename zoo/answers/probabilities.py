"""How probable each label is at each of many places, such as the words of a text or the pixels of a picture."""

from __future__ import annotations

import math
import zlib
from typing import Any, Self

import msgspec

_BYTES = 2
"""Of a number in half precision."""


class ProbabilityTable(msgspec.Struct, frozen=True):
    """A probability for each label at each place."""

    labels: tuple[str, ...]
    """In the order of the last axis."""
    shape: tuple[int, ...]
    """Of the places: (words,), or (height, width)."""
    packed: bytes
    """Half precision, little-endian, shape (*shape, labels), compressed by zlib; in JSON it is base64."""

    @classmethod
    def of(cls, probabilities: Any, labels: tuple[str, ...]) -> Self:
        """Make one.

        Args:
            probabilities: shape (*places, labels), of numpy.
            labels: names of the last axis.
        """
        packed = zlib.compress(probabilities.astype("<f2").tobytes(), level=1)
        return cls(labels, tuple(probabilities.shape[:-1]), packed)

    def array(self) -> Any:
        """The probabilities, float32 of numpy of shape (*places, labels)."""
        import numpy as np

        halves = np.frombuffer(zlib.decompress(self.packed), "<f2")
        return halves.reshape(*self.shape, len(self.labels)).astype(np.float32)

    def fault(self) -> str:
        """What makes it none; empty where nothing does."""
        count = math.prod((*self.shape, len(self.labels)))
        try:
            size = len(zlib.decompress(self.packed))
        except zlib.error as error:
            return f"packed {self.packed[:8]!r} ({error})"
        return "" if size == count * _BYTES else f"packed {size:,} bytes, for {count:,} numbers in half precision"
