"""What kinds of input have in common whose cells name files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo.kinds import files
from zoo.kinds.input_kind import InputKind


class FileKind(InputKind):
    """A file of its own for each input."""

    from_files = True
    extensions: frozenset[str]
    """What the names of such files end in, in lower case."""

    def parse(self, text: str, column: str, base: Path) -> str:
        """The absolute path of the file."""
        return files.find(text, base)

    def write_held(self, value: Any, stem: Path) -> Path | None:
        """The bytes of a file beside its name, as data sets of Hugging Face hold them."""
        if not isinstance(value, Mapping) or not isinstance(value.get("bytes"), bytes):
            return None
        path = stem.with_name(stem.name + Path(str(value.get("path") or "")).suffix)
        path.write_bytes(value["bytes"])
        return path

    def digests(self, inputs: Iterable[str]) -> list[str]:
        """The sha256 of each file."""
        return files.digests(inputs)

    def expand(self, words: Iterable[str]) -> list[str]:
        """Folders and patterns give their files by name."""
        advice = f"name {self} files, folders of them, or patterns such as '{self.example_data}*{self._extension}'"
        return files.expand(words, self.extensions, f"a folder without {self}s", advice)

    def likeness(self, cells: list[Any]) -> float:
        """Share of the names of such files."""
        names = [cell for cell in cells if isinstance(cell, str) and self.is_named_by(Path(cell))]
        return len(names) / max(1, len(cells))

    def is_named_by(self, path: Path) -> bool:
        """By its extension."""
        return path.suffix.lower() in self.extensions

    @property
    def _extension(self) -> str:
        return Path(self.example).suffix
