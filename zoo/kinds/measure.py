"""How an inspection looks at the inputs of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from zoo.answers import Rejected

if TYPE_CHECKING:
    from zoo.data.report import Part


class Measurement(NamedTuple):
    """What was measured of one input."""

    key: bytes
    """The same for the same input."""
    name: str
    """What a person knows it by, beside its row: a file's name."""
    details: Any
    """For `Measure.add`."""


class Measure(Protocol):
    """Looks at the inputs of one part of a data set."""

    threads: bool
    """Whether `look` takes so long that it is called in several threads at once."""

    def cell(self, row: int, value: str) -> None:
        """Take note of a cell as it stands in the file, usable or not."""

    def look(self, value: Any) -> Measurement | Rejected:
        """Look at one usable input; changes nothing."""
        ...

    def add(self, details: Any) -> None:
        """Take what was seen into account, in order."""

    def complete(self, part: Part) -> Part:
        """The part with what was found."""
        ...


class TargetMeasure(Protocol):
    """Looks at the targets of one part of a data set."""

    def add(self, row: int, target: Any, value: Any) -> None:
        """Take a target into account, in order.

        Args:
            row: of the data, 1-based.
            target: as its kind reads it.
            value: the input that it belongs to.
        """

    def complete(self, part: Part) -> Part:
        """The part with what was found."""
        ...


class NoMeasure:
    """Targets that have nothing to be measured beside their labels."""

    def add(self, row: int, target: Any, value: Any) -> None:
        """Take no note."""

    def complete(self, part: Part) -> Part:
        """The part as it is."""
        return part
