"""Metrics of several labels for each example, or none."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.blocks import Report, Table
from zoo.metrics.loss import MeanLoss

if TYPE_CHECKING:
    from zoo.metrics.intervals import Interval

DEFAULT_THRESHOLD = 0.5
"""Where there is nothing to choose one by."""


THRESHOLDS = tuple(tenths / 10 for tenths in range(1, 10))
"""At which a report says what they would make of the answers."""


LABELS_AT_ONCE = 64
"""Whose numbers an interval takes at once."""


class LabelCounts(NamedTuple):
    """How often a label was found and missed."""

    hits: int
    """Examples that have it and are said to have it."""
    support: int
    """Examples that have it."""
    predicted: int
    """Examples that are said to have it."""

    @property
    def precision(self) -> float | None:
        """Share of what is said that is true; None where nothing is said."""
        return self.hits / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Share of what is true that is said; None where nothing is true."""
        return self.hits / self.support if self.support else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two; None where nothing is true and nothing is said."""
        return 2 * self.hits / (self.support + self.predicted) if self.support + self.predicted else None


class LabelSetMetrics:
    """Micro and macro F1 of a classifier that gives each example the labels whose probability reaches a threshold.

    Macro F1 is the unweighted mean over the labels that occur, as true or as predicted ones (scikit-learn's
    `f1_score(average="macro", zero_division=nan)`); the micro figures are 0 where they are undefined.

    Args:
        labels: in the order of the probabilities.
        threshold: None for the one that makes micro F1 of all that was seen the largest.
    """

    FIGURES = ("micro_f1", "macro_f1", "micro_precision", "micro_recall", "subset_accuracy", "threshold")
    """Names of all that it may give of answers."""

    def __init__(self, labels: Sequence[str], threshold: float | None = None) -> None:
        self.labels = tuple(labels)
        self._answer_threshold = threshold
        self._probabilities = array("d")
        self._targets = bytearray()
        self._loss = MeanLoss()

    def update(self, targets: Sequence[float], probabilities: Sequence[float], loss: float | None = None) -> None:
        """Count one example.

        Args:
            targets: for each label, whether the example has it.
            probabilities: of each label.
            loss: mean binary cross entropy over the labels, in nats.
        """
        if not len(targets) == len(probabilities) == len(self.labels):
            raise ValueError(
                f"an example has {len(targets)} targets and {len(probabilities)} probabilities "
                f"for {len(self.labels)} labels"
            )
        self._targets += bytes(map(bool, targets))
        self._probabilities.extend(probabilities)
        if loss is not None:
            self._loss.update(loss)

    def add(self, target: Any, answer: Any) -> None:
        """Count the labels that the data gives and those of a `zoo.LabelSet`.

        The threshold of the first one is taken. Probabilities of answers that have another, as those of other models
        do, are moved such that each label stays on its side.
        """
        if self._answer_threshold is None:
            self._answer_threshold = answer.threshold
        probability = {score.label: score.probability for score in answer.scores}
        predicted = {label: max(probability.get(label, 1.0), answer.threshold) for label in answer.labels}
        probabilities = probability | predicted
        if answer.threshold != self._answer_threshold:
            ends = answer.threshold, self._answer_threshold
            probabilities = {label: _moved(one, *ends) for label, one in probabilities.items()}
        self.update(
            [label in target for label in self.labels], [probabilities.get(label, 0.0) for label in self.labels]
        )

    def merge(self, other: LabelSetMetrics) -> None:
        """Take in what another process saw."""
        self._targets += other._targets
        self._probabilities.extend(other._probabilities)
        self._loss.merge(other._loss)

    @property
    def threshold(self) -> float:
        """Labels of at least this probability are given."""
        if self._answer_threshold is None:
            return best_threshold(self._targets, self._probabilities)
        return self._answer_threshold

    def compute(self) -> dict[str, float]:
        """Micro and macro F1, micro precision and recall, subset accuracy, the threshold and, where given, `loss`.

        Subset accuracy is the share of the examples whose labels are exactly the true ones.
        """
        if not self._targets:
            return {}
        threshold = self.threshold
        counts = self._counts(threshold)
        total = LabelCounts(*map(sum, zip(*counts, strict=True)))
        f1 = [score for label in counts if (score := label.f1) is not None]
        return {
            "micro_f1": total.f1 or 0.0,
            "macro_f1": sum(f1) / len(f1) if f1 else 0.0,
            "micro_precision": total.precision or 0.0,
            "micro_recall": total.recall or 0.0,
            "subset_accuracy": self._exact(threshold) / (len(self._targets) // len(self.labels)),
            "threshold": threshold,
            **self._loss.compute(),
        }

    def intervals(self) -> dict[str, Interval]:
        """Of all but the loss and the threshold, which is taken as it is, over rows."""
        from zoo.metrics.intervals import named, wilson_interval

        if not self._targets:
            return {}
        rows = len(self._targets) // len(self.labels)
        threshold = self.threshold
        exact = wilson_interval(self._exact(threshold), rows)
        names = ("micro_f1", "macro_f1", "micro_precision", "micro_recall", "subset_accuracy")
        return named(names, [*self._f1_intervals(threshold)[len(self.labels) :], exact])

    def _f1_intervals(self, threshold: float) -> list[Interval | None]:
        """Of the F1 of each label; then of micro and macro F1, micro precision and micro recall."""
        import numpy as np

        from zoo.metrics.intervals import resampled_intervals

        labels = len(self.labels)
        targets, probabilities = self._arrays()
        predicted = probabilities >= threshold
        hits = targets & predicted

        def figures(drawn: Any) -> Any:
            right, true, said = (_products(drawn.astype(np.float32), one) for one in (hits, targets, predicted))
            either, all_right = true + said, right.sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                f1 = 2 * right / either
                micro = 2 * all_right / either.sum(axis=1)
                macro = np.nansum(f1, axis=1) / (either > 0).sum(axis=1)
                precision, recall = all_right / said.sum(axis=1), all_right / true.sum(axis=1)
            return np.column_stack([f1, micro, macro, precision, recall])

        return resampled_intervals(len(targets), figures, width=3 * labels)

    def report(self) -> Report:
        """Figures of each label; empty where nothing was counted."""
        if not self._targets:
            return ()
        rows = tuple(
            (label, counts.precision, counts.recall, counts.f1, counts.support)
            for label, counts in zip(self.labels, self._counts(self.threshold), strict=True)
        )
        return (Table(title="Classes", headers=("class", "precision", "recall", "f1", "rows"), rows=rows),)

    def detailed_report(self) -> Report:
        """The same with the interval of each F1, and what other thresholds would make of all labels together."""
        from zoo.metrics.intervals import bounds

        report = self.report()
        if not report:
            return ()
        (classes,) = report
        assert isinstance(classes, Table)
        intervals = self._f1_intervals(self.threshold)
        rows = (
            (label, precision, recall, f1, *bounds(interval), count)
            for (label, precision, recall, f1, count), interval in zip(classes.rows, intervals, strict=False)
        )
        headers = ("class", "precision", "recall", "f1", "f1 low", "f1 high", "rows")
        return Table(title=classes.title, headers=headers, rows=tuple(rows)), self._thresholds()

    def _arrays(self) -> tuple[Any, Any]:
        """Whether each example has each label, and how probable that is: shapes (examples, labels)."""
        import numpy as np

        shape = -1, len(self.labels)
        targets = np.frombuffer(self._targets, dtype=np.bool_).reshape(shape)
        return targets, np.frombuffer(self._probabilities).reshape(shape)

    def _thresholds(self) -> Table:
        """Figures of all labels together at round thresholds, and at the one that answers were given by."""
        (targets, probabilities), used = self._arrays(), self.threshold
        rows = []
        for threshold in sorted({*THRESHOLDS, used}):
            predicted = probabilities >= threshold
            total = LabelCounts(*(int(one.sum()) for one in (targets & predicted, targets, predicted)))
            exact = float((targets == predicted).all(axis=1).mean())
            name = f"{threshold:.4g}{' (used)' if threshold == used else ''}"
            rows.append((name, total.precision, total.recall, total.f1, exact))
        headers = ("threshold", "precision", "recall", "f1", "all labels right")
        return Table(title="Thresholds", headers=headers, rows=tuple(rows))

    def _counts(self, threshold: float) -> list[LabelCounts]:
        """Of each label."""
        step = len(self.labels)
        counts = []
        for i in range(step):
            targets, probabilities = self._targets[i::step], self._probabilities[i::step]
            predicted = [probability >= threshold for probability in probabilities]
            hits = sum(target and answer for target, answer in zip(targets, predicted, strict=True))
            counts.append(LabelCounts(hits, sum(targets), sum(predicted)))
        return counts

    def _exact(self, threshold: float) -> int:
        """Examples whose labels are exactly the true ones."""
        step = len(self.labels)
        decisions = [p >= threshold for p in self._probabilities]
        predicted = bytes(decisions)
        return sum(predicted[at : at + step] == self._targets[at : at + step] for at in range(0, len(predicted), step))


def _moved(probability: float, threshold: float, to: float) -> float:
    """A probability on the scale of another threshold: on the same side of it, and as far along that side."""
    if probability < threshold:
        return min(probability * to / threshold, math.nextafter(to, -1.0))
    rest = (1 - probability) / (1 - threshold) if threshold < 1 else 0.0
    return max(1 - rest * (1 - to), to)


def _products(drawn: Any, examples: Any) -> Any:
    """How many examples of each draw have each label, shape (draws, labels), some labels at a time.

    Args:
        drawn: how often each example is drawn, float32 of shape (draws, examples).
        examples: whether each has each label, shape (examples, labels).
    """
    import numpy as np

    parts = (examples[:, at : at + LABELS_AT_ONCE] for at in range(0, examples.shape[1], LABELS_AT_ONCE))
    return np.concatenate([drawn @ part.astype(np.float32) for part in parts], axis=1)


def best_threshold(targets: Sequence[int], probabilities: Sequence[float]) -> float:
    """The threshold that makes micro F1 the largest, in the middle between two probabilities.

    A threshold that is best lies just above the probability of a label that is left out and at most at that of the
    last one given. Of several equally good ones it is the one nearest to 0.5.

    Args:
        targets: 1 for each pair of an example and a label that belong together, else 0.
        probabilities: of each pair.
    """
    support = sum(targets)
    if not support:
        return DEFAULT_THRESHOLD
    ranked = sorted(zip(probabilities, targets, strict=True), reverse=True)
    hits = accumulate(target for _, target in ranked)
    following = [probability for probability, _ in ranked[1:]] + [0.0]
    best, threshold = -1.0, DEFAULT_THRESHOLD
    for predicted, ((probability, _), hit, after) in enumerate(zip(ranked, hits, following, strict=True), start=1):
        if probability == after and predicted < len(ranked):
            continue
        f1, middle = 2 * hit / (support + predicted), (probability + after) / 2
        candidate = middle if middle > after else probability
        if (f1, -abs(candidate - DEFAULT_THRESHOLD)) > (best, -abs(threshold - DEFAULT_THRESHOLD)):
            best, threshold = f1, candidate
    return threshold
