"""Numbers of things in messages: `1 row`, `1,200 rows`, `1 row holds`, `2nd`; names with commas between them."""

from __future__ import annotations

_MAX_NAMES_SHOWN = 12
_MAX_NAME_CHARS = 40
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
    noun = noun if one else plural(noun)
    if not verb:
        return f"{amount} {noun}"
    return f"{amount} {noun} {_SINGULAR.get(verb, verb + 's') if one else verb}"


def ordinal(number: int) -> str:
    """Which of several: `1st`, `22nd`, `113th`."""
    teens = number % 100 in (11, 12, 13)
    return f"{number:,}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def with_article(noun: str) -> str:
    """A noun with `a` or `an` before it."""
    return f"{'an' if noun[:1] in tuple('AEIOUaeiou') else 'a'} {noun}"


def name_list(names: tuple[str, ...]) -> str:
    """Names of columns or labels: long ones cut, one that holds a comma in quotes, many counted."""
    cut = [name if len(name) <= _MAX_NAME_CHARS else name[: _MAX_NAME_CHARS - 3] + "..." for name in names]
    cut = [f"'{name}'" if "," in name and not name.startswith("'") else name for name in cut]
    more = len(cut) - _MAX_NAMES_SHOWN
    return ", ".join(cut[:_MAX_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "") if cut else "none"


def plural(noun: str) -> str:
    """A noun for several things."""
    return noun + ("es" if noun.endswith(("s", "x", "sh")) else "s")
