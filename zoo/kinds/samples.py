"""Little data that a model can learn to distinguish within seconds, for the tests that plugins pass.

Label names hold what file formats and models stumble over: a space, a letter outside ASCII, a leading zero.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

LABELS = ("007", "late parcel", "réclamation")
ROWS_PER_LABEL = 12
_SEED = 3702


class SamplePart(NamedTuple):
    """A part of an input."""

    label: str
    place: tuple[Any, ...]
    """Where it is, as the kind of input has it, such as the corners of a shape in pixels."""


class SampleSet(ABC):
    """Data of one kind of input, written when it is first asked for."""

    @abstractmethod
    def rows(self) -> list[tuple[Any, str]]:
        """(cell, label) of each row, a dozen of each label; files that cells name are written."""

    def parts(self) -> list[tuple[Any, tuple[SamplePart, ...]]]:
        """(cell, parts) of each row, for targets that say what is where: one part, several, and once none.

        Raises:
            NotImplementedError: such inputs have no parts.
        """
        raise NotImplementedError(f"{type(self).__name__} has no parts")

    @abstractmethod
    def labelled(self) -> Path:
        """Data with labels."""

    @abstractmethod
    def unlabelled(self) -> Path:
        """Data without."""

    @abstractmethod
    def inputs(self, mark: str) -> list[Any]:
        """Inputs of every label, of unequal lengths or sizes.

        Args:
            mark: what a text must hold to be answered.
        """

    @abstractmethod
    def unusable(self) -> list[Any]:
        """Inputs that no model can answer; two of them hold what acts on a terminal."""

    def harmful(self, mark: str) -> list[Any]:
        """Inputs that a model may answer, and that hold what acts on a terminal."""
        return []

    def cell(self, value: Any) -> Any:
        """An input as a table in the folder of the samples names it."""
        return value

    def row(self, value: Any, columns: Sequence[str]) -> dict[str, Any]:
        """An input as a row of such a table, by the columns of its task's roles."""
        return {columns[0]: self.cell(value)}


def draws() -> random.Random:
    """The same draws each time."""
    return random.Random(_SEED)  # noqa: S311 - nobody must be unable to guess them
