"""What an inspection measures of sets of labels, and says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.kinds.facts import Finding, LabelSetFacts
from zoo.kinds.label_findings import of_both, of_commas, of_rare, of_variants
from zoo.kinds.spelling import quoted_start
from zoo.plurals import counted, name_list

if TYPE_CHECKING:
    from zoo.data.report import Inspection, Part


class LabelSetMeasure:
    """How many labels the rows have.

    Args:
        separators: the usual ones, which labels seldom hold.
        separator: what a person says that it is; empty where nobody does.
    """

    def __init__(self, separators: Sequence[str], separator: str = "") -> None:
        self._separators, self._separator = separators, separator
        self._rows = self._labels = self._most = self._unlabelled = self._undivided = 0
        self._first_undivided = ("", 0)

    def add(self, row: int, target: tuple[str, ...], value: Any) -> None:
        """Count the labels of a row."""
        self._rows += 1
        self._labels += len(target)
        self._most = max(self._most, len(target))
        self._unlabelled += not target
        undivided = next((label for label in target if any(mark in label for mark in self._separators)), "")
        if undivided:
            self._undivided += 1
            self._first_undivided = self._first_undivided if self._undivided > 1 else (undivided, row)

    def complete(self, part: Part) -> Part:
        """With the counts, where there is any row."""
        if not self._rows:
            return part
        facts = LabelSetFacts(
            mean=self._labels / self._rows,
            most=self._most,
            unlabelled=self._unlabelled,
            separator=self._separator,
            undivided=self._undivided,
            first_undivided=self._first_undivided[0],
            first_undivided_row=self._first_undivided[1],
        )
        return msgspec.structs.replace(part, label_sets=facts)


def facts(part: Part) -> Iterator[tuple[str, str]]:
    """How many labels the rows have."""
    sets = part.label_sets
    if sets:
        without = f"; {counted(sets.unlabelled, part.unit, 'have')} none" if sets.unlabelled else ""
        yield "labels", f"{sets.mean:.2g} a {part.unit} on average, {sets.most:,} at most{without}"


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Labels that only one part has, that are rare, or that all rows have; sets that are not taken apart."""
    if inspection.eval:
        yield from of_both(inspection)
    part, sets = inspection.train, inspection.train.label_sets
    if sets is None:
        return
    yield from of_variants(inspection)
    counts = {count.label: count.rows for count in inspection.labels if count.rows}
    rows = part.rows - part.rejected_rows
    if not counts:
        yield Finding("error", f"no {part.unit} of {part.path} has any label")
    yield from of_rare(inspection, counts)
    if always := tuple(label for label, count in counts.items() if count == rows):
        yield Finding(
            "warning", f"labels that every {part.unit} has, of which nothing can be learnt: {name_list(always)}"
        )
    yield from of_commas(counts)
    if sets.undivided:
        yield Finding(
            "warning",
            f"{counted(sets.undivided, part.unit, 'have')} a label that holds a separator, the first is "
            f"{quoted_start(sets.first_undivided)} in row {sets.first_undivided_row}; a {part.unit} is divided at one "
            "mark only, which --separator names",
        )
    if sets.separator and sets.most == 1:
        yield Finding(
            "warning", f"--separator {sets.separator} divides nothing: no {part.unit} of {part.path} has several labels"
        )
    elif counts and sets.most == 1 and not sets.unlabelled:
        yield Finding(
            "info", f"every {part.unit} has one label: a task with one label a row learns more from such data"
        )
