"""The only writer of stdout: answers."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from zoo.sanitize import one_line, plain

# What a terminal may act on and JSON allows as it is; it occurs in strings only, where an escape means the same.
_ACTIVE = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def line(text: str = "") -> None:
    """One line of an answer; text from outside is made safe for the terminal."""
    sys.stdout.write(plain(text) + "\n")


def raw(text: str) -> None:
    """JSON that was made for another program, passed on with the same meaning."""
    sys.stdout.write(_ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def emit_json(value: Any) -> None:
    """One JSON document."""
    document = msgspec.json.format(msgspec.json.encode(value, enc_hook=_describe), indent=2)
    raw(document.decode() + "\n")


def table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> None:
    """Aligned columns; the last one is cut to the width of the terminal, if stdout is one."""
    for text in render_table(rows, headers, width=_width()):
        sys.stdout.write(text + "\n")


def render_table(rows: Sequence[Sequence[str]], headers: Sequence[str], *, width: int | None = None) -> list[str]:
    """The lines of a table; columns of numbers are aligned right.

    Args:
        rows: cells, as text.
        headers: one per column.
        width: columns of the terminal; None cuts nothing.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    right = [
        bool(cells) and all(not row[i] or row[i][0] in "0123456789-." for row in cells) and any(row[i] for row in cells)
        for i in range(len(headers))
    ]
    lines = []
    for row in [list(headers), *cells]:
        padded = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)]
        text = "  ".join(padded).rstrip()
        lines.append(text if width is None or len(text) <= width else text[: width - 1] + "…")
    return lines


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _describe(value: object) -> object:
    """JSON of what msgspec cannot encode: an option set is shown by its schema."""
    from zoo.options import Options, schema

    if isinstance(value, type) and issubclass(value, Options):
        return schema(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON")
