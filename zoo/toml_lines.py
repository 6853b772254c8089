"""Where in a TOML file each key stands, for messages: what is parsed has no lines any more."""

from __future__ import annotations

import re
from pathlib import Path


class Lines:
    """Where in a file each key stands, for messages.

    Args:
        path: of the file.
        text: its content, which is TOML.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._numbers: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := re.match(r"\s*\[\[?([^\]]+)\]", line):
                table = _keys(header[1])
                self._numbers.setdefault(table, number)
            elif entry := re.match(r"\s*([\w\-.\"' ]+?)\s*=", line):
                self._numbers.setdefault((*table, *_keys(entry[1])), number)

    def place(self, *key: str) -> str:
        """The file, with the line of a key, or of the table around it."""
        for end in range(len(key), 0, -1):
            if number := self._numbers.get(key[:end]):
                return f"{self._path} line {number}"
        return str(self._path)


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
