"""What an inspection measures of numbers."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.kinds.facts import NumberFacts

if TYPE_CHECKING:
    from zoo.data.report import Part

FAR = 10
"""How many times the width of the middle half a number lies beside it that is likely a slip."""


class NumberMeasure:
    """Their distribution; 16 bytes a number."""

    def __init__(self) -> None:
        self._numbers, self._rows = array("d"), array("Q")

    def add(self, row: int, target: float, value: Any) -> None:
        """Keep it."""
        self._numbers.append(target)
        self._rows.append(row)

    def complete(self, part: Part) -> Part:
        """With the distribution, where there is any number."""
        if not self._numbers:
            return part
        ordered = sorted(self._numbers)
        count = len(ordered)
        mean = math.fsum(ordered) / count
        low, median, high = (ordered[math.ceil(count * share) - 1] for share in (0.25, 0.5, 0.75))
        reach = FAR * (high - low)
        far = [i for i, number in enumerate(self._numbers) if reach and not low - reach <= number <= high + reach]
        facts = NumberFacts(
            smallest=ordered[0],
            median=median,
            largest=ordered[-1],
            mean=mean,
            std=math.sqrt(math.fsum((number - mean) ** 2 for number in ordered) / count),
            different=len(set(ordered)),
            outliers=len(far),
            first_outlier=self._numbers[far[0]] if far else 0.0,
            first_outlier_row=self._rows[far[0]] if far else 0,
            middle=(low, high),
        )
        return msgspec.structs.replace(part, numbers=facts)
