"""Texts as a network sees their words: word pieces in windows, and which piece stands for which word.

The first piece of a word stands for it (Devlin et al. 2018, section 5.3). A text with more pieces than the network
reads at once is seen in windows that overlap; each word is decided by the one that shows the most around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tokenizers import Encoding, Tokenizer

from zoo.words import cuts_word, spaced_words

OVERLAP = 4
"""The part of a window, one in so many, that the next one shows once more."""


class Window(NamedTuple):
    """What is computed at once of a text."""

    ids: list[int]
    """Of the pieces, special ones included."""
    places: list[int]
    """Where the first pieces of those words stand that are decided here."""


class TextWords(NamedTuple):
    """The words of a text."""

    windows: tuple[Window, ...]
    """In the order of the text; together they decide each word once."""
    words: list[tuple[int, int]]
    """Of each word its first character and the one after its last."""


def read_words(
    tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int, *, spaced: bool = False
) -> Iterator[TextWords]:
    """The words of each text.

    A word is what the tokenizer takes for one, and no more than what `zoo.words` does.

    Args:
        tokenizer: of the network.
        texts: any; one without words has a window all the same.
        max_tokens: most pieces of a window, special ones included.
        spaced: a word is what `zoo.words.spaced_words` takes for one.
    """
    tokenizer.no_truncation()
    for text, encoding in zip(texts, tokenizer.encode_batch(list(texts)), strict=True):
        yield _read(text, encoding, max_tokens, spaced)


def _read(text: str, encoding: Encoding, max_tokens: int, spaced: bool) -> TextWords:
    ids = encoding.ids
    inner = [index for index, sequence in enumerate(encoding.sequence_ids) if sequence is not None]
    if not inner:
        return TextWords((Window(ids, []),), [])
    first, end = inner[0], inner[-1] + 1
    words, places = (_spaced_words if spaced else _words)(text, encoding, range(first, end))
    if len(ids) <= max_tokens:
        return TextWords((Window(ids, places),), words)
    return TextWords(tuple(_windows(ids, places, first, end, max_tokens)), words)


def _words(text: str, encoding: Encoding, pieces: range) -> tuple[list[tuple[int, int]], list[int]]:
    """Where words stand in the text, and where their first pieces stand among all."""
    words: list[tuple[int, int]] = []
    places: list[int] = []
    offsets, numbers = encoding.offsets, encoding.word_ids
    before: int | None = None
    for index in pieces:
        start, end = _inked(text, *offsets[index])
        if start == end:
            continue
        if not words or numbers[index] != before or (start >= words[-1][1] and not cuts_word(text, start)):
            words.append((start, end))
            places.append(index)
        else:
            words[-1] = (words[-1][0], end)
        before = numbers[index]
    return words if text.isascii() else _with_marks(text, words), places


def _spaced_words(text: str, encoding: Encoding, pieces: range) -> tuple[list[tuple[int, int]], list[int]]:
    """The same of words that stand apart; one without a piece of its own is left out."""
    all_words = spaced_words(text)
    words: list[tuple[int, int]] = []
    places: list[int] = []
    at = 0
    for index in pieces:
        start, end = _inked(text, *encoding.offsets[index])
        while at < len(all_words) and all_words[at][1] <= start:
            at += 1
        if start < end and at < len(all_words) and (not words or words[-1] != all_words[at]):
            words.append(all_words[at])
            places.append(index)
    return words, places


def _inked(text: str, start: int, end: int) -> tuple[int, int]:
    """A piece without the blank before it, which some tokenizers count to it."""
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _with_marks(text: str, words: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same words with the accents at their ends, which some tokenizers take away."""
    limits = [*(start for start, _ in words[1:]), len(text)]
    return [
        (start, next((place for place in range(end, limit) if not cuts_word(text, place)), limit))
        for (start, end), limit in zip(words, limits, strict=True)
    ]


def _windows(ids: list[int], places: list[int], first: int, end: int, max_tokens: int) -> Iterator[Window]:
    """Cut the pieces from `first` to `end`; what stands before and after them belongs to each window."""
    before, after = ids[:first], ids[end:]
    room = max(2, max_tokens - len(before) - len(after))
    overlap = room // OVERLAP
    taken = 0
    for start in range(first, end, room - overlap):
        stop = min(start + room, end)
        decided = end if stop == end else stop - overlap // 2
        own = []
        while taken < len(places) and places[taken] < decided:
            own.append(places[taken] - start + first)
            taken += 1
        yield Window([*before, *ids[start:stop], *after], own)
        if stop == end:
            return
