"""Metrics of labelled spans: those that are right from their first to their last character, and of the right type.

Beside them stands the figure of conlleval, the script of the CoNLL shared tasks (Tjong Kim Sang and Buchholz 2000),
which most published figures are made by: it lets a span begin with `I-`, too. The two differ where a network tags a
word as inside a span that nothing began.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.blocks import Report, Table
from zoo.metrics.loss import MeanLoss
from zoo.metrics.tags import SpanKey

if TYPE_CHECKING:
    from zoo.metrics.intervals import Interval


class _Counts(NamedTuple):
    """Of the spans of one type, or of all."""

    true: int
    answered: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.answered if self.answered else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.true + self.answered) if self.true + self.answered else 0.0


class _SpanCounts:
    """Spans that are there, that were answered, and that are right, by type."""

    def __init__(self) -> None:
        self._true: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self._right: Counter[str] = Counter()

    def add(self, true: set[SpanKey], answered: set[SpanKey]) -> None:
        for counter, spans in ((self._true, true), (self._answered, answered), (self._right, true & answered)):
            counter.update(label for _, _, label in spans)

    def merge(self, other: _SpanCounts) -> None:
        self._true += other._true
        self._answered += other._answered
        self._right += other._right

    def of(self, label: str) -> _Counts:
        return _Counts(self._true[label], self._answered[label], self._right[label])

    @property
    def all(self) -> _Counts:
        return _Counts(self._true.total(), self._answered.total(), self._right.total())

    @property
    def labels(self) -> list[str]:
        return sorted(self._true | self._answered)


class SpanMetrics:
    """Precision, recall and F1 of spans, over all of them together (the micro average) and by type.

    Args:
        labels: types of the model; what the data or the answers have beside them is counted, too.
    """

    FIGURES = ("span_f1", "precision", "recall", "conlleval_f1")
    """Names of all that it may give of answers."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._strict, self._conlleval = _SpanCounts(), _SpanCounts()
        self._texts = array("q")
        """Of each: spans that are there, that were answered, that are right; then what conlleval says of the latter."""
        self._loss = MeanLoss()

    def update(
        self,
        true: Iterable[SpanKey],
        answered: Iterable[SpanKey],
        raw: Iterable[SpanKey] | None = None,
        loss: float | None = None,
        weight: float = 1.0,
    ) -> None:
        """Count the spans of one text.

        Args:
            true: what the data say.
            answered: what the model says.
            raw: what conlleval reads from its tags; None for the same.
            loss: of the text, in nats.
            weight: how many words the loss is the mean of.
        """
        true, answered = set(true), set(answered)
        lenient = answered if raw is None else set(raw)
        self._strict.add(true, answered)
        self._conlleval.add(true, lenient)
        self._texts.extend((len(true), len(answered), len(true & answered), len(lenient), len(true & lenient)))
        if loss is not None:
            self._loss.update(loss, weight)

    def add(self, target: Any, answer: Any) -> None:
        """Count the spans that the data give, `zoo.Span`, and those of `zoo.TaggedSpans`."""
        raw = answer.raw_spans
        self.update(_keys(target), _keys(answer.spans), None if raw is None else _keys(raw))

    def merge(self, other: SpanMetrics) -> None:
        """Take in what another process saw."""
        self._strict.merge(other._strict)
        self._conlleval.merge(other._conlleval)
        self._texts.extend(other._texts)
        self._loss.merge(other._loss)

    def compute(self) -> dict[str, float]:
        """`span_f1`, `precision` and `recall`, then `conlleval_f1` and, where given, `loss`.

        The first four are left out where neither the data nor the answers have a span.
        """
        strict = self._strict.all
        figures: dict[str, float] = {}
        if strict.true or strict.answered:
            figures = {"span_f1": strict.f1, "precision": strict.precision, "recall": strict.recall}
            figures["conlleval_f1"] = self._conlleval.all.f1
        return {**figures, **self._loss.compute()}

    def intervals(self) -> dict[str, Interval]:
        """Of all but the loss, over texts."""
        import numpy as np

        from zoo.metrics.intervals import intervals_of_sums

        def figures(sums: Any) -> dict[str, Any]:
            true, answered, right, lenient, right_lenient = sums
            return {
                "span_f1": 2 * right / (true + answered),
                "precision": right / answered,
                "recall": right / true,
                "conlleval_f1": 2 * right_lenient / (true + lenient),
            }

        return intervals_of_sums(np.frombuffer(self._texts, dtype=np.int64).reshape(-1, 5), figures)

    def report(self) -> Report:
        """Figures of each type; empty where nothing was counted."""
        labels = dict.fromkeys((*self.labels, *self._strict.labels, *self._conlleval.labels))
        if not self._strict.all.true + self._strict.all.answered:
            return ()
        headers = ("type", "precision", "recall", "F1", "conlleval F1", "spans")
        return (Table(title="Types", headers=headers, rows=tuple(self._row(label) for label in labels)),)

    def _row(self, label: str) -> tuple[str, float | None, float | None, float | None, float | None, int]:
        strict, conlleval = self._strict.of(label), self._conlleval.of(label)
        if not strict.true + strict.answered:
            return label, None, None, None, None, 0
        return label, strict.precision, strict.recall, strict.f1, conlleval.f1, strict.true


def _keys(spans: Iterable[Any]) -> list[SpanKey]:
    return [(one.start, one.end, one.label) for one in spans]
