"""What was measured of numbers, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.kinds.facts import Finding
from zoo.plurals import counted

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """From which to which they are."""
    numbers = part.numbers
    if numbers:
        span = f"{numbers.smallest:.7g} to {numbers.largest:.7g}, half up to {numbers.median:.7g}"
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
            yield Finding("error", f"{part.path} has the same number in every {part.unit}: {numbers.median:.7g}")
        if numbers.outliers:
            low, high = numbers.middle
            yield Finding(
                "warning",
                f"{part.path}: {counted(numbers.outliers, part.unit, 'have')} a number far from all others, the first "
                f"is {numbers.first_outlier:.7g} in row {numbers.first_outlier_row}, where half of them lie between "
                f"{low:.7g} and {high:.7g}: a slip of that size spoils what is learnt of all",
            )
