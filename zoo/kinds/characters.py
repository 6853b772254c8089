"""Marks that an encoding mistake, or a program, has left in a text."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What the first byte of a two- to four-byte sequence looks like in Windows-1252, and what may follow it.
_MOJIBAKE = re.compile(r"[\u00c2-\u00f4][^\x00-\x7f]{1,3}")


INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Characters that nobody sees: controls, spaces of no width, marks of direction and of byte order."""


def visible_name(name: str) -> str:
    """A name as a person reads it: without what nobody sees, and without blanks around it."""
    return INVISIBLE.sub("", name).strip()


def has_control(text: str) -> bool:
    """Whether a text holds control characters other than tab and line end."""
    return _CONTROLS.search(text) is not None


def has_replacement(text: str) -> bool:
    """Whether a text holds U+FFFD, which stands for what could not be converted."""
    return "\ufffd" in text


def has_mojibake(text: str) -> bool:
    """Whether a text holds UTF-8 that was taken for Windows-1252: `Ã©` where `é` was meant."""
    if text.isascii():
        return False
    return any(_is_mojibake(match[0]) for match in _MOJIBAKE.finditer(text))


def _is_mojibake(characters: str) -> bool:
    for length in range(2, len(characters) + 1):
        try:
            characters[:length].encode("cp1252").decode()
        except UnicodeError:
            continue
        return True
    return False
