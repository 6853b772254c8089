"""How long inputs are: in tokens of a model's own tokenizer where it is at hand, else in words."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from pathlib import Path

from zoo.errors import StoreInvalid
from zoo.kinds.facts import Lengths

BATCH = 512


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


def _token_counter(path: Path) -> Callable[[list[str]], list[int]]:
    """A function that counts tokens, special ones included.

    Raises:
        StoreInvalid: the file is no tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise StoreInvalid(f"{path} is not a readable tokenizer: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: list[str]) -> list[int]:
        # Lone surrogates stand for undecodable bytes; no tokenizer takes them.
        clean = [text.encode(errors="replace").decode() for text in texts]
        return [len(encoding.ids) for encoding in tokenizer.encode_batch(clean)]

    return count
