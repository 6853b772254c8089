"""Labels: what format one comes from leaves no trace in its name.

A label is text. Truth values are `true` and `false` however a program writes them (`true`, `True`, `TRUE`), and a whole
number that was written as a float is whole (`1.0` is `1`). Nothing else is made equal: `01`, `1.00`, `1e3`, `3.10`,
`nan`, `None` and `NA` are names as they stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zoo.kinds.kind import Unusable, is_empty, noun_of
from zoo.kinds.target_kind import TargetKind

if TYPE_CHECKING:
    from zoo.data.report import Inspection
    from zoo.kinds.facts import Finding

LONGEST = 60
"""Characters of a label."""

_TRUTH_VALUES = {spelling: spelling.lower() for spelling in ("true", "True", "TRUE", "false", "False", "FALSE")}
_WHOLE_FLOAT = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0")


class LabelKind(TargetKind):
    """The name of one of several classes."""

    name = "label"
    columns = ("label", "target", "class", "intent", "category", "sentiment", "labels", "y")
    fewest_labels = 2
    has_classes = True

    def labels_of(self, target: str) -> tuple[str, ...]:
        """The target itself."""
        return (target,)

    def renamed(self, target: str, names: Mapping[str, str]) -> str:
        """The other name."""
        return names.get(target, target)

    def read(self, value: Any, column: str) -> str | None:
        """The label a cell holds."""
        from decimal import Decimal

        if is_empty(value):
            return None
        if isinstance(value, str):
            return canonical(value.strip())
        if isinstance(value, Decimal) and value.is_finite():
            return canonical(f"{value.normalize():f}")  # 1.00 of a decimal column is padded to its scale
        if _is_number(value) and math.isfinite(value):
            return canonical(str(value))
        what = str(value) if isinstance(value, float | Decimal) else noun_of(value)
        raise Unusable(f"column {column} holds {what}, not text or a number")

    def likeness(self, cells: list[Any]) -> float:
        """1 for short texts that occur again, half of that for numbers and dates, 0 for anything else."""
        texts = [str(cell).strip() for cell in cells if isinstance(cell, str | int | float)]
        different = set(texts)
        if len(texts) < len(cells) or not 2 <= len(different) <= len(texts) / 2:
            return 0.0
        if max(map(len, different)) > LONGEST:
            return 0.0
        return 0.5 if all(text.lstrip("-+.")[:1].isdigit() for text in different) else 1.0

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Labels that only one part has, that are rare, or that look the same."""
        from zoo.kinds import label_findings

        return label_findings.findings(inspection)


LABEL = LabelKind()


def canonical(text: str) -> str:
    """The name of a label that is written so."""
    whole = _WHOLE_FLOAT.fullmatch(text)
    number = whole[1] if whole else text
    return "0" if number == "-0" else _TRUTH_VALUES.get(text, number)


def _is_number(value: Any) -> bool:
    """Whether a value is a number or a truth value, of Python or of numpy."""
    if hasattr(value, "dtype"):
        return value.shape == () and value.dtype.kind in "biuf"
    return isinstance(value, int | float)
