"""How long inputs are: in tokens of a model's own tokenizer where it is at hand, else in words."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import StoreInvalid
from zoo.kinds.facts import Lengths

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH = 512
_MOST_SPECIAL = 4
"""Special tokens that a tokenizer may add to a text."""


class LengthMeter:
    """Collects lengths, four bytes an input."""

    def __init__(self, tokenizer: Path | None = None, max_tokens: int | None = None) -> None:
        self._count = _token_counter(tokenizer) if tokenizer else _count_words
        self._tokens = tokenizer is not None
        self._max_tokens = max_tokens
        self._waiting: list[str] = []
        self._lengths = array("I")

    def add(self, text: str) -> None:
        """Measure one more input."""
        self._waiting.append(text)
        if len(self._waiting) == BATCH:
            self._flush()

    def result(self) -> Lengths | None:
        """Percentiles by nearest rank; None where nothing was measured."""
        self._flush()
        if not self._lengths:
            return None
        ordered = sorted(self._lengths)
        p50, p90, p99 = (ordered[math.ceil(len(ordered) * percent / 100) - 1] for percent in (50, 90, 99))
        share = None
        if self._tokens and self._max_tokens is not None:
            share = sum(length > self._max_tokens for length in ordered) / len(ordered)
        return Lengths(
            unit="tokens" if self._tokens else "words",
            p50=p50,
            p90=p90,
            p99=p99,
            max=ordered[-1],
            max_tokens=self._max_tokens,
            truncated_share=share,
        )

    def _flush(self) -> None:
        self._lengths.extend(self._count(self._waiting))
        self._waiting.clear()


def _count_words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


class FirstTokens:
    """How much of a text its first tokens show.

    Args:
        path: of a `tokenizer.json`.
        max_tokens: how many, special ones included.

    Raises:
        StoreInvalid: the file is no tokenizer.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        self._tokenizer, self._max_tokens = _tokenizer(path), max_tokens

    def end_in(self, text: str) -> int:
        """The character after the last one shown."""
        if len(text.encode(errors="replace")) + _MOST_SPECIAL <= self._max_tokens:  # no token is less than a byte
            return len(text)
        encoding = self._tokenizer.encode(text.encode(errors="replace").decode())
        if len(encoding.ids) <= self._max_tokens:
            return len(text)
        pieces = [
            place for place, special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True) if not special
        ]
        shown = self._max_tokens - len(encoding.ids) + len(pieces)
        return pieces[shown - 1][1] if shown > 0 else 0


def _token_counter(path: Path) -> Callable[[list[str]], list[int]]:
    """A function that counts tokens, special ones included.

    Raises:
        StoreInvalid: the file is no tokenizer.
    """
    tokenizer = _tokenizer(path)

    def count(texts: list[str]) -> list[int]:
        # Lone surrogates stand for undecodable bytes; no tokenizer takes them.
        clean = [text.encode(errors="replace").decode() for text in texts]
        return [len(encoding.ids) for encoding in tokenizer.encode_batch(clean)]

    return count


def _tokenizer(path: Path) -> Tokenizer:
    """A tokenizer that cuts nothing."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise StoreInvalid(f"{path} is not a readable tokenizer: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
