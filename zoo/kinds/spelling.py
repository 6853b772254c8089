"""Labels that look the same: spellings that differ in what nobody sees, or in case.

Accents, punctuation and `ß` count: `C` and `C++`, `Maße` and `Masse`, `résumé` and `resume` do not look the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from zoo.kinds.characters import INVISIBLE

_WORD = re.compile(r"\S+")
_GROUPS_SHOWN = 3
_CELL_SHOWN = 40
"""Characters of a cell in a message."""
_SECOND_BLANK = re.compile(r"(?<= ) ")
_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("invisible characters", lambda label: INVISIBLE.sub("", label)),
    ("blanks", lambda label: " ".join(label.split())),
    ("Unicode form", lambda label: _WORD.sub(lambda word: unicodedata.normalize("NFKC", word[0]), label)),
    ("case", str.lower),
)


class SpellingVariants(msgspec.Struct, frozen=True):
    """Labels that look the same."""

    rows: dict[str, int]
    """Rows of each spelling, the most frequent first: it is the name that merging gives to all of them."""
    differ_in: tuple[str, ...]
    """Of invisible characters, blanks, Unicode form (NFC, NFD, full width) and case."""

    @property
    def name(self) -> str:
        """The most frequent spelling."""
        return next(iter(self.rows))

    def __str__(self) -> str:
        name, *others = (f"{quoted(label)} ({count:,})" for label, count in self.rows.items())
        return f"{name} and {', '.join(others)}, which differ in {' and '.join(self.differ_in)}"


def appearance(label: str) -> str:
    """What is the same for all labels that look the same."""
    return _folded(label)


def spelling_variants(rows: Mapping[str, int], eval_rows: Mapping[str, int] = {}) -> tuple[SpellingVariants, ...]:
    """The groups of two and more labels that look the same, the largest first.

    Args:
        rows: of each label in the training data, whose most frequent spelling is the name of the group.
        eval_rows: of each label in the evaluation data.
    """

    def rank(label: str) -> tuple[int, int, int, str]:
        # Of equally frequent ones the shortest comes first: it has nothing that is not needed.
        return -rows.get(label, 0), -eval_rows.get(label, 0), len(label), label

    groups: dict[str, list[str]] = {}
    for label in sorted({*rows, *eval_rows}, key=rank):
        groups.setdefault(appearance(label), []).append(label)
    variants = [
        SpellingVariants({label: rows.get(label, 0) + eval_rows.get(label, 0) for label in labels}, differences(labels))
        for labels in groups.values()
        if len(labels) > 1
    ]
    return tuple(sorted(variants, key=lambda group: (-sum(group.rows.values()), group.name)))


def merged_names(groups: Iterable[SpellingVariants]) -> dict[str, str]:
    """The name that merging gives to each label of these groups."""
    return {label: group.name for group in groups for label in group.rows}


def listed(groups: Sequence[SpellingVariants]) -> str:
    """The first few groups, for a message."""
    more = len(groups) - _GROUPS_SHOWN
    return "; ".join(map(str, groups[:_GROUPS_SHOWN])) + (f"; and {more:,} more" if more > 0 else "")


def quoted(label: str) -> str:
    r"""A label within quotes, with what nobody would see written out: 'Refund\u200b'."""
    decomposed = unicodedata.normalize("NFC", label) != label
    characters = (
        f"\\u{ord(mark):04x}" if INVISIBLE.match(mark) or (decomposed and unicodedata.combining(mark)) else mark
        for mark in _SECOND_BLANK.sub(r"\\x20", repr(label))
    )
    return "".join(characters)


def quoted_start(text: str) -> str:
    """The beginning of a cell within quotes; the whole of a short one."""
    return quoted(text if len(text) <= _CELL_SHOWN else text[: _CELL_SHOWN - 1] + "…")


def distinct_names(labels: Iterable[str]) -> dict[str, str]:
    """What to show for each label: itself, or a spelling that distinguishes it from another one that looks the same."""
    names = {label: label for label in labels}
    for group in spelling_variants(dict.fromkeys(names, 0)):
        # The plain spelling stays as it is; case is seen.
        names |= {label: label if quoted(label)[1:-1] == label else quoted(label) for label in group.rows}
    return names


def differences(labels: Iterable[str]) -> tuple[str, ...]:
    """In what labels that look the same differ: each step without which they stay apart."""
    labels = tuple(labels)
    return tuple(name for name, _ in _STEPS if len({_folded(label, leaving_out=name) for label in labels}) > 1)


def nearest(label: str, labels: Iterable[str]) -> str | None:
    """The one of several labels that looks like this one, and differs in least; None where none does."""
    alike = [other for other in labels if appearance(other) == appearance(label)]
    return min(alike, key=lambda other: len(differences((label, other))), default=None)


def _folded(label: str, *, leaving_out: str = "") -> str:
    if not leaving_out and label.isascii() and label.isprintable():  # most are, and it is five times as fast
        return " ".join(label.split()).lower()
    for name, step in _STEPS:
        label = label if name == leaving_out else step(label)
    return label
