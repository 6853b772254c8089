"""Spans of texts as spaCy has them in JSON; its binary .spacy files are not read.

[["Ada came.", {"entities": [[0, 3, "person"]]}], ...]                        what training takes in Python
{"classes": ["person"], "annotations": [["Ada came.", {"entities": [...]}]]}  likewise, as annotators for spaCy write it
[{"id": 0, "paragraphs": [{"raw": "Ada came.", "entities": [[0, 3, "person"]],
   "sentences": [{"tokens": [{"orth": "Ada", "ner": "U-person"}, ...]}]}]}]   its training format of version 2

Of a paragraph `entities` count, or else the tags of its tokens; `raw` may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from zoo.data.formats.json_document import head_of, items_of
from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.kinds.tags import BILOU, span_cell

TITLE = "training data of spaCy"
COLUMNS = ("text", "spans")
_TEXT = rb'"(?:[^"\\]|\\.)*"'
_OBJECT = rb'(?:\{\s*(?:"classes"\s*:\s*\[[^\]]*\]\s*,\s*)?"annotations"\s*:\s*)?'
_PAIRS = re.compile(rb"\s*" + _OBJECT + rb"\[\s*\[\s*" + _TEXT + rb'\s*,\s*\{\s*"entities"')
_DOCUMENTS = re.compile(rb'\s*\[\s*\{\s*(?:"id"\s*:\s*(?:' + _TEXT + rb'|\d+)\s*,\s*)?"paragraphs"\s*:\s*\[')
_HEAD_BYTES = 2**20


class _Annotated(msgspec.Struct):
    entities: list[Any] = []


class _Token(msgspec.Struct):
    orth: str
    ner: str = "O"


class _Sentence(msgspec.Struct):
    tokens: list[_Token] = []


class _Paragraph(msgspec.Struct):
    raw: str = ""
    entities: list[Any] = []
    sentences: list[_Sentence] = []


class _Document(msgspec.Struct):
    paragraphs: list[_Paragraph]


def is_of(path: Path) -> bool:
    """Whether a JSON document begins as one of these."""
    head = head_of(path, _HEAD_BYTES)
    return bool(_PAIRS.match(head) or _DOCUMENTS.match(head))


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """`text` and `spans`."""
    return COLUMNS


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every text, or paragraph of a document, in order."""
    number = 0
    for item in items_of(path, log, "annotations"):
        rows = _rows(item)
        for row in [rows] if isinstance(rows, str) else rows:
            number += 1
            if isinstance(row, str):
                yield Malformed(number, row)
            else:
                yield Row(number, {name: row[name] for name in columns})


def _rows(item: msgspec.Raw) -> list[dict[str, Any]] | str:
    """The rows of an item, or why it has none."""
    begins = bytes(memoryview(item)[:1])
    if begins == b"n":  # null, where an annotator passed a text over
        return []
    try:
        if begins == b"[":
            text, annotated = msgspec.json.decode(item, type=tuple[str, _Annotated])
            return [dict(zip(COLUMNS, (text, annotated.entities), strict=True))]
        return [_row(one) for one in msgspec.json.decode(item, type=_Document).paragraphs]
    except (msgspec.DecodeError, RecursionError) as error:
        return f"is not as spaCy writes it: {error}"


def _row(paragraph: _Paragraph) -> dict[str, Any]:
    tokens = [token for sentence in paragraph.sentences for token in sentence.tokens]
    text = paragraph.raw or " ".join(token.orth for token in tokens)
    spans = paragraph.entities
    if not spans:
        places: list[tuple[int, int]] = []
        for token in tokens:
            start = text.find(token.orth, places[-1][1] if places else 0)
            places.append((start, start + len(token.orth)))
        spans = span_cell([token.ner for token in tokens], places, BILOU, lambda word: f"token {word + 1}")
    return dict(zip(COLUMNS, (text, spans), strict=True))
