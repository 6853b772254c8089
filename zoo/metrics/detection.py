"""Metrics of boxes: average precision, computed by faster-coco-eval, which is imported when it comes to the figures."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.blocks import Report, Table
from zoo.metrics.loss import MeanLoss

if TYPE_CHECKING:
    import numpy as np

    from zoo.metrics.average_precision import RankedBoxes
    from zoo.metrics.intervals import Interval

MAX_DETECTIONS = 100
"""Best answers of a picture that count (Lin et al. 2014, arXiv:1405.0312; the COCO evaluation)."""
AREAS = [[0, 1e10]]
"""Boxes of any size; COCO's own three sizes are those of its pictures."""
_TRUTH, _ANSWER = 5, 6
"""Numbers of a box: index of the class, XYXY, and the score of an answer."""


class _Precision(NamedTuple):
    """Precision averaged over recalls from 0 to 1."""

    by_iou: Any
    """Shape (10 IoUs from 0.5 to 0.95, classes); NaN for a class that no picture has."""

    def mean(self, iou: int | slice = slice(None), label: int | slice = slice(None)) -> float | None:
        """Over IoUs and classes; None where no picture has any of the classes."""
        import numpy as np

        values = self.by_iou[iou, label]
        values = values[~np.isnan(values)]
        return float(values.mean()) if values.size else None


class DetectionMetrics:
    """COCO's average precision (Lin et al. 2014, arXiv:1405.0312), equal to that of pycocotools.

    Boxes of pictures without any are counted, too: every answer there is wrong.

    Args:
        labels: in the order of the indices of classes. What the data have beside them is a class that is never found.
    """

    FIGURES = ("map", "ap50", "ap75")
    """Names of all that it may give of answers."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)
        self._truths: list[array[float]] = []
        """Of each picture, `_TRUTH` numbers a box."""
        self._answers: list[array[float]] = []
        self._loss = MeanLoss()

    def update(
        self,
        truths: Iterable[Sequence[float]],
        answers: Iterable[Sequence[float]],
        loss: float | None = None,
        weight: float = 1.0,
    ) -> None:
        """Count one picture.

        Args:
            truths: of each box the index of its class and left, top, right and bottom, in pixels.
            answers: the same and, last, the score.
            loss: of the picture, in nats.
            weight: how many items the loss is the mean of.
        """
        self.__dict__.pop("_precision", None)
        self._truths.append(array("d", [value for box in truths for value in box]))
        self._answers.append(array("d", [value for box in answers for value in box]))
        if loss is not None:
            self._loss.update(loss, weight)

    def add(self, target: Any, answer: Any) -> None:
        """Count the boxes that the data give, `zoo.Box`, and those of `zoo.Detections`."""
        self.update(
            [(self._class(box.label), *_corners(box)) for box in target],
            [(self._class(box.label), *_corners(box), box.score) for box in answer.detections],
        )

    def merge(self, other: DetectionMetrics) -> None:
        """Take in what another process saw."""
        self.__dict__.pop("_precision", None)
        classes = [self._class(label) for label in other.labels]
        for ours, theirs, length in (
            (self._truths, other._truths, _TRUTH),
            (self._answers, other._answers, _ANSWER),
        ):
            for boxes in theirs:
                renamed = array("d", boxes)
                renamed[::length] = array("d", [classes[int(one)] for one in boxes[::length]])
                ours.append(renamed)
        self._loss.merge(other._loss)

    def compute(self) -> dict[str, float]:
        """`map`, the mean over classes and IoUs from 0.5 to 0.95, `ap50`, `ap75` and, where given, `loss`.

        What has no value, as where no picture has a box, is left out.
        """
        if not self._truths:
            return {}
        precision = self._precision
        figures = {"map": precision.mean(), "ap50": precision.mean(0), "ap75": precision.mean(5)}
        return {**{name: value for name, value in figures.items() if value is not None}, **self._loss.compute()}

    def intervals(self) -> dict[str, Interval]:
        """Of the average precisions, over pictures."""
        from zoo.metrics.average_precision import precision_intervals

        return precision_intervals(list(self._ranked()), len(self._truths)) if self._truths else {}

    def _ranked(self) -> Iterator[RankedBoxes]:
        """The answers of each class that the data have."""
        import numpy as np

        from zoo.metrics.average_precision import RankedBoxes, matched

        truths, answers = _stacked(self._truths, _TRUTH), _stacked(self._answers, _ANSWER)
        answers = answers[(answers[:, 4:6] - answers[:, 2:4]).prod(axis=1) >= AREAS[0][0]]
        for index in range(len(self.labels)):
            true, answered = (one[one[:, 1] == index] for one in (truths, answers))
            if not len(true):
                continue
            counted, right = [answered[:0]], [matched(true[:0, 2:6], answered[:0, 2:6])]
            for picture in np.unique(answered[:, 0]):
                boxes, there = (_of_picture(one, picture) for one in (answered, true))
                boxes = boxes[np.argsort(-boxes[:, 6], kind="stable")][:MAX_DETECTIONS]
                counted.append(boxes)
                right.append(matched(there[:, 2:6], boxes[:, 2:6]))
            boxes = np.concatenate(counted)
            order = np.argsort(-boxes[:, 6], kind="stable")
            yield RankedBoxes(
                boxes[order, 0].astype(np.int64),
                np.concatenate(right, axis=1)[:, order],
                np.bincount(true[:, 0].astype(np.int64), minlength=len(self._truths)),
            )

    def report(self) -> Report:
        """Figures of each class; empty where nothing was counted."""
        if not self._truths or not self.labels:
            return ()
        precision, boxes = self._precision, [0] * len(self.labels)
        for truths in self._truths:
            for index in truths[::_TRUTH]:
                boxes[int(index)] += 1
        rows = tuple(
            (label, precision.mean(label=index), precision.mean(0, index), boxes[index])
            for index, label in enumerate(self.labels)
        )
        return (Table(title="Classes", headers=("class", "AP", "AP50", "boxes"), rows=rows),)

    def _class(self, label: str) -> int:
        """The index of a class."""
        if label not in self.labels:
            self.labels.append(label)
        return self.labels.index(label)

    @cached_property
    def _precision(self) -> _Precision:
        """Of everything seen."""
        import numpy as np

        try:
            from faster_coco_eval import COCO, COCOeval_faster
        except ImportError as error:
            from zoo.errors import Unsupported

            raise Unsupported(
                f"boxes are judged by faster-coco-eval, which cannot be imported: {error}",
                "install it: pip install 'zoo-models[images]'",
            ) from error

        truths = COCO(self._coco_truths(_stacked(self._truths, _TRUTH)))
        answers = truths.loadRes(_coco_answers(_stacked(self._answers, _ANSWER)))
        evaluation = COCOeval_faster(truths, answers, "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = AREAS, ["all"]
        evaluation.params.maxDets = [MAX_DETECTIONS]
        evaluation.evaluate()
        evaluation.accumulate()
        precision = np.asarray(evaluation.eval["precision"])[:, :, :, 0, 0]  # IoU, recall, class, area, most answers
        return _Precision(np.where(precision < 0, np.nan, precision).mean(1))

    def _coco_truths(self, boxes: np.ndarray[Any, Any]) -> dict[str, Any]:
        """Boxes as COCO's JSON has them.

        Args:
            boxes: number of the picture, index of the class and XYXY of each, shape (boxes, 6).
        """
        return {
            "images": [{"id": number} for number in range(len(self._truths))],
            "categories": [{"id": index, "name": label} for index, label in enumerate(self.labels)],
            "annotations": [
                {
                    "id": number,
                    "image_id": int(picture),
                    "category_id": int(index),
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "iscrowd": 0,
                }
                for number, (picture, index, left, top, right, bottom) in enumerate(boxes.tolist(), start=1)
            ],
        }


def _corners(box: Any) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _stacked(pictures: Sequence[array[float]], length: int) -> np.ndarray[Any, Any]:
    """Boxes of all pictures, with the number of the picture before their own numbers, shape (boxes, 1 + length)."""
    import numpy as np

    rows = [np.frombuffer(boxes).reshape(-1, length) for boxes in pictures if boxes]
    numbers = [number for number, boxes in enumerate(pictures) for _ in range(len(boxes) // length)]
    if not rows:
        return np.zeros((0, 1 + length))
    return np.column_stack([numbers, np.concatenate(rows)])


def _of_picture(boxes: np.ndarray[Any, Any], picture: float) -> np.ndarray[Any, Any]:
    """Those of a picture, of boxes in the order of pictures, whose number comes first."""
    import numpy as np

    return boxes[slice(*np.searchsorted(boxes[:, 0], (picture, picture + 1)))]


def _coco_answers(boxes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """From picture, class, XYXY and score to picture, XYWH, score and class, as `loadRes` takes them."""
    import numpy as np

    picture, index, left, top, right, bottom, score = boxes.T
    return np.column_stack([picture, left, top, right - left, bottom - top, score, index])
