"""Suggestions for a word that is not known: the known ones that it resembles."""

from __future__ import annotations

from collections.abc import Iterable

CUTOFF = 0.6
AS_SAFETENSORS = "zoo export RUN DIR writes it as safetensors, with a README.md for the library that it is of"
"""What is done where a model cannot be written as one network."""


def nearest(word: str, candidates: Iterable[str], *, limit: int = 1, cutoff: float = CUTOFF) -> list[str]:
    """The known words that resemble one, the most similar first; case, dashes and underscores do not count.

    Where none is similar, those count that the word holds as a whole: `input` in `input_column`.

    Args:
        word: as it was typed.
        candidates: what may be meant.
        limit: how many are wanted at most.
        cutoff: least similarity, 0 to 1, by the measure of `difflib`.
    """
    import difflib

    spelt: dict[str, str] = {}
    for one in candidates:
        spelt.setdefault(_plain(one), one)
    close = difflib.get_close_matches(_plain(word), spelt, n=limit, cutoff=cutoff)
    if not close:
        parts = set(_plain(word).split("-"))
        close = sorted((one for one in spelt if one and parts > set(one.split("-"))), key=len, reverse=True)[:limit]
    return [spelt[one] for one in close]


def did_you_mean(
    word: str, candidates: Iterable[str], otherwise: str = "", *, limit: int = 1, cutoff: float = CUTOFF
) -> str:
    """A hint that names the nearest known words; `otherwise` where nothing resembles the word."""
    near = nearest(word, candidates, limit=limit, cutoff=cutoff)
    return f"did you mean {' or '.join(near)}?" if near else otherwise


def _plain(word: str) -> str:
    return word.strip("-").replace("_", "-").lower()
