"""From what a head says of each word to the spans of a text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from zoo.hub_config import TOKENS
from zoo.metrics.tags import (
    BEGIN,
    CONTINUING,
    INSIDE,
    OUTSIDE,
    SpanKey,
    conlleval_spans,
    iob2_tags,
    plain_tags,
)
from zoo.training.head import HeadConfig

IOB2 = "IOB2"
FORBIDDEN = -1e9
"""Added to the score of a tag that may not follow another."""
Array = np.ndarray[Any, Any]


def iob2_head(types: Sequence[str], *, words_spaced: bool = False) -> HeadConfig:
    """A head that scores the tags of some types."""
    return HeadConfig(problem_type=TOKENS, labels=iob2_tags(types), tag_scheme=IOB2, words_spaced=words_spaced)


class TagDecoder:
    """Finds the most probable tags of a text, and the spans that they are.

    Of a head that zoo has trained, the tags are the most probable ones in which `I-` follows `B-` or `I-` of its type
    only (Viterbi 1967); of others, whose scheme is not known for sure, each is the most probable for itself, and they
    are read as conlleval does.

    Args:
        head_config: of the head.
    """

    def __init__(self, head_config: HeadConfig) -> None:
        self._tags = plain_tags(head_config.labels)
        self._constrained = head_config.tag_scheme == IOB2
        self._outside = self._tags.index(OUTSIDE) if OUTSIDE in self._tags else -1

    def best(self, probabilities: Array) -> list[int]:
        """The tag of each word by its index, each for itself.

        Args:
            probabilities: shape (words, tags).
        """
        indexes: list[int] = probabilities.argmax(1).tolist()
        return indexes

    def allowed(self, probabilities: Array, best: list[int]) -> list[int]:
        """The tags of all words that are most probable together; `best` itself where these may follow one another."""
        if not self._constrained or self._well_formed(best):
            return best
        return self._viterbi(np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)))

    def spans(self, indexes: Sequence[int]) -> list[SpanKey]:
        """The spans of words that tags are."""
        if all(index == self._outside for index in indexes):
            return []
        return conlleval_spans([self._tags[index] for index in indexes])

    def iob2(self, probabilities: Array) -> tuple[tuple[str, ...], Array]:
        """The tags `O`, `B-` and `I-` of each type, and how probable they are.

        Of other schemes, a tag within a span begins one where the word before is none of its type, as conlleval has it.

        Args:
            probabilities: of the head's own tags, shape (words, tags).
        """
        if self._constrained:
            return self._tags, probabilities
        types = tuple(dict.fromkeys(tag[len(BEGIN) :] for tag in self._tags if tag != OUTSIDE))
        columns = [probabilities[:, self._columns(OUTSIDE)].sum(1)]
        for one in types:
            begins = probabilities[:, self._columns(one, begins=True)].sum(1)
            goes_on = probabilities[:, self._columns(one, begins=False)].sum(1)
            before = np.concatenate([[0.0], (begins + goes_on)[:-1]])
            columns += [begins + goes_on * (1 - before), goes_on * before]
        return iob2_tags(types), np.stack(columns, 1)

    def _columns(self, of: str, *, begins: bool | None = None) -> list[int]:
        """Indexes of the tags of a type that begin it or go it on, or of the tag of no type."""
        if begins is None:
            return [index for index, tag in enumerate(self._tags) if tag == of]
        return [
            index
            for index, tag in enumerate(self._tags)
            if tag != OUTSIDE and tag[len(BEGIN) :] == of and (tag[0] not in CONTINUING) is begins
        ]

    def _well_formed(self, indexes: Sequence[int]) -> bool:
        before = -1
        for index in indexes:
            if self._penalties[before, index]:
                return False
            before = index
        return True

    @cached_property
    def _penalties(self) -> Array:
        """What it costs a tag to follow another, shape (tags + 1, tags); the last row is that of a first word."""
        tags = self._tags
        penalties = np.zeros((len(tags) + 1, len(tags)))
        for index, tag in enumerate(tags):
            if tag.startswith(INSIDE):
                allowed = [before in (tag, BEGIN + tag[len(INSIDE) :]) for before in tags]
                penalties[:, index] = np.where([*allowed, False], 0.0, FORBIDDEN)
        return penalties

    def _viterbi(self, scores: Array) -> list[int]:
        """The path of the largest sum; scores are of shape (words, tags)."""
        penalties = self._penalties[:-1]
        total = scores[0] + self._penalties[-1]
        came_from = []
        for of_word in scores[1:]:
            paths = total[:, None] + penalties
            best = paths.argmax(0)
            came_from.append(best)
            total = paths[best, np.arange(len(best))] + of_word
        path = [int(total.argmax())]
        for best in reversed(came_from):
            path.append(int(best[path[-1]]))
        return path[::-1]
