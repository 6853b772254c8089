"""Numbers with their nouns, in messages: `1 row`, `1,200 rows`, `1 row holds`."""

from __future__ import annotations

_SINGULAR = {"are": "is", "have": "has"}
"""Verbs that do not just take an s."""


def counted(number: float, noun: str, verb: str = "") -> str:
    """A number with its noun, and a verb where one follows.

    Args:
        number: how many; a fraction is cut to three digits.
        noun: for one of them.
        verb: for several of them.
    """
    amount = f"{number:,}" if isinstance(number, int) else f"{number:.3g}"
    one = number == 1
    noun = noun if one else _plural(noun)
    if not verb:
        return f"{amount} {noun}"
    return f"{amount} {noun} {_SINGULAR.get(verb, verb + 's') if one else verb}"


def _plural(noun: str) -> str:
    return noun + ("es" if noun.endswith(("s", "x", "sh")) else "s")
