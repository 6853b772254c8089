"""Files to typed examples: reading, checking, splitting, inspecting. Loaded on first use; importing this costs nothing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.data.digests import digest as digest
    from zoo.data.example import (
        Columns as Columns,
        Dataset as Dataset,
        Example as Example,
        RejectedRow as RejectedRow,
    )
    from zoo.data.inspection import inspect as inspect
    from zoo.data.loading import (
        check_labels as check_labels,
        count_rows as count_rows,
        load as load,
        stream as stream,
    )
    from zoo.data.report import Finding as Finding, Inspection as Inspection
    from zoo.data.splitting import split as split

_HOME = {
    "zoo.data.digests": ("digest",),
    "zoo.data.example": ("Columns", "Dataset", "Example", "RejectedRow"),
    "zoo.data.inspection": ("inspect",),
    "zoo.data.loading": ("check_labels", "count_rows", "load", "stream"),
    "zoo.data.report": ("Finding", "Inspection"),
    "zoo.data.splitting": ("split",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605  (names are resolved by __getattr__)


def __getattr__(name: str) -> Any:
    try:
        module = _MODULE_OF[name]
    except KeyError:
        raise AttributeError(f"module 'zoo.data' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value
