"""How far probabilities can be believed: the calibration error, and the temperature that makes it small."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from zoo.blocks import Table
from zoo.metrics.intervals import bounds, wilson_interval

BINS = 15
"""Of confidences, equally wide (Guo et al. 2017, arXiv:1706.04599)."""
TEMPERATURES = (0.05, 20.0)
"""Between which one is looked for."""
STEPS = 30
"""Of the search, after which the interval it is in is shorter than a millionth of what it was."""


class ConfidenceBin(NamedTuple):
    """Answers of like confidence."""

    low: float
    high: float
    rows: int
    confidence: float
    """The mean."""
    right: int
    """How many of the rows."""


def confidence_bins(confidences: Sequence[float], right: Sequence[int]) -> Iterator[ConfidenceBin]:
    """The bins that have answers in them, the least confident first.

    Args:
        confidences: of each answer, 0 to 1.
        right: 1 for each that is right, else 0.
    """
    rows, correct, total = [0] * BINS, [0] * BINS, [0.0] * BINS
    for confidence, hit in zip(confidences, right, strict=True):
        place = max(0, min(BINS, math.ceil(confidence * BINS)) - 1)
        rows[place] += 1
        correct[place] += int(hit)  # plain numbers, whatever numbers these are
        total[place] += float(confidence)
    for place, count in enumerate(rows):
        if count:
            yield ConfidenceBin(place / BINS, (place + 1) / BINS, count, total[place] / count, correct[place])


def expected_calibration_error(confidences: Sequence[float], right: Sequence[int]) -> float:
    """How far, on average, answers are surer than right or less sure than right (Naeini et al. 2015; Guo et al. 2017).

    Args:
        confidences: of each answer, 0 to 1; of one at least.
        right: 1 for each that is right, else 0.
    """
    bins = confidence_bins(confidences, right)
    return sum(abs(one.right - one.rows * one.confidence) for one in bins) / len(confidences)


def reliability(confidences: Sequence[float], right: Sequence[int]) -> Table:
    """What share of answers of each confidence is right, with its 95% interval; arguments as above."""
    rows = tuple(
        (
            f"{one.low:.2f} to {one.high:.2f}",
            one.confidence,
            one.right / one.rows,
            *bounds(wilson_interval(one.right, one.rows)),
            one.rows,
        )
        for one in confidence_bins(confidences, right)
    )
    headers = ("confidence", "says", "is right", "95% from", "to", "rows")
    return Table(title="Reliability", headers=headers, rows=rows)


def fitted_temperature(logs: Any, targets: Any) -> float | None:
    """The temperature that makes the true labels most likely (Guo et al. 2017); None where no finite one does.

    Args:
        logs: logarithms of probabilities, shape (rows, labels).
        targets: index of the true label of each row.
    """
    import numpy as np

    logs, rows = np.asarray(logs, dtype=np.float64), np.arange(len(targets))

    def loss(at: float) -> float:
        return -float(np.mean(log_tempered(logs, math.exp(at))[rows, targets]))

    # The mean loss is convex in 1/T, so it has one minimum in log T, too, which golden section search finds.
    least, most = (math.log(one) for one in TEMPERATURES)
    low, high, share = least, most, (math.sqrt(5) - 1) / 2
    first, second = high - share * (high - low), low + share * (high - low)
    of_first, of_second = loss(first), loss(second)
    for _ in range(STEPS):  # one of the two points is one of the next step, too
        if of_first < of_second:
            high, second, of_second = second, first, of_first
            first = high - share * (high - low)
            of_first = loss(first)
        else:
            low, first, of_first = first, second, of_second
            second = low + share * (high - low)
            of_second = loss(second)
    found = (low + high) / 2
    return None if min(found - least, most - found) < 1e-3 else math.exp(found)


def log_tempered(logs: Any, temperature: float) -> Any:
    """Logarithms of probabilities at a temperature, shape (rows, labels)."""
    import numpy as np

    scaled = logs / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
