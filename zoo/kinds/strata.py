"""How rows with several labels each are divided fairly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence


def rarest_labels(label_sets: Sequence[Collection[str]]) -> list[str | None]:
    """The rarest label of each row, so that rows are held out of all labels; None for a row without any.

    Args:
        label_sets: the labels of each row; those that a row repeats count once.
    """
    counts = Counter(label for labels in label_sets for label in set(labels))
    return [min(set(labels), key=lambda label: (counts[label], label), default=None) for labels in label_sets]
