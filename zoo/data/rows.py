"""What every format's reader yields."""

from __future__ import annotations

from typing import Any, NamedTuple


class Row(NamedTuple):
    """One row as the file has it."""

    number: int
    """1-based."""
    values: dict[str, Any]


class Malformed(NamedTuple):
    """A row the format's own rules forbid."""

    number: int
    reason: str
    undecodable: bool = False
    """Whether it is its encoding that is wrong."""
    name: str = ""
    """Of the file that the row is, where each row is one."""
    untargeted: Row | None = None
    """The row as it is, where it lacks nothing but its target."""
