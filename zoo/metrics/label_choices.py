"""How often the labels that an answer leaves open hold the right one, and how often they are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from zoo.blocks import Report, Table
from zoo.metrics.intervals import Interval, bounds, named, wilson_interval


class ChoiceCounts:
    """Counts answers that leave labels open, by how many these are and whether the right one is among them."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, bool]] = Counter()

    def add(self, target: str, likely: Sequence[str] | None) -> None:
        """Count an answer.

        Args:
            target: the true label.
            likely: those that the answer leaves open; None of one that chooses.
        """
        if likely is not None:
            self._counts[len(likely), target in likely] += 1

    def merge(self, other: ChoiceCounts) -> None:
        """Take in what another process saw."""
        self._counts += other._counts

    def compute(self) -> dict[str, float]:
        """`label_coverage`, the share of rows whose right label is left open; `decided_share`, that of rows with one
        label left, and `decided_accuracy`, how many of those are right. Empty where no answer left anything open.
        """
        return {name: part / whole for name, (part, whole) in self._shares().items() if whole}

    def intervals(self) -> dict[str, Interval]:
        """Of these figures."""
        shares = self._shares()
        return named([*shares], [wilson_interval(part, whole) for part, whole in shares.values()])

    def report(self) -> Report:
        """How often the right label is left open, by the number of those that are; empty where none ever is."""
        sizes = sorted({size for size, _ in self._counts})
        rows = []
        for size in sizes:
            held, whole = self._counts[size, True], self._of_size(size)
            rows.append((str(size), held / whole, *bounds(wilson_interval(held, whole)), whole))
        headers = ("labels left", "right one among them", "95% from", "to", "rows")
        return (Table(title="Sets", headers=headers, rows=tuple(rows)),) if rows else ()

    def _shares(self) -> dict[str, tuple[int, int]]:
        """Of how many rows each figure is what part."""
        rows = self._counts.total()
        covered = sum(count for (_, held), count in self._counts.items() if held)
        decided = self._of_size(1)
        return {
            "label_coverage": (covered, rows),
            "decided_share": (decided, rows),
            "decided_accuracy": (self._counts[1, True], decided),
        }

    def _of_size(self, size: int) -> int:
        return self._counts[size, True] + self._counts[size, False]
