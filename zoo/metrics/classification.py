"""Metrics of one label for each example."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from zoo.blocks import Matrix, Report, Table
from zoo.metrics.label_choices import ChoiceCounts
from zoo.metrics.loss import MeanLoss

if TYPE_CHECKING:
    from zoo.metrics.intervals import Interval


class Labelled(Protocol):
    """An answer that is one label."""

    @property
    def label(self) -> str:
        """The label."""
        ...


class ClassificationMetrics:
    """Accuracy, macro F1 and the confusion matrix of a classifier.

    Macro F1 is the unweighted mean over the classes that occur, as true or as predicted label (scikit-learn's
    `f1_score(average="macro")`).
    """

    FIGURES = ("accuracy", "macro_f1", "ece", "label_coverage", "decided_share", "decided_accuracy")
    """Names of all that it may give of answers."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._index = {label: index for index, label in enumerate(self.labels)}
        self._counts = [[0] * len(self.labels) for _ in self.labels]
        self._loss = MeanLoss()
        self._confidences, self._right = array("d"), bytearray()
        """Of the answers that were counted: how sure the model is of each, and whether that is right."""
        self._choices = ChoiceCounts()

    @classmethod
    def from_confusion(cls, labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> ClassificationMetrics:
        """Take up a confusion matrix, shape (labels, labels), rows true and columns predicted."""
        metrics = cls(labels)
        metrics._counts = [list(row) for row in confusion]
        return metrics

    def update(self, label: int, predicted: int, loss: float | None = None) -> None:
        """Count one example.

        Args:
            label: index of the true label.
            predicted: index of the predicted label.
            loss: cross entropy of the example, in nats.
        """
        self._counts[label][predicted] += 1
        if loss is not None:
            self._loss.update(loss)

    def add(self, target: str, answer: Labelled) -> None:
        """Count the answer to one example.

        Args:
            target: the true label.
            answer: of the model; whatever has a label.
        """
        self.update(self._position(target), self._position(answer.label))
        confidence = getattr(answer, "probability", None)
        if confidence is not None:
            self._confidences.append(confidence)
            self._right.append(answer.label == target)
        self._choices.add(target, getattr(answer, "likely", None))

    def _position(self, label: str) -> int:
        """The index of a label; a model without labels of its own may answer with one that is not known yet."""
        if label not in self._index:
            self._index[label] = len(self.labels)
            self.labels += (label,)
            for row in self._counts:
                row.append(0)
            self._counts.append([0] * len(self.labels))
        return self._index[label]

    def merge(self, other: ClassificationMetrics) -> None:
        """Take in what another process saw."""
        for row, other_row in zip(self._counts, other._counts, strict=True):
            row[:] = [mine + theirs for mine, theirs in zip(row, other_row, strict=True)]
        self._loss.merge(other._loss)
        self._confidences.extend(other._confidences)
        self._right += other._right
        self._choices.merge(other._choices)

    @property
    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """Shape (labels, labels): rows are true, columns predicted."""
        return tuple(tuple(row) for row in self._counts)

    def compute(self) -> dict[str, float]:
        """`accuracy`, `macro_f1` and, where losses were given, `loss`; of answers with probabilities the expected
        calibration error, `ece`, and of those that leave labels open what `ChoiceCounts` has.
        """
        figures = self._counted()
        if not self._confidences:
            return figures
        from zoo.metrics.calibration import expected_calibration_error

        ece = expected_calibration_error(self._confidences, self._right)
        return figures | {"ece": ece, **self._choices.compute()}

    def figure(self, name: str) -> float:
        """One of these figures; those of probabilities are found only where they are asked for."""
        figures = self._counted()
        return figures[name] if name in figures else self.compute().get(name, math.nan)

    def _counted(self) -> dict[str, float]:
        """The figures of labels, and the loss."""
        total = sum(map(sum, self._counts))
        if not total:
            return {}
        correct = sum(self._counts[i][i] for i in range(len(self.labels)))
        scores = [class_scores["f1"] for class_scores in self.per_class().values() if class_scores["occurs"]]
        return {"accuracy": correct / total, "macro_f1": sum(scores) / len(scores), **self._loss.compute()}

    def intervals(self) -> dict[str, Interval]:
        """Of accuracy, which is a share, and of macro F1."""
        from zoo.metrics.intervals import named, wilson_interval

        total = sum(map(sum, self._counts))
        correct = sum(self._counts[i][i] for i in range(len(self.labels)))
        if not total:
            return {}
        found = named(("accuracy", "macro_f1"), (wilson_interval(correct, total), self._f1_intervals()[-1]))
        return found | self._choices.intervals()

    def _f1_intervals(self) -> list[Interval | None]:
        """Of the F1 of each class, and last of their mean."""
        import numpy as np

        from zoo.metrics.intervals import resampled_intervals

        # Rows that are the same to all figures are drawn together.
        kinds = [(i, j, n) for i, row in enumerate(self._counts) for j, n in enumerate(row) if n]
        true, predicted, times = np.array(kinds, dtype=np.int64).T
        classes = len(self.labels)

        def figures(drawn: Any) -> Any:
            right = _sums_by(drawn * (true == predicted), true, classes)
            either = _sums_by(drawn, true, classes) + _sums_by(drawn, predicted, classes)
            with np.errstate(invalid="ignore"):
                f1 = 2 * right / either
                return np.column_stack([f1, np.nansum(f1, axis=1) / (either > 0).sum(axis=1)])

        return resampled_intervals(len(times), figures, times=times, width=max(1, classes // len(times)))

    def report(self) -> Report:
        """Figures of each class, and what was taken for what; empty where nothing was counted."""
        if not any(map(any, self._counts)):
            return ()
        rows = tuple(
            (label, of_class["precision"], of_class["recall"], of_class["f1"], round(of_class["support"]))
            if of_class["support"]
            else (label, None, None, None, 0)
            for label, of_class in self.per_class().items()
        )
        return (
            Table(title="Classes", headers=("class", "precision", "recall", "f1", "rows"), rows=rows),
            Matrix(title="Confusion", labels=self.labels, counts=self.confusion),
        )

    def detailed_report(self) -> Report:
        """The same, the F1 of each class with its interval, and how far probabilities can be believed."""
        from zoo.metrics.calibration import reliability
        from zoo.metrics.intervals import bounds

        report = self.report()
        if not report:
            return ()
        classes, *others = report
        assert isinstance(classes, Table)
        rows = (
            (label, precision, recall, f1, *bounds(interval), count)
            for (label, precision, recall, f1, count), interval in zip(classes.rows, self._f1_intervals(), strict=False)
        )
        headers = ("class", "precision", "recall", "f1", "f1 low", "f1 high", "rows")
        of_answers = [reliability(self._confidences, self._right)] if self._confidences else []
        classes = Table(title=classes.title, headers=headers, rows=tuple(rows))
        return (classes, *others, *of_answers, *self._choices.report())

    def per_class(self) -> dict[str, dict[str, float]]:
        """Precision, recall, f1 and support of every label; `occurs` is 1 where it was a true or a predicted label."""
        columns = list(zip(*self._counts, strict=True))
        table = {}
        for i, label in enumerate(self.labels):
            hits, support, predicted = self._counts[i][i], sum(self._counts[i]), sum(columns[i])
            table[label] = {
                "precision": hits / predicted if predicted else 0.0,
                "recall": hits / support if support else 0.0,
                "f1": 2 * hits / (support + predicted) if support + predicted else 0.0,
                "support": support,
                "occurs": float(bool(support + predicted)),
            }
        return table


def _sums_by(drawn: Any, places: Any, classes: int) -> Any:
    """Kinds of rows added up by the class of each, shape (draws, classes)."""
    import numpy as np

    draws = len(drawn)
    bins = (np.arange(draws)[:, None] * classes + places).reshape(-1)
    return np.bincount(bins, weights=drawn.reshape(-1), minlength=draws * classes).reshape(draws, classes)


def confusion_of(report: Report) -> Matrix | None:
    """The confusion matrix of a report, where it has one."""
    return next((block for block in report if isinstance(block, Matrix)), None)


def report_of_confusion(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> Report:
    """The report that belongs to a confusion matrix; empty where it is none of these labels."""
    if [len(row) for row in confusion] != [len(labels)] * len(labels):
        return ()
    return ClassificationMetrics.from_confusion(labels, confusion).report()
