"""How likely words are after others: n-grams with back-off (Katz 1987), as ARPA files have them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from zoo.data.compression import open_contents
from zoo.errors import DatasetInvalid

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
"""What stands for the beginning and the end of a text, and for any word that the file has not."""
_MARKS = {BEGIN, END, UNKNOWN}
_SECTION = "-grams:"
_ADVICE = "name a model of words in the ARPA format, such as kenlm's lmplz writes, compressed or not"


class Gram(NamedTuple):
    """Some words in a row."""

    score: float
    """Logarithm of the probability of the last one after the others, in nats, like `backoff`."""
    backoff: float
    """What is added to the score of a word that was never seen after them."""


class Ngrams:
    """A model of words.

    Args:
        grams: by their words.

    Attributes:
        words: that it knows, without the marks of beginning and end.
        order: words of the longest.
    """

    def __init__(self, grams: dict[tuple[str, ...], Gram]) -> None:
        self._grams = grams
        self.words = tuple(gram[0] for gram in grams if len(gram) == 1 and gram[0] not in _MARKS)
        self.order = max(map(len, grams))
        self.knows_others = (UNKNOWN,) in grams

    def score(self, before: tuple[str, ...], word: str) -> float:
        """Logarithm of the probability of a word after others, in nats; minus infinity where nothing says it."""
        gram = self._grams.get((*before, word))
        if gram is not None:
            return gram.score
        if not before:
            return self.score((), UNKNOWN) if word != UNKNOWN and self.knows_others else -math.inf
        context = self._grams.get(before)
        return (context.backoff if context else 0.0) + self.score(before[1:], word)

    def after(self, before: tuple[str, ...], word: str) -> tuple[str, ...]:
        """What of the words so far says something about the next one."""
        return (*before, word)[-(self.order - 1) :] if self.order > 1 else ()


class _Entry(NamedTuple):
    """A line of the file."""

    words: list[str]
    gram: Gram


def read_ngrams(path: str, spelled: Callable[[str], str | None]) -> Ngrams:
    """The n-grams of an ARPA file.

    Args:
        path: of the file; may be compressed.
        spelled: how a word is to be spelled; None for one that is of no use, whose n-grams are left out. Of words that
            are spelled alike the likeliest counts.

    Raises:
        DatasetInvalid: it cannot be read, or is none.
    """
    grams: dict[tuple[str, ...], Gram] = {}
    spellings: dict[str, str | None] = {}
    try:
        for words, gram in _entries(path):
            if len(words) == 1:
                mark = words[0].lower()
                spellings[words[0]] = mark if mark in _MARKS else spelled(words[0])
            key = tuple(spelling for word in words if (spelling := spellings.get(word)) is not None)
            if len(key) == len(words) and (key not in grams or grams[key].score < gram.score):
                grams[key] = gram
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror or error}", _ADVICE) from error
    except ValueError as error:
        raise DatasetInvalid(f"{path} is no ARPA file: {error}", _ADVICE) from error
    if not any(len(key) == 1 and key[0] not in _MARKS for key in grams):
        raise DatasetInvalid(f"{path} has no n-grams of words that can be spelled in the letters of the model", _ADVICE)
    return Ngrams(grams)


def _entries(path: str) -> Iterator[_Entry]:
    r"""What stands in the sections `\1-grams:`, `\2-grams:` ..."""
    order = 0
    for number, line in enumerate(_lines(path), 1):
        if line.startswith("\\"):
            order = int(line[1 : -len(_SECTION)]) if line.endswith(_SECTION) else 0
        elif order and line:
            score, *words = line.split()
            backoff = words.pop() if len(words) == order + 1 else "0"
            if len(words) != order:
                raise ValueError(f"line {number} has {len(words)} words where {order} should stand")
            yield _Entry(words, Gram(_number(score, number), _number(backoff, number)))


def _number(text: str, line: int) -> float:
    """A logarithm to base 10 as one in nats."""
    try:
        return float(text) * math.log(10)
    except ValueError:
        raise ValueError(f"line {line} has {text!r} where a number should stand") from None


def _lines(path: str) -> Iterator[str]:
    with open_contents(Path(path).expanduser()) as contents:
        for line in contents:
            yield line.decode().strip()
