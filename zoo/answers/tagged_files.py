"""Files of texts with what was found in them, as other programs read them: CoNLL columns, and documents of spaCy.

Words are those of `zoo.words.spaced_words`, and end where a span begins or ends. Where the data had its
words apart already, as CoNLL columns have, they stay as they are, and a span takes each word that it reaches into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from zoo.answers.answer import RecordCount
from zoo.answers.file_columns import refuse_columns
from zoo.answers.tagged_spans import TaggedSpans
from zoo.encoding import encode_json, escaped
from zoo.words import spaced_words

if TYPE_CHECKING:
    from zoo.runs.answer_files import AnswerColumns, AnswerRecord

_WORD = re.compile(r"\S+")
_REJECTED = "# rejected: "
_EMPTY = "# no words\n"
OUTSIDE = "O"


class Conll:
    """A word and its tag of IOB2 a line, an empty line after each text; comments for rows without an answer."""

    def __init__(self, columns: AnswerColumns) -> None:
        refuse_columns(columns, "conll")
        self._words_apart = columns.words_apart

    def header(self) -> bytes:
        """None."""
        return b""

    def encode(self, record: AnswerRecord) -> bytes:
        """The words of a text."""
        answer = record.answer
        if not isinstance(answer, TaggedSpans):
            return f"{_REJECTED}{escaped(' '.join(answer.cells().rejected.split()))}\n\n".encode()
        lines = (f"{word}\t{tag}\n" for word, tag in self._tagged(answer))
        return (escaped("".join(lines) or _EMPTY) + "\n").encode()

    def count(self, file: BinaryIO) -> RecordCount:
        """An empty line ends a record."""
        rows = rejected = end = position = 0
        beginning = b""
        for line in file:
            position += len(line)
            beginning = beginning or line
            if line == b"\n":
                rows, end = rows + 1, position
                rejected += beginning.startswith(_REJECTED.encode())
                beginning = b""
        return RecordCount(rows, rejected, end)

    def _tagged(self, answer: TaggedSpans) -> Iterator[tuple[str, str]]:
        spans = list(answer.spans)
        before = None
        for start, end in words_of(answer, apart=self._words_apart):
            while spans and spans[0].end <= start:
                spans.pop(0)
            span = spans[0] if spans and spans[0].start < end else None
            tag = OUTSIDE if span is None else f"{'I' if span is before else 'B'}-{span.label}"
            before = span
            yield answer.text[start:end], tag


class SpacyLines:
    """A document of spaCy a line, which `Doc(nlp.vocab).from_json` reads; a row without an answer has the reason."""

    def __init__(self, columns: AnswerColumns) -> None:
        refuse_columns(columns, "spacy")
        self._words_apart = columns.words_apart

    def header(self) -> bytes:
        """None."""
        return b""

    def encode(self, record: AnswerRecord) -> bytes:
        """A document, with its words as tokens."""
        answer = record.answer
        if not isinstance(answer, TaggedSpans):
            return encode_json({"text": "", "tokens": [], "ents": [], "rejected": answer.cells().rejected}) + b"\n"
        words = enumerate(words_of(answer, apart=self._words_apart))
        document: dict[str, Any] = {
            "text": answer.text,
            "ents": [{"start": one.start, "end": one.end, "label": one.label} for one in answer.spans],
            "tokens": [{"id": number, "start": start, "end": end} for number, (start, end) in words],
        }
        return encode_json(document) + b"\n"

    def count(self, file: BinaryIO) -> RecordCount:
        """Each line is a record, up to the first that cannot be read as one."""
        rows = rejected = end = 0
        decoder = msgspec.json.Decoder(_Line)
        for line in file:
            try:
                reason = decoder.decode(line).rejected
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
            if line.endswith(b"\n"):
                rows, rejected, end = rows + 1, rejected + bool(reason), end + len(line)
        return RecordCount(rows, rejected, end)


class _Line(msgspec.Struct):
    text: str
    rejected: str = ""


def words_of(answer: TaggedSpans, *, apart: bool) -> list[tuple[int, int]]:
    """Where the words of a text begin and end.

    Args:
        answer: with the text, and the spans that words end at.
        apart: whether white space alone stands between words.
    """
    if apart:
        return [match.span() for match in _WORD.finditer(answer.text)]
    borders = {place for one in answer.spans for place in (one.start, one.end)}
    return [
        part
        for start, end in spaced_words(answer.text)
        for part in pairwise(sorted({start, end, *borders.intersection(range(start, end))}))
    ]
