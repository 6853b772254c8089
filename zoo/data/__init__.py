"""Files to typed examples: reading, checking, splitting, inspecting. Everything is loaded on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.data.digests import digest, stamp
    from zoo.data.examination import examine
    from zoo.data.example import Columns, Dataset, Example, RejectedRow
    from zoo.data.guessing import likely_columns, likely_task
    from zoo.data.inspection import inspect
    from zoo.data.labels import match_labels
    from zoo.data.loading import InputRows, count_rows, load, stream
    from zoo.data.report import Inspection
    from zoo.data.row_ranges import divided
    from zoo.data.splitting import split
    from zoo.kinds.facts import Finding

__all__ = [
    "Columns",
    "Dataset",
    "Example",
    "Finding",
    "InputRows",
    "Inspection",
    "RejectedRow",
    "count_rows",
    "digest",
    "divided",
    "examine",
    "inspect",
    "likely_columns",
    "likely_task",
    "load",
    "match_labels",
    "split",
    "stamp",
    "stream",
]

_MODULE_OF = {
    **dict.fromkeys(("Columns", "Dataset", "Example", "RejectedRow"), "zoo.data.example"),
    "Finding": "zoo.kinds.facts",
    "Inspection": "zoo.data.report",
    **dict.fromkeys(("InputRows", "count_rows", "load", "stream"), "zoo.data.loading"),
    **dict.fromkeys(("digest", "stamp"), "zoo.data.digests"),
    "divided": "zoo.data.row_ranges",
    "examine": "zoo.data.examination",
    "inspect": "zoo.data.inspection",
    **dict.fromkeys(("likely_columns", "likely_task"), "zoo.data.guessing"),
    "match_labels": "zoo.data.labels",
    "split": "zoo.data.splitting",
}


def __getattr__(name: str) -> Any:
    try:
        module = _MODULE_OF[name]
    except KeyError:
        raise AttributeError(f"module 'zoo.data' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value
