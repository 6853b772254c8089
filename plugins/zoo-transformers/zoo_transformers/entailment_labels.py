"""Which of a classifier's labels says that the second of two texts follows from the first."""

from __future__ import annotations

from collections.abc import Sequence


def entailment_index(labels: Sequence[str]) -> int | None:
    """Its output, as the pipeline of transformers finds it; None where a classifier has none.

    Args:
        labels: names of the outputs, in order.
    """
    return next((index for index, label in enumerate(labels) if label.lower().startswith("entail")), None)
