"""Tags of words: which ones make a span, whatever the scheme, and what the labels of a model mean as such."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

SpanKey = tuple[int, int, str]
"""Where a span begins, where it has ended, and its type."""
OUTSIDE = "O"
BEGIN, INSIDE = "B-", "I-"
"""What the tags of the scheme IOB2 begin with, before the type (Ramshaw and Marcus 1995, Tjong Kim Sang 1999)."""
ENDING, SINGLE, CONTINUING = ("E", "L"), ("S", "U"), ("I", "M", "E", "L")
"""Letters of other schemes, BIOES, BILOU and BMES: the last word of a span, its only one, and one that goes it on."""


def strict_spans(tags: Sequence[str]) -> list[SpanKey]:
    """The spans of words that `B-` begins and `I-` of the same type goes on; an `I-` that goes nothing on is none.

    seqeval counts the same with `mode="strict", scheme=IOB2`.

    Args:
        tags: of the words of one text.
    """
    return [span for span, begun in _chunks(tags) if begun]


def conlleval_spans(tags: Sequence[str]) -> list[SpanKey]:
    """The same, and an `I-` that goes nothing on begins a span, too: as conlleval counts. It knows all schemes."""
    return [span for span, _ in _chunks(tags)]


def _chunks(tags: Sequence[str]) -> Iterator[tuple[SpanKey, bool]]:
    """Words in a row that belong together, and whether they begin as they should."""
    start, label, begun = 0, "", False
    before = OUTSIDE
    for index, tag in enumerate((*tags, OUTSIDE)):
        ended = not label or before in ENDING or before in SINGLE
        goes_on = not ended and tag[0] in CONTINUING and tag[len(BEGIN) :] == label
        if label and not goes_on:
            yield (start, index, label), begun
            label = ""
        if not goes_on and tag != OUTSIDE:
            start, label, begun = index, tag[len(BEGIN) :], tag[0] not in CONTINUING
        before = tag[0]


_PREFIXED = re.compile(r"([BIESLUM])[-_](.+)", re.DOTALL)


def iob2_tags(types: Sequence[str]) -> tuple[str, ...]:
    """The tags of some types: `O`, and two of each."""
    return (OUTSIDE, *(letter + one for one in types for letter in (BEGIN, INSIDE)))


def plain_tags(labels: Sequence[str]) -> tuple[str, ...]:
    """What each label of a model means, as a letter, a hyphen and a type.

    Labels without letters are types themselves, each of which goes on as long as it is repeated.
    """
    inner = [label for label in labels if label != OUTSIDE]
    matches = [_PREFIXED.fullmatch(label) for label in inner]
    if not all(matches):
        return tuple(label if label == OUTSIDE else INSIDE + label for label in labels)
    tags = iter([f"{match[1]}-{match[2]}" for match in matches if match])
    return tuple(label if label == OUTSIDE else next(tags) for label in labels)


def tag_types(labels: Sequence[str]) -> tuple[str, ...]:
    """The types that the labels of a model tell apart, in their order."""
    return tuple(dict.fromkeys(tag[len(BEGIN) :] for tag in plain_tags(labels) if tag != OUTSIDE))
