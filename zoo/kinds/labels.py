"""Sets of labels: a list, or a text of several.

JSON lines and Parquet hold a list; a cell of text is a list as JSON or Python prints it (`["a", "b"]`, `[3, 7]`), or
labels with `|` or `;` between them. A text that begins as such a list and is none is refused. Each label is read as
one alone is; their order, blanks around them and repeats mean nothing. A set without any label is a value like others:
`[]`, or a mark with nothing around it. An empty cell is none: nobody has looked.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.answers.label_set import label_cell
from zoo.kinds.kind import SLIPS, Unusable, is_empty, noun_of
from zoo.kinds.label import LABEL, LONGEST
from zoo.kinds.printed import printed_value
from zoo.kinds.spelling import quoted_start
from zoo.kinds.strata import rarest_labels
from zoo.kinds.target_kind import TargetKind

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part
    from zoo.kinds.facts import Finding, ModelLimits
    from zoo.kinds.measure import TargetMeasure

SEPARATORS = ("|", ";")
"""The first that a text holds divides it."""
_BEGINS_AS_LIST = re.compile(r"""[\[({]\s*['"]|\[\s*\]|\[[-0-9.,\s]*\]$""")


class LabelsKind(TargetKind):
    """Any number of labels.

    Args:
        separator: stands between the labels of a text; empty for the first of the usual ones that it holds.
    """

    name = "label set"
    columns = ("labels", "tags", "categories", "topics", "genres", "classes", "label", "target", "category", "y")
    fewest_labels = 1
    divisible = True

    def __init__(self, separator: str = "") -> None:
        self.separator = separator

    def read(self, value: Any, column: str) -> tuple[str, ...] | None:
        """The labels a cell holds, sorted."""
        values = self._parts(value, column)
        if values is None:
            return None
        nested = next((one for one in values if isinstance(one, list | tuple | dict)), None)
        if nested is not None and nested is not value:
            raise Unusable(f"column {column} holds a list with {noun_of(nested)} in it, not of labels")
        labels = (LABEL.read(one, column) for one in values)
        return tuple(sorted({label for label in labels if label is not None}))

    def written(self, target: Sequence[str]) -> str:
        """As a cell of an answer has it."""
        return label_cell(target)

    def labels_of(self, target: tuple[str, ...]) -> tuple[str, ...]:
        """All of them."""
        return target

    def renamed(self, target: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
        """With the other names, each once."""
        return tuple(sorted({names.get(label, label) for label in target}))

    def divided_at(self, separator: str) -> LabelsKind:
        """At this separator, if there is one."""
        return LabelsKind(separator) if separator else self

    def nothing_to_learn(self, targets: Sequence[Any]) -> str:
        """No label in any row."""
        return "" if any(targets) else "no row has any label"

    def samples(self, labels: Sequence[str]) -> list[Any]:
        """None, then two neighbours each."""
        return [[], *(list(labels[i : i + 2]) for i in range(len(labels) - 1))]

    def strata(self, targets: Sequence[Any]) -> list[Hashable]:
        """By the rarest label of each, so that rows are held out of all labels."""
        return list(rarest_labels([target or () for target in targets]))

    def likeness(self, cells: list[Any]) -> float:
        """2 for lists of labels, and for texts of several that occur in more than one combination; else 0.

        That is more than the 1 of a label: texts of several labels may pass for labels, too.
        """
        parts: list[Sequence[Any]] = []
        for cell in cells:
            with contextlib.suppress(Unusable):
                parts.append(self._parts(cell, "") or ())
        if len(cells) - len(parts) > SLIPS * len(cells):
            return 0.0
        labels = [label.strip() if isinstance(label, str) else label for part in parts for label in part]
        if any(type(label) not in (str, int) or len(str(label)) > LONGEST for label in labels):
            return 0.0
        different = set(labels) - {""}
        if not different or len(different) > len(labels) / 2:
            return 0.0
        if all(isinstance(cell, list | tuple) for cell in cells):
            return 2.0
        combinations = {tuple(sorted({str(label).strip() for label in part})) for part in parts}
        occurring = Counter(label for labels in combinations for label in labels)
        several = any(len(labels) > 1 for labels in combinations)
        return 2.0 if several and max(occurring.values()) > 1 else 0.0

    def measure(self, limits: ModelLimits) -> TargetMeasure:
        """How many labels the rows have."""
        from zoo.kinds.label_sets_report import LabelSetMeasure

        return LabelSetMeasure(SEPARATORS, self.separator)

    def facts(self, part: Part) -> Iterator[tuple[str, str]]:
        """How many labels the rows have."""
        from zoo.kinds import label_sets_report

        return label_sets_report.facts(part)

    def findings(self, inspection: Inspection) -> Iterator[Finding]:
        """Labels that only one part has, that are rare, or that look the same; sets that hold one label at most."""
        from zoo.kinds import label_sets_report

        return label_sets_report.findings(inspection)

    def _parts(self, value: Any, column: str) -> Sequence[Any] | None:
        """The labels of a cell as they stand there; None for an empty cell."""
        if hasattr(value, "dtype") and value.shape != ():
            value = value.tolist()
        if isinstance(value, list | tuple):
            return value
        if is_empty(value):
            return None
        if not isinstance(value, str):
            return [value]
        text = value.strip()
        if _BEGINS_AS_LIST.match(text):
            return _printed_list(text, column)
        separator = self.separator or next((mark for mark in SEPARATORS if mark in text), "")
        return text.split(separator) if separator else [text]


LABELS = LabelsKind()


def _printed_list(text: str, column: str) -> Sequence[Any]:
    """The labels of a list, tuple or set that a text is the print of."""
    printed = printed_value(text)
    if not isinstance(printed, list | tuple | set):
        raise Unusable(
            f'column {column} holds {quoted_start(text)}, which begins as a list and is none: write ["a", "b"]'
        )
    return tuple(printed)
