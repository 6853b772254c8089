"""Average precision of pictures that are drawn anew: COCO's (Lin et al. 2014, arXiv:1405.0312), of many draws at once.

Which box is taken for which, a picture decides for itself, so that is done once; a draw only counts pictures otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from zoo.metrics.intervals import Interval, named, resampled_intervals

IOUS = tuple(0.5 + 0.05 * step for step in range(10))
RECALLS = 101
"""From 0 to 1, at which precision is looked up."""
AT_ONCE = 1_000_000
"""Numbers of all draws that are computed at once."""


class RankedBoxes(NamedTuple):
    """The answers of one class in all pictures, the surest first."""

    pictures: Any
    """Index of the picture of each, shape (boxes,)."""
    right: Any
    """Whether each is right at each IoU, shape (IoUs, boxes)."""
    true: Any
    """How many boxes of the class each picture has, shape (pictures,)."""


def precision_intervals(classes: Sequence[RankedBoxes], pictures: int) -> dict[str, Interval]:
    """Intervals of `map`, `ap50` and `ap75`, over pictures."""
    import numpy as np

    def figures(drawn: Any) -> Any:
        each = np.stack([_average_precisions(drawn, one) for one in classes])  # class, draw, IoU
        occurring = ~np.isnan(each[:, :, 0])
        means = np.nansum(each, axis=0) / np.maximum(1, occurring.sum(axis=0))[:, None]
        means[~occurring.any(axis=0)] = np.nan
        return np.column_stack([means.mean(axis=1), means[:, 0], means[:, 5]])

    boxes = sum(len(one.pictures) for one in classes)
    width = max(1, len(IOUS) * boxes // max(1, pictures))
    return named(("map", "ap50", "ap75"), resampled_intervals(pictures, figures, width=width)) if classes else {}


def _average_precisions(drawn: Any, boxes: RankedBoxes) -> Any:
    """Of a class at each IoU, shape (draws, IoUs); NaN in draws without a box of it."""
    import numpy as np

    size = max(1, AT_ONCE // max(1, len(boxes.pictures)))
    parts = [_of_draws(drawn[start : start + size], boxes) for start in range(0, len(drawn), size)]
    return np.concatenate(parts)


def _of_draws(drawn: Any, boxes: RankedBoxes) -> Any:
    import numpy as np

    times, true = drawn[:, boxes.pictures], drawn @ boxes.true
    answered = np.maximum(times.cumsum(axis=1), 1)
    precisions = np.full((len(drawn), len(IOUS)), np.nan)
    has_any = true > 0
    precisions[has_any] = 0.0
    if not times.shape[1]:
        return precisions
    for place, right in enumerate(boxes.right):
        hits = (times * right).cumsum(axis=1)
        # The best precision at this recall or any larger one, once for each of the recalls that this box reaches first.
        best = np.maximum.accumulate((hits / answered)[:, ::-1], axis=1)[:, ::-1]
        reached = np.floor((RECALLS - 1) * hits / np.maximum(true, 1)[:, None] + 1e-9) + 1
        found = (best * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / RECALLS
        precisions[has_any, place] = found[has_any]
    return precisions


def matched(truths: Any, answers: Any) -> Any:
    """Which answers of one class in one picture are right at each IoU, shape (IoUs, answers), as COCO matches them.

    Args:
        truths: XYXY of boxes, shape (boxes, 4).
        answers: the same, the surest first.
    """
    import numpy as np

    right = np.zeros((len(IOUS), len(answers)), dtype=bool)
    if not len(truths):
        return right
    overlaps, taken = _overlaps(answers, truths), np.zeros((len(IOUS), len(truths)), dtype=bool)
    least, places = np.array(IOUS) - 1e-10, np.arange(len(IOUS))
    for number, of_answer in enumerate(overlaps):
        free = np.where(taken, -1.0, of_answer)
        best = len(truths) - 1 - free[:, ::-1].argmax(axis=1)  # of equal ones the last
        hit = free[places, best] >= least
        taken[places[hit], best[hit]] = True
        right[:, number] = hit
    return right


def _overlaps(boxes: Any, others: Any) -> Any:
    """Intersection over union of each with each, shape (boxes, others)."""
    import numpy as np

    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    sides = np.clip(np.minimum(boxes[:, None, 2:], others[None, :, 2:]) - corner, 0, None)
    both = sides.prod(axis=2)
    areas, other_areas = ((one[:, 2:] - one[:, :2]).prod(axis=1) for one in (boxes, others))
    return both / np.maximum(areas[:, None] + other_areas[None] - both, 1e-12)
