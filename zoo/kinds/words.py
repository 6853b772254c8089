"""Where the words of a text begin and end, for what may not begin or end within one.

A word is letters and digits in a row, with their marks; every other character stands for itself. In scripts that are
written without blanks between words, or that put endings to a name without one (Han, kana, Hangul, Thai, Lao, Khmer,
Burmese), each letter is a word: who marks a name there has to divide what looks like one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_UNDIVIDED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u31ff\u3400-\u9fff\ua960-\ua97f"
    "\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_JOINERS = "\u200c\u200d"
"""Characters of no width that stand within words."""


def cuts_word(text: str, position: int) -> bool:
    """Whether a word goes on at a position of a text: a letter or a digit stands on both sides.

    Args:
        text: any.
        position: between two of its characters; 0 is before the first.
    """
    if not 0 < position < len(text):
        return False
    before, after = text[position - 1], text[position]
    if _is_mark(after):
        return not before.isspace()
    return _is_of_word(before) and _is_of_word(after) and not (_UNDIVIDED.match(before) or _UNDIVIDED.match(after))


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    """Whether a character belongs to the one before it, such as an accent."""
    return character in _JOINERS or unicodedata.category(character)[0] == "M"


def _is_of_word(character: str) -> bool:
    return character.isalnum() or _is_mark(character)
