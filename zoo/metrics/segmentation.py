"""Metrics of masks: all from one confusion matrix of pixels. numpy is imported when the first picture comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.blocks import Report, Table
from zoo.metrics.loss import MeanLoss

if TYPE_CHECKING:
    from zoo.metrics.intervals import Interval

IGNORED = 255


class SegmentationMetrics:
    """Intersection over union (Everingham et al. 2010, the Pascal VOC challenge) and Dice of each class.

    Both are of all pixels of all pictures together.
    Pixels that the data ignore are not counted. A class that neither the data nor the answers have is in no mean.

    Args:
        labels: in the order of the indexes of classes. What the data have beside them is a class that is never found.
    """

    FIGURES = ("miou", "pixel_accuracy", "dice")
    """Names of all that it may give of answers."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)
        self._counts: Any = None
        self._pictures: list[Any] = []
        """Of each, pixels that are right, that are there and that were answered, by class: shape (3, classes)."""
        self._loss = MeanLoss()

    def update(self, truth: Any, answer: Any, loss: float | None = None, weight: float = 1.0) -> None:
        """Count the pixels of one or more pictures.

        Args:
            truth: indexes of classes, uint8 of any shape; 255 is not counted.
            answer: of the same shape.
            loss: of the picture, in nats.
            weight: how many items the loss is the mean of.
        """
        import numpy as np

        truth, answer = np.asarray(truth).reshape(-1), np.asarray(answer).reshape(-1)
        counted = truth != IGNORED
        size = len(self.labels)
        pairs = truth[counted].astype(np.int64) * size + answer[counted]
        counts = np.bincount(pairs, minlength=size * size).reshape(size, size)
        self._add(counts)
        self._pictures.append(np.stack([counts.diagonal(), counts.sum(1), counts.sum(0)]))
        if loss is not None:
            self._loss.update(loss, weight)

    def add(self, target: Any, answer: Any) -> None:
        """Count the pixels of `zoo.LabelMask` and of `zoo.SegmentedImage`; a mask that is gone is not counted."""
        import io

        import numpy as np
        from PIL import Image

        names = dict.fromkeys((*self.labels, *answer.labels, *(one.label for one in target.classes)))
        self._extend(tuple(names))
        truth = target.indexes(self.labels, (answer.width, answer.height))
        if truth is None:
            return
        own = np.asarray([self.labels.index(label) for label in answer.labels], dtype=np.uint8)
        with Image.open(io.BytesIO(answer.mask)) as image:
            self.update(truth, own[np.asarray(image)])

    def merge(self, other: SegmentationMetrics) -> None:
        """Take in what another process saw."""
        import numpy as np

        self._extend(tuple(dict.fromkeys((*self.labels, *other.labels))))
        if other._counts is not None:
            places = [self.labels.index(label) for label in other.labels]
            counts = np.zeros((len(self.labels),) * 2, dtype=np.int64)
            counts[np.ix_(places, places)] = other._counts
            self._add(counts)
        for picture in other._pictures:
            renamed = np.zeros((3, len(self.labels)), dtype=np.int64)
            renamed[:, [self.labels.index(label) for label in other.labels[: picture.shape[1]]]] = picture
            self._pictures.append(renamed)
        self._loss.merge(other._loss)

    @property
    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """Pixels, shape (labels, labels): rows are true, columns answered."""
        if self._counts is None:
            return tuple((0,) * len(self.labels) for _ in self.labels)
        return tuple(map(tuple, self._counts.tolist()))

    def compute(self) -> dict[str, float]:
        """`miou`, `dice` (means over the classes that occur), `pixel_accuracy` and, where given, `loss`."""
        total = 0 if self._counts is None else int(self._counts.sum())
        if not total:
            return {}
        classes = [scores for scores in self.per_class() if scores is not None]
        correct = sum(row[index] for index, row in enumerate(self.confusion))
        return {
            "miou": sum(iou for iou, _ in classes) / len(classes),
            "pixel_accuracy": correct / total,
            "dice": sum(dice for _, dice in classes) / len(classes),
            **self._loss.compute(),
        }

    def intervals(self) -> dict[str, Interval]:
        """Of all but the loss, over pictures."""
        import numpy as np

        from zoo.metrics.intervals import intervals_of_sums

        classes = len(self.labels)
        rows = np.zeros((len(self._pictures), 3, classes))
        for row, picture in zip(rows, self._pictures, strict=True):
            row[:, : picture.shape[1]] = picture

        def figures(sums: Any) -> dict[str, Any]:
            right, true, answered = sums.reshape(3, classes, -1)
            either = true + answered
            occurring = (either > 0).sum(0)
            return {
                "miou": np.nansum(right / (either - right), axis=0) / occurring,
                "pixel_accuracy": right.sum(0) / true.sum(0),
                "dice": np.nansum(2 * right / either, axis=0) / occurring,
            }

        return intervals_of_sums(rows.reshape(-1, 3 * classes), figures)

    def per_class(self) -> list[tuple[float, float] | None]:
        """(IoU, Dice) of each class; None for one that neither the data nor the answers have."""
        confusion = self.confusion
        scores: list[tuple[float, float] | None] = []
        for index, row in enumerate(confusion):
            both, true, answered = row[index], sum(row), sum(other[index] for other in confusion)
            either = true + answered
            scores.append((both / (either - both), 2 * both / either) if either else None)
        return scores

    def report(self) -> Report:
        """Figures of each class; empty where nothing was counted."""
        if self._counts is None or not self._counts.sum():
            return ()
        pixels = [sum(row) for row in self.confusion]
        rows = tuple(
            (label, scores and scores[0], scores and scores[1], count)
            for label, scores, count in zip(self.labels, self.per_class(), pixels, strict=True)
        )
        return (Table(title="Classes", headers=("class", "IoU", "Dice", "pixels"), rows=rows),)

    def _add(self, counts: Any) -> None:
        self._counts = counts if self._counts is None else self._counts + counts

    def _extend(self, labels: Sequence[str]) -> None:
        """Take up classes behind those that there are."""
        more = len(labels) - len(self.labels)
        self.labels = list(labels)
        if more and self._counts is not None:
            import numpy as np

            self._counts = np.pad(self._counts, ((0, more), (0, more)))
