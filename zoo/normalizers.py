"""What of a transcript counts: how texts are spelled before they are learnt, and before two of them are compared.

Word error rates are comparable under one normaliser only, so it has a name, is stored with what was trained by it, and
is named beside every rate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

DEFAULT = "words"
_APART = re.compile(r"\s+")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u0060\u00b4\uff07", "'"))
_INSIDE = "'"
"""What stays where letters are on both sides: it belongs to the word."""


def normalized(text: str, name: str) -> str:
    """A text as it counts under a normaliser.

    Args:
        text: as it is written in the data, or as a model says it.
        name: of `NORMALIZERS`.

    Raises:
        KeyError: there is none of that name.
    """
    return NORMALIZERS[name](text)


def _none(text: str) -> str:
    """White space alone is made one blank."""
    return _APART.sub(" ", text).strip()


def _words(text: str) -> str:
    """Letters, digits and the apostrophes within words, without regard to case; accents stay (NFKC)."""
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    kept = "".join(
        character if character == _INSIDE or unicodedata.category(character)[0] in "LMN" else " " for character in text
    )
    return " ".join(word for word in (part.strip(_INSIDE) for part in kept.split()) if word)


def _english(text: str) -> str:
    """As Whisper's authors compare English: numbers, contractions and spellings alike (Radford et al. 2022, app. C)."""
    return _whisper()(text).strip()


@cache
def _whisper() -> Callable[[str], str]:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    return EnglishTextNormalizer({})


NORMALIZERS: dict[str, Callable[[str], str]] = {"words": _words, "english": _english, "none": _none}
"""By name, the usual one first."""
