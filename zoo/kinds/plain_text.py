"""What words say of texts without any network: TF-IDF (Manning, Raghavan, Schütze 2008, section 6.2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TERMS = 5_000
"""Words and pairs of words, those that most texts have."""
MOST_COUNTED = 1_000_000
"""Terms that are counted at once: of pairs of words there is no end."""
_WORD = re.compile(r"\w+")


def word_vectors(
    learnt_from: Iterable[str],
) -> tuple[NDArray[np.float32], Callable[[Iterable[str]], NDArray[np.float32]]]:
    """TF-IDF of words and of pairs of words, of length 1, shape (texts, terms), and what makes those of other texts.

    Args:
        learnt_from: texts that say which terms there are, and how rare they are.
    """
    import numpy as np

    known = list(learnt_from)
    frequencies = _frequencies(known)
    fewest = 2 if len(known) > 2 else 1
    chosen = sorted(frequencies.items(), key=lambda one: (-one[1], one[0]))[:MOST_TERMS]
    columns = {term: place for place, (term, times) in enumerate((t, n) for t, n in chosen if n >= fewest)}
    rarity = np.array([1 + np.log((1 + len(known)) / (1 + frequencies[term])) for term in columns], np.float32)

    def vectors(asked: Iterable[str]) -> NDArray[np.float32]:
        texts = list(asked)
        matrix = np.zeros((len(texts), len(columns)), np.float32)
        for row, text in enumerate(texts):
            for term, times in Counter(_terms(text)).items():
                if (column := columns.get(term)) is not None:
                    matrix[row, column] = 1 + np.log(times)
        matrix *= rarity
        lengths = np.sqrt(np.einsum("rt,rt->r", matrix, matrix))[:, None]  # without another one as large
        matrix /= np.where(lengths > 0, lengths, 1)
        return matrix

    return vectors(known), vectors


def _frequencies(texts: Sequence[str]) -> Counter[str]:
    """How many texts have each term; of too many the rarest are forgotten on the way (Manku and Motwani 2002)."""
    frequencies, rare = Counter[str](), 1
    for text in texts:
        frequencies.update(set(_terms(text)))
        if len(frequencies) > MOST_COUNTED:
            frequencies = Counter({term: times for term, times in frequencies.items() if times > rare})
            rare += 1
    return frequencies


def _terms(text: str) -> Iterator[str]:
    words = _WORD.findall(text.lower())
    yield from words
    yield from map(" ".join, pairwise(words))
