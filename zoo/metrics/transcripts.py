"""Word and character error rates: how much of what was said a transcript has wrong.

Errors are the fewest words that have to be put in, left out or exchanged to make the reference of the transcript
(Levenshtein 1966), over the words of the references; they may be more than those.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from zoo.blocks import Paragraph, Report
from zoo.metrics.intervals import CONFIDENCE, Interval, intervals_of_sums
from zoo.metrics.loss import MeanLoss
from zoo.normalizers import DEFAULT, normalized
from zoo.plurals import counted
from zoo.word_errors import WordErrors, marked_errors, word_errors

WORST = 10
"""Recordings in the report."""
READING = "said→heard, and ∅ for a word that was not said or not heard"
"""How its texts are read."""
RESAMPLES, SEED = 1_000, 0
"""Of the recordings, for the interval (bootstrap; Bisani and Ney 2004)."""


class _Pair(NamedTuple):
    """A recording of those with most errors, ordered by them."""

    errors: int
    order: int
    """Recordings before it: of as many errors the first stays."""
    reference: str
    transcript: str


class TranscriptMetrics:
    """Word error rate with its interval, character error rate, and the recordings with most errors.

    Args:
        labels: of no meaning here.
    """

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self._counted: list[WordErrors] = []
        self._worst: list[_Pair] = []
        self._normalizer = DEFAULT
        self._loss = MeanLoss()

    def update(
        self,
        reference: str,
        transcript: str,
        *,
        normalizer: str = DEFAULT,
        spelled_by: str = "",
        loss: float | None = None,
        weight: float = 1.0,
    ) -> None:
        """Count one recording.

        Args:
            reference: what was said, as the data have it.
            transcript: what the model heard.
            normalizer: how both are spelled before they are compared (`zoo.normalizers`).
            spelled_by: the same where that was done already, for the report.
            loss: of the recording, in nats.
            weight: how many items the loss is the mean of.
        """
        self._normalizer = spelled_by or normalizer
        reference, transcript = (normalized(text, normalizer) for text in (reference, transcript))
        counted = word_errors(reference, transcript)
        pair = _Pair(counted.errors, -len(self._counted), reference, transcript)
        self._counted.append(counted)
        if counted.errors:
            self._keep(pair)
        if loss is not None:
            self._loss.update(loss, weight)

    def add(self, target: Any, answer: Any) -> None:
        """Count what the data say, a text, and `zoo.Transcript`."""
        self.update(target, answer.text, normalizer=answer.normalizer or DEFAULT)

    def merge(self, other: TranscriptMetrics) -> None:
        """Take in what another process saw."""
        before = len(self._counted)
        self._counted += other._counted
        for pair in other._worst:
            self._keep(pair._replace(order=pair.order - before))
        self._loss.merge(other._loss)

    def compute(self) -> dict[str, float]:
        """`wer`, `wer_low` and `wer_high` (95%), `cer`, the three sorts of errors a word, and `loss` where given.

        The rates are left out where the references have no words.
        """
        rates = self._rates()
        if rates:
            low, high = self._interval()
            rates = {"wer": rates["wer"], "wer_low": low, "wer_high": high, **rates}
        return {**rates, **self._loss.compute()}

    def intervals(self) -> dict[str, Interval]:
        """Of the rates, over recordings."""
        rows = [
            (
                one.errors,
                one.words,
                one.character_errors,
                one.characters,
                one.substitutions,
                one.deletions,
                one.insertions,
            )
            for one in self._counted
        ]

        def figures(sums: Any) -> dict[str, Any]:
            errors, words, character_errors, characters, substitutions, deletions, insertions = sums
            return {
                "wer": errors / words,
                "cer": character_errors / characters,
                "substitutions": substitutions / words,
                "deletions": deletions / words,
                "insertions": insertions / words,
            }

        found = intervals_of_sums(rows, figures)
        return found | ({"wer": Interval(*self._interval())} if "wer" in found else {})

    def figure(self, name: str) -> float:
        """One of these figures; the interval, which takes longest, is found only where it is asked for."""
        figures = {**self._rates(), **self._loss.compute()}
        return figures[name] if name in figures else self.compute().get(name, math.nan)

    def report(self) -> Report:
        """The recordings with most errors, word by word; empty where all are right."""
        texts = [
            marked_errors(pair.reference, pair.transcript, f"{counted(pair.errors, 'error')}:")
            for pair in sorted(self._worst, key=_worst_first)
        ]
        reading = f"{READING}; normaliser {self._normalizer}"
        return (Paragraph(title="Most errors", text=reading), *texts) if texts else ()

    def _rates(self) -> dict[str, float]:
        """Those of errors; none where the references have no words."""
        words = sum(one.words for one in self._counted)
        if not words:
            return {}
        characters = sum(one.characters for one in self._counted)
        return {
            "wer": sum(one.errors for one in self._counted) / words,
            "cer": sum(one.character_errors for one in self._counted) / characters,
            "substitutions": sum(one.substitutions for one in self._counted) / words,
            "deletions": sum(one.deletions for one in self._counted) / words,
            "insertions": sum(one.insertions for one in self._counted) / words,
        }

    def _keep(self, pair: _Pair) -> None:
        (heapq.heappush if len(self._worst) < WORST else heapq.heappushpop)(self._worst, pair)

    def _interval(self) -> tuple[float, float]:
        """Of the word error rate over recordings drawn with replacement; their order is of no account."""
        import numpy as np

        counts = np.array(sorted((one.errors, one.words) for one in self._counted), dtype=np.float64)
        random = np.random.default_rng(SEED)
        rates = []
        for _ in range(RESAMPLES):
            errors, words = counts[random.integers(len(counts), size=len(counts))].sum(0)
            if words:
                rates.append(errors / words)
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(rates, (tail, 1 - tail))
        return float(low), float(high)


def _worst_first(pair: _Pair) -> tuple[int, int]:
    return -pair.errors, -pair.order
