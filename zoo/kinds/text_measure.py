"""What an inspection measures of texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from zoo.answers import Rejected
from zoo.kinds.characters import has_control, has_mojibake, has_replacement
from zoo.kinds.facts import Marks, ModelLimits
from zoo.kinds.lengths import LengthMeter
from zoo.kinds.measure import Measurement
from zoo.kinds.text import text_key

if TYPE_CHECKING:
    from zoo.data.report import Part


class TextMeasure:
    """Lengths, and marks of something having gone wrong with the characters."""

    threads = False

    def __init__(self, limits: ModelLimits) -> None:
        self._lengths = LengthMeter(limits.tokenizer, limits.max_tokens)
        self._marks: dict[Callable[[str], bool], Marks] = {}

    def cell(self, row: int, value: str) -> None:
        """Look for marks."""
        for has_mark in (has_replacement, has_mojibake, has_control):
            if has_mark(value):
                before = self._marks.get(has_mark, Marks())
                self._marks[has_mark] = Marks(before.rows + 1, before.first_row or row)

    def look(self, value: str) -> Measurement | Rejected:
        """Texts are the same where they are, white space aside."""
        return Measurement(text_key(value), "", value)

    def add(self, text: str) -> None:
        """Measure its length."""
        self._lengths.add(text)

    def complete(self, part: Part) -> Part:
        """With the marks and the lengths."""
        encoding = msgspec.structs.replace(
            part.encoding,
            replacement_characters=self._marks.get(has_replacement, Marks()),
            mojibake=self._marks.get(has_mojibake, Marks()),
            control_characters=self._marks.get(has_control, Marks()),
        )
        return msgspec.structs.replace(part, encoding=encoding, lengths=self._lengths.result())
