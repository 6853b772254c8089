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
from zoo.metrics.intervals import RESAMPLES, Interval, intervals_of_sums
from zoo.metrics.loss import MeanLoss
from zoo.normalizers import DEFAULT, normalized
from zoo.plurals import counted
from zoo.word_errors import WordErrors, marked_errors, word_errors

WORST = 10
"""Recordings in the report."""
READING = "said→heard, and ∅ for a word that was not said or not heard"
"""How its texts are read."""


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

    FIGURES = ("wer", "wer_low", "wer_high", "cer", "substitutions", "deletions", "insertions")
    """Names of all that it may give of answers."""

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
            interval = intervals_of_sums(self._rows(), _rates_of, draws=RESAMPLES, guarded=False)["wer"]
            rates = {"wer": rates["wer"], "wer_low": interval.low, "wer_high": interval.high, **rates}
        return {**rates, **self._loss.compute()}

    def intervals(self) -> dict[str, Interval]:
        """Of the rates, over recordings (Bisani and Ney 2004); as many draws of many as of few."""
        return intervals_of_sums(self._rows(), _rates_of, draws=RESAMPLES)

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
        if not any(one.words for one in self._counted):
            return {}
        return _rates_of([sum(column) for column in zip(*self._rows(), strict=True)])

    def _rows(self) -> list[tuple[int, ...]]:
        """What each recording adds to the sums of `_rates_of`."""
        return [
            (
                one.insertions,
                one.deletions,
                one.substitutions,
                one.characters,
                one.character_errors,
                one.words,
                one.errors,
            )
            for one in self._counted
        ]

    def _keep(self, pair: _Pair) -> None:
        (heapq.heappush if len(self._worst) < WORST else heapq.heappushpop)(self._worst, pair)


def _rates_of(sums: Any) -> dict[str, Any]:
    """The rates of sums over recordings."""
    insertions, deletions, substitutions, characters, character_errors, words, errors = sums
    return {
        "wer": errors / words,
        "cer": character_errors / characters,
        "substitutions": substitutions / words,
        "deletions": deletions / words,
        "insertions": insertions / words,
    }


def _worst_first(pair: _Pair) -> tuple[int, int]:
    return -pair.errors, -pair.order
