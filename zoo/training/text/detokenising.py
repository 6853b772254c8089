"""Token ids to text while they come: a letter may be several tokens, and a token another text after others."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

LOST = "\ufffd"
"""Stands for bytes that are no letter, yet or for ever."""
CONTEXT = 8
"""Tokens of the prompt that the first ones are read with: some tokenizers take the blank that a text begins with."""


class Detokeniser:
    """Reads tokens one by one.

    Args:
        tokenizer: of the model.
        before: token ids that they follow.
    """

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._ids = list(before[-CONTEXT:])
        self._start, self._read = 0, len(self._ids)

    def add(self, token: int) -> str:
        """What a token adds to the text; empty while a letter is not complete."""
        self._ids.append(token)
        return self._new_text(complete=False)

    def rest(self) -> str:
        """What remains: a letter that is never completed."""
        return self._new_text(complete=True)

    def _new_text(self, *, complete: bool) -> str:
        shown = self._text(self._ids[self._start : self._read])
        text = self._text(self._ids[self._start :])
        if len(text) <= len(shown) or (text.endswith(LOST) and not complete):
            return ""
        self._start, self._read = self._read, len(self._ids)
        return text[len(shown) :]

    def _text(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)
