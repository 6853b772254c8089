"""What a model answers. Views render these types, never a particular plugin's model."""

from __future__ import annotations

from typing import Union

import msgspec


class Score(msgspec.Struct, frozen=True):
    """A label and how probable it is."""

    label: str
    probability: float
    """0 to 1."""


class Classification(msgspec.Struct, frozen=True, tag="classification"):
    """Labels with probabilities, most probable first."""

    scores: tuple[Score, ...]

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.scores[0].label

    @property
    def probability(self) -> float:
        """Probability of the most probable label."""
        return self.scores[0].probability


class FilledMask(msgspec.Struct, frozen=True, tag="filled_mask"):
    """Candidates for one masked token, most probable first; the text is given whole with the best one filled in."""

    text: str
    scores: tuple[Score, ...]


class Embedding(msgspec.Struct, frozen=True, tag="embedding"):
    """A vector that stands for the whole input."""

    vector: tuple[float, ...]
    """Shape (embed_dim,)."""


class Rejected(msgspec.Struct, frozen=True, tag="rejected"):
    """Stands where an input could not be read or answered."""

    reason: str


Answer = Union[Classification, FilledMask, Embedding]
Prediction = Union[Classification, FilledMask, Embedding, Rejected]
