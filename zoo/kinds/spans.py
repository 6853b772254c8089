"""Spans of a text, each with a label: the names of persons and places in it, say.

A cell is a list with an object for each span, or with three values, or a text that holds such a list as JSON or Python
prints it. Places are characters of the text, counted from 0; `end` is the one after the last:

    {"start": 0, "end": 5, "label": "person"}
    {"start_offset": 0, "end_offset": 5, "label": "person"}      as doccano has it
    [0, 5, "person"]                                             likewise, and spaCy

A span may bring its own characters along as `text`, which are compared. An empty list is a text without any span; an
empty cell is none: nobody has looked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from zoo.kinds.kind import Unusable, is_empty, noun_of
from zoo.kinds.label import LABEL
from zoo.kinds.printed import printed_value
from zoo.kinds.spelling import quoted_start
from zoo.kinds.strata import rarest_labels
from zoo.kinds.target_kind import FittedTarget, TargetKind
from zoo.words import cuts_word

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import TargetMeasure
    from zoo.kinds.samples import SampleSet

_START_KEYS = ("start", "start_offset", "begin", "startOffset", "start_char")
_END_KEYS = ("end", "end_offset", "stop", "endOffset", "end_char")
_LABEL_KEYS = ("label", "type", "entity_group", "tag", "labels", "entity_type", "category", "class", "entity")
_LISTS = ("spans", "entities")
"""Keys of an object that holds the list."""
FAULT = "fault"
"""Key of a span that a format cannot give: what is wrong with it, as a clause."""

_FAULT_SORTS = {
    " with several tags, ": "of words with several tags",
    " within a word, ": "cut a word",
    " overlaps span ": "overlap another",
    " under another label": "under a second label",
    " has white space at ": "with white space at the ends",
    " reaches beyond ": "beyond the text",
    " as it states": "of other characters than stated",
    ", and is kept": "break the scheme of tags",
    " has the tag ": "of no tag",
}
"""What is counted together, by words of its faults."""
SEVERAL = "several"
"""Key of a span of which a word has several tags: which ones, and where."""
BREACH = "breach"
"""Key of a span that is kept though a rule of its format is broken: which one, as a clause."""


class Span(msgspec.Struct, frozen=True, order=True):
    """A part of a text with its label."""

    start: int
    """Of its first character, counted from 0."""
    end: int
    """Of the character after its last."""
    label: str


class SpanReading(NamedTuple):
    """What a cell says."""

    spans: tuple[Span, ...]
    """In the order of the text; none overlaps another."""
    faults: tuple[str, ...]
    """What is wrong with others, which are left out or cut."""


class SpansKind(TargetKind):
    """Any number of spans."""

    name = "span"
    columns = ("spans", "entities", "ents", "label", "labels", "tags", "tag", "annotations", "ner", "ner_tags")
    fewest_labels = 1
    exact = False
    label_unit = "span"

    def read(self, value: Any, column: str) -> tuple[Span, ...] | None:
        """The spans a cell holds that are any."""
        return None if is_empty(value) else read_spans(value, column).spans

    def read_with_input(self, cell: Any, column: str, value: Any) -> FittedTarget:
        """The spans as they lie in the text; those that are none of it, cut words, or overlap others are left out."""
        if is_empty(cell):
            return FittedTarget(None)
        return FittedTarget(*read_spans(cell, column, text=value if isinstance(value, str) else None))

    def of_answer(self, target: Sequence[tuple[int, int, str]]) -> tuple[Span, ...]:
        """Spans, from their places and labels."""
        return tuple(Span(*one) for one in target)

    def fault_sort(self, fault: str) -> str:
        """Words cut, overlaps, second labels, broken schemes and the like."""
        return next((sort for words, sort in _FAULT_SORTS.items() if words in fault), "otherwise wrong")

    def labels_of(self, target: tuple[Span, ...]) -> tuple[str, ...]:
        """That of each span."""
        return tuple(span.label for span in target)

    def renamed(self, target: tuple[Span, ...], names: Mapping[str, str]) -> tuple[Span, ...]:
        """With the other names."""
        return tuple(msgspec.structs.replace(span, label=names.get(span.label, span.label)) for span in target)

    def nothing_to_learn(self, targets: Sequence[Any]) -> str:
        """No span in any text."""
        return "" if any(targets) else "no text has any span"

    def sample_rows(self, inputs: SampleSet) -> list[tuple[Any, Any]]:
        """The first half of the words, each for itself: those that reveal the class."""
        return [(value, _sample_spans(str(value), label)) for value, label in inputs.rows()]

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """By the rarest label of each, so that texts are held out of all labels; those without any are one, too."""
        return list(rarest_labels([self.labels_of(target or ()) for target in targets]))

    def likeness(self, cells: list[Any]) -> float:
        """3 for cells of which most are spans, more than the 2 of sets of labels; else 0."""
        readings = []
        for cell in cells:
            with contextlib.suppress(Unusable):
                readings.append(read_spans(cell, ""))
        return 3.0 if 2 * len(readings) > len(cells) and any(reading.spans for reading in readings) else 0.0

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """How many there are, which words have several labels, and what lies beyond the tokens read at once."""
        from zoo.kinds.spans_report import SpansMeasure

        return SpansMeasure(limits)

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """How many there are."""
        from zoo.kinds import spans_report

        return spans_report.facts(part)

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Labels that only one part has, or that are rare; no spans at all."""
        from zoo.kinds import spans_report

        return spans_report.findings(inspection)


SPANS = SpansKind()


def read_spans(value: Any, column: str, *, text: str | None = None) -> SpanReading:
    """The spans of a cell, and what is wrong with others.

    Args:
        value: the cell.
        column: its column, for messages.
        text: that they lie in, where it is known.

    Raises:
        Unusable: it holds something else than spans.
    """
    faults: list[str] = []
    numbers: dict[Span, int] = {}
    several: dict[Span, str] = {}
    for number, one in enumerate(_objects_of(value, column), start=1):
        try:
            span, mention = _span(one)
        except Unusable as unusable:
            faults.append(f"span {number} {unusable}, and is left out")
            continue
        if isinstance(one, Mapping) and BREACH in one:
            faults.append(f"span {number} ({span.label}) {one[BREACH]}, and is kept")
        fitted, fault = (span, "") if text is None else _within(span, mention, text)
        if fault:
            faults.append(f"span {number} ({span.label}) {fault}")
        if fitted in numbers:
            faults.append(f"span {number} ({span.label}) is the same as span {numbers[fitted]}, and is left out")
        elif fitted is not None:
            numbers[fitted] = number
            if isinstance(one, Mapping) and SEVERAL in one:
                several[fitted] = one[SEVERAL]
    kept: list[Span] = []
    for span in sorted(numbers, key=lambda span: (span.start, -span.end, numbers[span])):
        if kept and span.start < kept[-1].end:
            tags = f"({span.label}) is of a word with several tags, {several[span]}" if span in several else ""
            reason = tags or _conflict(span, kept[-1], numbers[kept[-1]])
            faults.append(f"span {numbers[span]} {reason}, and is left out")
        else:
            kept.append(span)
    return SpanReading(tuple(kept), tuple(faults))


def _conflict(span: Span, other: Span, number: int) -> str:
    """Why two spans cannot both stand, as a clause without the number of the first."""
    if (span.start, span.end) == (other.start, other.end):
        return f"({span.label}) is span {number} ({other.label}) under another label"
    place = f"({span.label}, {span.start} to {span.end})"
    return f"{place} overlaps span {number} ({other.label}, {other.start} to {other.end})"


def _objects_of(value: Any, column: str) -> list[Any]:
    """The spans of a cell as they are written.

    Raises:
        Unusable: it holds something else than a list of them.
    """
    if isinstance(value, str):
        text, value = value, printed_value(value)
        if value is None:
            raise Unusable(f"column {column} holds {quoted_start(text)}, which is no JSON list of spans")
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        key = next((key for key in _LISTS if key in value), "")
        value = value[key] if key else _from_lists(value, column)
    if not isinstance(value, list | tuple):
        raise Unusable(f"column {column} holds {noun_of(value)}, not a list of spans")
    values = [one.tolist() if hasattr(one, "tolist") else one for one in value]
    if values and all(type(one) is int for one in values):
        advice = (
            'write ["O", "B-person", "I-person"], the tags in the order of their numbers, to classes.json beside it'
        )
        raise Unusable(f"column {column} holds numbers of tags, which nothing names: {advice}")
    if values and all(isinstance(one, str) for one in values):
        raise Unusable(
            f"column {column} holds a list of texts, not of spans; tags need a column tokens or words beside"
        )
    for one in values:
        if not isinstance(one, Mapping) and not (isinstance(one, list | tuple) and len(one) == 3):
            raise Unusable(f"column {column} holds a list with {noun_of(one)} in it, not of spans")
    return values


def _from_lists(columns: Mapping[str, Any], column: str) -> list[dict[str, Any]]:
    """The spans of an object of lists, one list for each key."""
    lists = {key: cells for key, cells in columns.items() if isinstance(cells, list | tuple)}
    keys = [next((key for key in names if key in lists), "") for names in (_START_KEYS, _END_KEYS, _LABEL_KEYS)]
    if not all(keys):
        raise Unusable(f"column {column} holds an object with {', '.join(columns) or 'nothing'}, not a list of spans")
    if len({len(lists[key]) for key in keys}) > 1:
        raise Unusable(f"column {column} holds {', '.join(keys)} of unequal numbers")
    return [dict(zip(keys, values, strict=True)) for values in zip(*(lists[key] for key in keys), strict=True)]


def _span(one: Any) -> tuple[Span, str]:
    """A span as it is written, and the characters that it says it has; empty where it says none.

    Raises:
        Unusable: saying what it lacks, as a clause.
    """
    if not isinstance(one, Mapping):
        one = dict(zip(("start", "end", "label"), one, strict=True))
    if FAULT in one:
        raise Unusable(str(one[FAULT]))
    start, end = (_offset(one, keys) for keys in (_START_KEYS, _END_KEYS))
    label = next((one[key] for key in _LABEL_KEYS if not is_empty(one.get(key))), None)
    if isinstance(label, list | tuple) and len(label) == 1:
        label = label[0]
    try:
        name = LABEL.read(label, "label")
    except Unusable as unusable:
        raise Unusable(f"has a label that is none ({unusable})") from unusable
    if name is None:
        raise Unusable("has no label")
    mention = one.get("text")
    return Span(start, end, name), mention if isinstance(mention, str) else ""


def _offset(one: Mapping[str, Any], keys: Sequence[str]) -> int:
    """A place, which may be written as text."""
    value = next((one[key] for key in keys if not is_empty(one.get(key))), None)
    if value is None:
        raise Unusable(f"has no {keys[0]}")
    try:
        place = float(value)
    except (TypeError, ValueError):
        place = -0.5
    if isinstance(value, bool) or not place.is_integer():
        raise Unusable(f"has {value!r}"[:60] + f" for its {keys[0]}, which is no number of characters")
    return int(place)


def _within(span: Span, mention: str, text: str) -> tuple[Span | None, str]:
    """A span without white space at its ends, None where it is none of a text, and what is wrong with it."""
    start, end = span.start, span.end
    if mention and text[start:end] != mention and not text.isascii():
        start, end = _of_utf16(text, start, end, mention)
    place = f"({start} to {end})"
    if end <= start:
        return None, f"has no characters {place}, and is left out"
    if start < 0 or end > len(text):
        return None, f"reaches beyond the {len(text)} characters of the text {place}, and is left out"
    part = text[start:end]
    start, end = start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
    if start >= end:
        return None, f"has nothing but white space {place}, and is left out"
    if mention and mention.split() != part.split():
        return None, f"is {quoted_start(part)} {place}, not {quoted_start(mention)} as it states, and is left out"
    for position, what in ((start, "begins"), (end, "ends")):
        if cuts_word(text, position):
            return None, f"{what} within a word, {_around(text, position)} {place}, and is left out"
    fault = f"has white space at its ends {place}, and is cut to {start} to {end}" if end - start < len(part) else ""
    return Span(start, end, span.label), fault


def _of_utf16(text: str, start: int, end: int, mention: str) -> tuple[int, int]:
    """Places that a program in JavaScript counted, to which an emoji is two characters; others as they are."""
    units = text.encode("utf-16-le", "surrogatepass")
    before, part = (units[2 * max(0, first) : 2 * last] for first, last in ((0, start), (start, end)))
    try:
        characters = len(before.decode("utf-16-le")), len(part.decode("utf-16-le"))
    except UnicodeDecodeError:
        return start, end
    counted = characters[0], sum(characters)
    return counted if text[slice(*counted)] == mention else (start, end)


def _around(text: str, position: int) -> str:
    """The word that a position cuts, with a bar where it does."""
    start = end = position
    while cuts_word(text, start):
        start -= 1
    while cuts_word(text, end):
        end += 1
    return quoted_start(f"{text[start:position]}|{text[position:end]}")


def _sample_spans(text: str, label: str) -> list[dict[str, Any]]:
    spans, start = [], 0
    words = text.split()
    for word in words[: (len(words) + 1) // 2]:
        start = text.index(word, start)
        spans.append({"start": start, "end": start + len(word), "label": label})
        start += len(word)
    return spans
