"""Counting usable rows: labels, repeats, contradictions, and inputs that are in the training data too."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import msgspec

from zoo.data.report import Inspection, LabelCount, Repeats, RowPair
from zoo.kinds import TargetKind
from zoo.kinds.spelling import appearance, merged_names, spelling_variants

PAIRS_SHOWN = 5


class Occurrence(NamedTuple):
    """Where an input was met."""

    row: int
    target: Any
    name: str
    """Of its file, where there is one."""


class Pairs:
    """Counts pairs of rows and keeps the first few."""

    def __init__(self) -> None:
        self._rows = 0
        self._first: list[RowPair] = []

    def add(self, first: Occurrence, other: Occurrence) -> None:
        """Count one."""
        self._rows += 1
        if len(self._first) < PAIRS_SHOWN:
            names = (first.name, other.name) if other.name else ()
            self._first.append(RowPair(first.row, other.row, names))

    def result(self) -> Repeats:
        """How many there are."""
        return Repeats(self._rows, tuple(self._first))


class Tally:
    """What has been counted of one part so far.

    Args:
        target: what the rows carry.
        merge: whether labels that look the same are one class.
        against: what was seen of the training data, where this is evaluation data.
    """

    def __init__(
        self, target: TargetKind | None, *, merge: bool = False, against: dict[bytes, Occurrence] | None = None
    ) -> None:
        self._target = target
        self.merge = merge
        self._against = against or {}
        self.occurrences: dict[bytes, Occurrence] = {}
        self.labels: Counter[str] = Counter()
        self.duplicates, self.conflicts, self.overlap = Pairs(), Pairs(), Pairs()

    def add(self, key: bytes, here: Occurrence) -> None:
        """Count a row, whose input has this key."""
        self.labels.update(self._labels_of(here))
        first = self.occurrences.setdefault(key, here)
        if first is not here:
            self.duplicates.add(first, here)
            if self._merged(first) != self._merged(here):
                self.conflicts.add(first, here)
        if key in self._against:
            self.overlap.add(self._against[key], here)

    def _labels_of(self, occurrence: Occurrence) -> tuple[str, ...]:
        return () if self._target is None or occurrence.target is None else self._target.labels_of(occurrence.target)

    def _merged(self, occurrence: Occurrence) -> Any:
        """The target, its labels as merging has them."""
        labels = self._labels_of(occurrence) if self.merge else ()
        return tuple(map(appearance, labels)) or occurrence.target


def with_counts(inspection: Inspection, train: Tally, evaluation: Tally) -> Inspection:
    """The same inspection with what was counted of labels, and of both parts together."""
    variants = spelling_variants(train.labels, evaluation.labels)
    names = merged_names(variants) if train.merge else {}
    rows, eval_rows = _renamed(train.labels, names), _renamed(evaluation.labels, names)
    order = sorted({*rows, *eval_rows}, key=lambda label: (-rows[label], label))
    return msgspec.structs.replace(
        inspection,
        labels=tuple(LabelCount(label, rows[label], eval_rows[label]) for label in order),
        variants=variants,
        merged=train.merge,
        overlap=evaluation.overlap.result(),
    )


def _renamed(counts: Counter[str], names: dict[str, str]) -> Counter[str]:
    renamed: Counter[str] = Counter()
    for label, rows in counts.items():
        renamed[names.get(label, label)] += rows
    return renamed
