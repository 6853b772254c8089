"""Columns by role, as everything that is kept of a run has them."""

from __future__ import annotations

from typing import Any

import msgspec


def settle_columns(holder: Any) -> None:
    """Let a struct that was written up to version 0.1 have its columns by role."""
    columns = {"input": holder.input_column, "label": holder.label_column}
    if any(columns.values()) and not holder.columns:
        msgspec.structs.force_setattr(holder, "columns", {role: name for role, name in columns.items() if name})
