"""What was measured of numbers, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.kinds.facts import Finding
from zoo.plurals import counted
from zoo.units import plain_number

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """From which to which they are."""
    numbers = part.numbers
    if numbers:
        smallest, largest, median = map(plain_number, (numbers.smallest, numbers.largest, numbers.median))
        span = f"{smallest} to {largest}, half up to {median}"
        yield (
            "numbers",
            f"{span}; mean {numbers.mean:.4g}, deviation {numbers.std:.4g}; {numbers.different:,} different",
        )


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Numbers that are all the same, and such as are far away from all others."""
    for part in (inspection.train, inspection.eval):
        numbers = part.numbers if part else None
        if part is None or numbers is None:
            continue
        if numbers.different == 1 and part is inspection.train:
            yield Finding(
                "error", f"{part.path} has the same number in every {part.unit}: {plain_number(numbers.median)}"
            )
        if numbers.outliers:
            low, high = map(plain_number, numbers.middle)
            yield Finding(
                "warning",
                f"{part.path}: {counted(numbers.outliers, part.unit, 'have')} a number far from all others, the first "
                f"is {plain_number(numbers.first_outlier)} in row {numbers.first_outlier_row}, where half of them lie "
                f"between {low} and {high}: a slip of that size spoils what is learnt of all",
            )
