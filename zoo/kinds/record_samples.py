"""Inputs made of several, for the tests that plugins pass: all parts of one are of the same label."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.kinds.input_kind import InputKind
from zoo.kinds.kind import TARGET
from zoo.kinds.samples import SampleSet


class RecordSamples(SampleSet):
    """The samples of the kinds of the parts, side by side.

    Args:
        roles: what each part is.
        folder: where they are written.
        longest: most words of a text.
    """

    def __init__(self, roles: Mapping[str, InputKind], folder: Path, longest: int) -> None:
        self._folder = folder
        self._parts = {role: kind.samples(folder, longest) for role, kind in roles.items()}

    def rows(self) -> list[tuple[Any, str]]:
        """(parts, label): the second part is that of the next row of this label, and so on."""
        of_label: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for cells in zip(*(part.rows() for part in self._parts.values()), strict=True):
            of_label[cells[0][1]].append(tuple(cell for cell, _ in cells))
        return [
            (tuple(rows[(index + shift) % len(rows)][shift] for shift in range(len(self._parts))), label)
            for label, rows in of_label.items()
            for index in range(len(rows))
        ]

    def labelled(self) -> Path:
        """A CSV file."""
        return self._write("records.csv", [*self._parts, TARGET], [(*cells, label) for cells, label in self.rows()])

    def unlabelled(self) -> Path:
        """A CSV file."""
        return self._write("inputs.csv", list(self._parts), [cells for cells, _ in self.rows()])

    def _write(self, name: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Path:
        path = self._folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        return path

    def inputs(self, mark: str) -> list[Any]:
        """Parts of unequal lengths or sizes."""
        return self._side_by_side([part.inputs(mark) for part in self._parts.values()])

    def unusable(self) -> list[Any]:
        """What is no record, and records whose parts are unusable."""
        return [7, None, b"\x1b[2J", *self._side_by_side([part.unusable() for part in self._parts.values()])]

    def harmful(self, mark: str) -> list[Any]:
        """Records of what acts on a terminal."""
        return self._side_by_side([part.harmful(mark) for part in self._parts.values()])

    def _side_by_side(self, parts: Sequence[Sequence[Any]]) -> list[Any]:
        return [dict(zip(self._parts, values, strict=True)) for values in zip(*parts, strict=False)]

    def row(self, value: Any, columns: Sequence[str]) -> dict[str, Any]:
        """Each part in its column."""
        pairs = zip(columns, self._parts.items(), strict=True)
        return {column: part.cell(value[role]) for column, (role, part) in pairs}
