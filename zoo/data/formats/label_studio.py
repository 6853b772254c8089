"""Spans of texts as Label Studio exports them in JSON (its own CoNLL export shifts labels, and is no substitute).

[{"id": 1, "data": {"text": "Ada came."},
  "annotations": [{"result": [{"type": "labels", "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["person"]}}],
                   "was_cancelled": false, "ground_truth": false}]}]

The columns are what `data` has, and `spans`. Of several annotations of a text that which is ground truth counts, or
else the first that was not cancelled; a text without any teaches nothing. Regions that are no spans are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.data.formats.json_document import head_of, items_of
from zoo.data.formats.json_lines import columns_of, decode_row, selected
from zoo.data.lines import EncodingLog
from zoo.data.rows import Malformed, Row
from zoo.kinds import TEXT
from zoo.kinds.spans import FAULT
from zoo.plurals import counted, name_list

TITLE = "an export of Label Studio"
SPANS_COLUMN = "spans"
_ANNOTATIONS = ("annotations", "completions")
_BEGINNING = re.compile(rb'\s*\[\s*\{.*"(?:annotations|completions)"\s*:\s*\[', re.DOTALL)
_HEAD_BYTES = 2**20
"""The first item must end within these."""
_LABELLED = ("labels", "hypertextlabels")
"""Types of regions that are spans of a text."""


def is_of(path: Path) -> bool:
    """Whether a JSON document is an array of texts with annotations, by its first item."""
    head = head_of(path, _HEAD_BYTES)
    if not _BEGINNING.match(head):
        return False
    text = head.decode(errors="replace")
    try:
        item, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    except (ValueError, RecursionError):
        return False
    data, annotations = item.get("data"), next((item[key] for key in _ANNOTATIONS if key in item), None)
    if not isinstance(data, dict) or not isinstance(annotations, list):
        return False
    regions = [region for one in annotations if isinstance(one, dict) for region in one.get("result") or ()]
    if not regions:
        return any(name.lower() in TEXT.columns for name in data)
    return any(_is_span(region) for region in regions)


def read_columns(path: Path, log: EncodingLog | None = None) -> tuple[str, ...]:
    """What the first texts have beside their spans, and `spans`."""
    return tuple(dict.fromkeys((*columns_of(_rows(path, log)), SPANS_COLUMN)))


def read_rows(path: Path, columns: tuple[str, ...], log: EncodingLog | None = None) -> Iterator[Row | Malformed]:
    """Every text in the order of the document."""
    return selected(_rows(path, log), columns)


def _rows(path: Path, log: EncodingLog | None) -> Iterator[Row | Malformed]:
    for number, item in enumerate(items_of(path, log), start=1):
        row = decode_row(number, item)
        if isinstance(row, Malformed):
            yield row
        elif not isinstance(row.values.get("data"), dict):
            yield Malformed(number, "has no data, which holds the text")
        else:
            yield Row(number, {**row.values["data"], SPANS_COLUMN: _spans(row.values)})


def _spans(item: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The cell: the spans of the annotation that counts; None where there is none."""
    annotations: list[Any] = next((item[key] for key in _ANNOTATIONS if isinstance(item.get(key), list)), [])
    done = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    if not done:
        return None
    annotation = next((one for one in done if one.get("ground_truth")), done[0])
    return [_span(region["value"]) for region in annotation.get("result") or () if _is_span(region)]


def _is_span(region: Any) -> bool:
    value = region.get("value") if isinstance(region, dict) else None
    return isinstance(value, dict) and region.get("type") in _LABELLED and "start" in value and "text" in value


def _span(value: dict[str, Any]) -> dict[str, Any]:
    labels: Any = next((value[key] for key in _LABELLED if key in value), None)
    if isinstance(labels, list) and len(labels) > 1:
        return {FAULT: f"has {counted(len(labels), 'label')} ({name_list(tuple(map(str, labels)))})"}
    place = value.get("globalOffsets")  # of a text that is shown as HTML, start and end count within an element
    place = place if isinstance(place, dict) else value
    return {"start": place.get("start"), "end": place.get("end"), "labels": labels, "text": value["text"]}
