"""What words say of texts without any network: TF-IDF (Manning, Raghavan, Schütze 2008, section 6.2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TERMS = 5_000
"""Words and pairs of words, those that most texts have."""
_WORD = re.compile(r"\w+")


def word_vectors(learnt_from: Sequence[str], asked: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """TF-IDF of words and of pairs of words, of length 1, shape (texts, terms).

    Args:
        learnt_from: texts that say which terms there are, and how rare they are.
        asked: other texts.
    """
    import numpy as np

    frequencies = Counter(term for text in learnt_from for term in set(_terms(text)))
    fewest = 2 if len(learnt_from) > 2 else 1
    chosen = sorted(frequencies.items(), key=lambda one: (-one[1], one[0]))[:MOST_TERMS]
    columns = {term: place for place, (term, times) in enumerate((t, n) for t, n in chosen if n >= fewest)}
    rarity = np.array([1 + np.log((1 + len(learnt_from)) / (1 + frequencies[term])) for term in columns], np.float32)

    def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
        matrix = np.zeros((len(texts), len(columns)), np.float32)
        for row, text in enumerate(texts):
            for term, times in Counter(_terms(text)).items():
                if (column := columns.get(term)) is not None:
                    matrix[row, column] = 1 + np.log(times)
        matrix *= rarity
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        matrix /= np.where(lengths > 0, lengths, 1)
        return matrix

    return vectors(learnt_from), vectors(asked)


def _terms(text: str) -> Iterator[str]:
    words = _WORD.findall(text.lower())
    yield from words
    yield from map(" ".join, pairwise(words))
