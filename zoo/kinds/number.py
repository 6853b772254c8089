"""Numbers: finite ones, as numbers or as plain text.

`3`, `-0.5` and `1e3` are numbers; so are `1,5` and `1.234,50` in a column that has decimal commas throughout. `1,234`
is none where no other cell says what the comma means, nor are `12 €` and `50%`: a unit may change from row to row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.kinds.kind import SLIPS, Unusable, is_empty, noun_of
from zoo.kinds.spelling import quoted_start
from zoo.kinds.target_kind import TargetKind
from zoo.units import plain_number

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import TargetMeasure

LARGEST = 1e30
"""A result has its output layer in the unit of the data, in single precision, which ends at 3.4e38."""
BINS, ROWS_PER_BIN = 10, 10
"""Rows are held out of so many groups of like numbers, each of so many rows at least."""
FEW = 10
"""Different numbers up to which they may as well be names of classes."""
_EXPONENT = r"(?:[eE][-+]?[0-9]+)?"
_PLAIN = re.compile(rf"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+){_EXPONENT}")
_THOUSANDS_MARKS = ". '\u2019\u00a0\u202f"
"""Between groups of three digits, where a comma stands before the decimals."""
_DECIMAL_COMMA = re.compile(rf"[-+]?(?:[0-9]{{1,3}}(?:[{_THOUSANDS_MARKS}][0-9]{{3}})+|[0-9]*),[0-9]+{_EXPONENT}")
_THOUSANDS_OR_DECIMALS = re.compile(r"[-+]?[1-9][0-9]{0,2}[.,][0-9]{3}")
_TO_PLAIN = str.maketrans({",": ".", **dict.fromkeys(_THOUSANDS_MARKS)})


class NumberKind(TargetKind):
    """One number.

    Args:
        decimal_comma: whether a comma stands before the decimals of a text.
    """

    name = "number"
    exact = False
    columns = ("score", "rating", "value", "number", "target", "price", "stars", "label", "y")

    def __init__(self, *, decimal_comma: bool = False) -> None:
        self._decimal_comma = decimal_comma

    def read(self, value: Any, column: str) -> float | None:
        """The number a cell holds."""
        if is_empty(value):
            return None
        number = self._of_text(value.strip(), column) if isinstance(value, str) else _number(value, column)
        if not math.isfinite(number):
            raise Unusable(f"column {column} holds {number}, which is no finite number")
        if abs(number) > LARGEST:
            raise Unusable(f"column {column} holds {number:g}; numbers are taken up to {LARGEST:g}")
        return number

    def written(self, target: float) -> str:
        """With all its digits; a whole one without a point."""
        return repr(float(target)).removesuffix(".0")

    def adapted_to(self, cells: Sequence[Any], base: Path | None = None, inputs: Iterable[Any] = ()) -> NumberKind:
        """With a decimal comma where texts have one that cannot mean thousands, and hardly any has a decimal point."""
        texts = [
            text
            for cell in cells
            if isinstance(cell, str)
            if not _THOUSANDS_OR_DECIMALS.fullmatch(text := cell.strip())
        ]
        commas = sum(_DECIMAL_COMMA.fullmatch(text) is not None for text in texts)
        points = sum("." in text and _PLAIN.fullmatch(text) is not None for text in texts)
        return NumberKind(decimal_comma=True) if commas and points <= SLIPS * (commas + points) else self

    def reading_note(self, column: str) -> str:
        """That of a decimal comma."""
        return f"column {column} has decimal commas: 1,5 is read as 1.5" if self._decimal_comma else ""

    def samples(self, labels: Sequence[str]) -> list[Any]:
        """From 1 on, two and a half apart."""
        return [1 + 2.5 * i for i in range(len(labels))]

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """Bins of like numbers, with about as many rows each; equal numbers are in one."""
        numbers = sorted(target for target in targets if target is not None)
        bins = max(1, min(BINS, len(numbers) // ROWS_PER_BIN))
        first: dict[float, int] = {}
        for rank, number in enumerate(numbers):
            first.setdefault(number, rank)
        return [None if target is None else first[target] * bins // len(numbers) for target in targets]

    def likeness(self, cells: list[Any]) -> float:
        """0.75 for numbers that are no names of classes, 0.4 for those that may be; 0 for anything else.

        Between the two lies a label's 0.5 for numbers. Names of classes are whole, or few. Numbers that count the rows
        are 0, too.
        """
        numbers = [number for number in map(self.adapted_to(cells)._read_or_none, cells) if number is not None]
        different = set(numbers)
        if len(cells) - len(numbers) > SLIPS * len(cells) or len(different) < 2 or _count_rows(numbers):
            return 0.0
        whole = all(number.is_integer() for number in different)
        names = len(different) <= (len(numbers) / 2 if whole else FEW)
        return 0.4 if names else 0.75

    def _of_text(self, text: str, column: str) -> float:
        if _PLAIN.fullmatch(text) and not (self._decimal_comma and "." in text):
            return float(text)
        if self._decimal_comma and _DECIMAL_COMMA.fullmatch(text):
            return float(text.translate(_TO_PLAIN))
        raise Unusable(f"column {column} holds {quoted_start(text)}, {self._fault(text)}")

    def _fault(self, text: str) -> str:
        """Why a text is no number."""
        if not any(character.isdigit() for character in text):
            return "which is no number"
        if not _PLAIN.fullmatch(text.replace(",", "").replace(" ", "").replace("'", "").replace("_", "")):
            return "which is more than a number: write it without unit or sign"
        if self._decimal_comma:
            return "whose marks may mean thousands or decimals where other rows have a decimal comma: write 1234,5"
        if "," in text and _THOUSANDS_OR_DECIMALS.fullmatch(text):
            return (
                f"whose comma may mean thousands or decimals: write {text.replace(',', '')} or {text.replace(',', '.')}"
            )
        return "whose marks may mean thousands or decimals: write 1234.5"

    def _read_or_none(self, cell: Any) -> float | None:
        try:
            return self.read(cell, "")
        except Unusable:
            return None

    def nothing_to_learn(self, targets: Sequence[Any]) -> str:
        """One number in all rows."""
        return f"every row has the same number, {plain_number(targets[0])}" if len(set(targets)) == 1 else ""

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """How they are distributed."""
        from zoo.kinds.number_measure import NumberMeasure

        return NumberMeasure()

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """From which to which they are."""
        from zoo.kinds import number_report

        return number_report.facts(part)

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Numbers that are all the same, and such as are far away from all others."""
        from zoo.kinds import number_report

        return number_report.findings(inspection)


NUMBER = NumberKind()


def _count_rows(numbers: Sequence[float]) -> bool:
    return len(numbers) > 2 and all(after - before == 1 for before, after in pairwise(numbers))


def _number(value: Any, column: str) -> float:
    from decimal import Decimal

    if hasattr(value, "dtype") and value.shape == () and value.dtype.kind in "iuf":
        return float(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    raise Unusable(f"column {column} holds {noun_of(value)}, not a number")
