"""What every kind says of its values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Unusable(Exception):
    """A value cannot serve; the text says why."""


class Kind(ABC):
    """One sort of value. Its attributes are the same for all values."""

    name: str
    """For one value, in a person's words; an `s` makes it several."""
    columns: tuple[str, ...]
    """Usual names of the column that holds it, in lower case, the preferred one first."""

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    def likeness(self, cells: list[Any]) -> float:
        """How much the cells of a column, none of them empty, look like such values; 0 where they do not."""


INPUT = "input"
"""The role of the column that holds the input, where it is one."""
TARGET = "label"
"""The role of the column that holds the target, whatever its kind."""


SLIPS = 0.1
"""Share of the cells of a column that may be something else than what the column looks like."""


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing: null, NaN or white space."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124


def noun_of(value: Any) -> str:
    """What a value is, in a person's words."""
    nouns = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return nouns.get(type(value), type(value).__name__)
