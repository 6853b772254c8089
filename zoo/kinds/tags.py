"""Tags of words, such as B-person, I-person and O, as spans of words.

The schemes differ in which tag a span begins and ends with: IOB1 has B- only where the word before is of a span of the
same label (Ramshaw & Marcus 1995), IOB2 at every beginning; BIOES (also BMES) and BILOU mark the last word, and a
single one, too (Ratinov & Roth 2009); IO has labels alone. Which one it is shows in the tags. All are read as conlleval
does, which begins a span at an I- that nothing began; what breaks its scheme is reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from zoo.kinds.spans import BREACH, FAULT, SEVERAL

IOB1, IOB2, BIOES, BILOU, IO = "IOB1", "IOB2", "BIOES", "BILOU", "IO"
OUTSIDE = ("O", "_", "-")
"""What a word has that is of no span."""
UNNAMED = "span"
"""The label of tags without one: B, I and O."""
_TAG = re.compile(r"([BIESLUM])(?:[-_](\S.*))?")
_SEVERAL = re.compile(r"[,|]")
_BEGINNING, _LAST = "BSU", "ESLU"
_PREFIXES = {IOB1: "BI", IOB2: "BI", BIOES: "BIMES", BILOU: "BILU", IO: "I"}
_SINGLE_OF, _LAST_OF = {BIOES: "S", BILOU: "U"}, {BIOES: "E", BILOU: "L"}


class Mark(NamedTuple):
    """What a tag says of a word."""

    prefix: str
    label: str


class TaggedWords(NamedTuple):
    """A span of words."""

    first: int
    """Index of its first word."""
    last: int
    label: str
    breach: str = ""
    """Where its tags break the scheme, as a clause; empty where they do not."""


class BrokenTag(NamedTuple):
    """A tag that is none."""

    word: int
    tag: str


def is_tag(text: str) -> bool:
    """Whether a text is a tag with a prefix, or says that a word is of no span."""
    return text in OUTSIDE or bool(_marks(text))


def scheme_of(sentences: Iterable[Sequence[str]]) -> str:
    """The scheme that the tags of sentences are of; empty where all words are outside.

    Args:
        sentences: the tags of the words of each.
    """
    prefixes: Counter[str] = Counter()
    plain = begun = unbegun = 0
    for tags in sentences:
        labels: set[str] = set()
        for tag in tags:
            marks = _marks(tag)
            plain += not marks and tag not in OUTSIDE
            for prefix, label in marks:
                prefixes[prefix] += 1
                begun += prefix == "B" and label not in labels
                unbegun += prefix == "I" and label not in labels
            labels = {label for _, label in marks}
    if plain > prefixes.total():
        return IO
    for scheme, last in ((BILOU, "LU"), (BIOES, "ES")):
        if 0 < sum(prefixes[prefix] for prefix in last) >= prefixes["B"] / 2:  # as many in fact, and more with singles
            return scheme
    return (IOB1 if unbegun > begun else IOB2) if prefixes else ""


def spans_of_words(tags: Sequence[str], scheme: str) -> Iterator[TaggedWords | BrokenTag]:
    """The spans that tags say, by their last words, and the tags that are none.

    Args:
        tags: of the words of a sentence.
        scheme: that they are of.
    """
    open_spans: dict[str, TaggedWords] = {}
    for word, tag in enumerate(tags):
        marks = (Mark("I", tag),) if scheme == IO and tag not in OUTSIDE else _marks(tag)
        if not marks and tag not in OUTSIDE:
            yield BrokenTag(word, tag)
        continued = {label for prefix, label in marks if label in open_spans and prefix not in _BEGINNING}
        for label in [label for label in open_spans if label not in continued]:
            yield _ended(open_spans.pop(label), tags, scheme)
        for prefix, label in marks:
            if label in continued and label in open_spans:
                open_spans[label] = open_spans[label]._replace(last=word)
            else:
                open_spans[label] = TaggedWords(word, word, label, _unbegun(tags, word, prefix, scheme))
            if prefix in _LAST:
                yield open_spans.pop(label)
    for span in open_spans.values():
        yield _ended(span, tags, scheme)


def span_cell(
    tags: Sequence[str], places: Sequence[tuple[int, int]], scheme: str, name: Callable[[int], str]
) -> list[dict[str, Any]]:
    """The cell of the spans that tags say, as `zoo.kinds.spans` reads it, and what is wrong with them.

    Args:
        tags: of the words of a text.
        places: where each word begins and ends in the text, in characters.
        scheme: of the tags.
        name: what a person knows a word by, such as its line.
    """
    cell: list[dict[str, Any]] = []
    for span in spans_of_words(tags, scheme):
        if isinstance(span, BrokenTag):
            reason = f"has the tag {span.tag!r} in {name(span.word)}, which is none of {scheme or 'B-, I- and O'}"
            cell.append({FAULT: reason})
        else:
            cell.append({"start": places[span.first][0], "end": places[span.last][1], "label": span.label})
            several = next((word for word in range(span.first, span.last + 1) if len(_marks(tags[word])) > 1), None)
            if several is not None:
                cell[-1][SEVERAL] = f"{tags[several]!r} in {name(several)}"
            if span.breach:
                cell[-1][BREACH] = f"{span.breach} ({name(span.first)})"
    return cell


def _marks(tag: str) -> tuple[Mark, ...]:
    """What a tag says, or several with a comma or a bar between them; nothing where it is none."""
    matches = [_TAG.fullmatch(part) for part in _SEVERAL.split(tag)]
    if not all(matches):
        match = _TAG.fullmatch(tag)
        matches = [match] if match else []
    return tuple(dict.fromkeys(Mark(match[1], match[2] or UNNAMED) for match in matches if match))


def _unbegun(tags: Sequence[str], word: int, prefix: str, scheme: str) -> str:
    if prefix not in _PREFIXES.get(scheme, prefix):
        return f"has {tags[word]}, which is no tag of {scheme}"
    if prefix in _BEGINNING or scheme in (IO, IOB1):
        return ""
    where = f"after {tags[word - 1]}" if word else "at the beginning"
    return f"begins with {tags[word]} {where}, where {scheme} has B-"


def _ended(span: TaggedWords, tags: Sequence[str], scheme: str) -> TaggedWords:
    """A span that another word, or the end, has ended."""
    last = (_SINGLE_OF if span.first == span.last else _LAST_OF).get(scheme, "")
    if not last or span.breach:
        return span
    return span._replace(breach=f"ends with {tags[span.last]}, where {scheme} has {last}-")
