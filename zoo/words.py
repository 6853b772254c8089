"""Where the words of a text begin and end, for what may not begin or end within one.

A word is letters and digits in a row, with their marks; every other character stands for itself. In scripts that are
written without blanks between words, or that put endings to a name without one (Han, kana, Hangul, Thai, Lao, Khmer,
Burmese), each letter is a word: who marks a name there has to divide what looks like one.

Texts whose words stand apart, such as the columns of CoNLL, have larger words: don't, U.S., @user and http://a.org are
one each.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_UNDIVIDED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u31ff\u3400-\u9fff\ua960-\ua97f"
    "\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_BETWEEN_BLANKS = re.compile(r"\S+")
_OPENING, _CLOSING = "([{\"'\u201c\u2018\u00ab\u00bf\u00a1", ")]}\"'\u201d\u2019\u00bb,;:!?\u2026"
"""Punctuation that stands apart where it begins or ends what is between blanks."""
_POSSESSIVES = ("'s", "'S", "\u2019s", "\u2019S")
_SHORT = 4
"""Letters of a word from which on a period after it ends a sentence; Mr. and Inc. keep theirs, as U.S. does."""
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


def spaced_words(text: str) -> list[tuple[int, int]]:
    """Words as they stand apart in corpora: first character of each, and the one after its last.

    A word is what stands between blanks, without the brackets and quotes around it and the punctuation after it, which
    are words themselves, as is a possessive 's; whatever holds no letter is one as it is, such as a smiley.
    """
    end_of_text = len(text.rstrip())
    return [
        word
        for match in _BETWEEN_BLANKS.finditer(text)
        for word in _divided(text, *match.span(), ends_text=match.end() == end_of_text)
    ]


def _divided(text: str, start: int, end: int, *, ends_text: bool) -> list[tuple[int, int]]:
    if not any(map(str.isalnum, text[start:end])):
        return [(start, end)]
    first, last = start, end
    while text[first] in _OPENING:
        first += 1
    while text[last - 1] in _CLOSING or (text[last - 1] == "." and _ends_sentence(text[first : last - 1], ends_text)):
        last -= 1
    possessive = last - 2 if text[first:last].endswith(_POSSESSIVES) and last - first > 2 else last
    parts = [(first, possessive), (possessive, last)] if possessive < last else [(first, last)]
    return [*((place, place + 1) for place in range(start, first)), *parts, *((i, i + 1) for i in range(last, end))]


def _ends_sentence(word: str, ends_text: bool) -> bool:
    return ends_text or ("." not in word and sum(map(str.isalnum, word)) >= _SHORT)
