"""Calibrating a model by its answers to rows that it has not learnt from."""

from __future__ import annotations

import math
import random
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.answers import Answer
from zoo.card import Card
from zoo.data.example import Dataset, Example
from zoo.data.splitting import input_key
from zoo.metrics.calibration import expected_calibration_error, fitted_temperature, log_tempered
from zoo.plurals import counted
from zoo.runs.calibration import Calibration, check_rows, write_calibration
from zoo.runs.trained_on import are_trained_on

MOST_CHANCES = 2_000
"""Probabilities of true labels that are kept: of more rows some, drawn by lot, which promise as much."""
LEAST = 1e-38
"""Probability that one of 0 is taken for: the smallest of float32."""


class CalibrationRows:
    """Probabilities of all labels for rows with their true label, as answers come.

    Args:
        card: of the model.
        dataset: whose rows these are.

    Raises:
        DatasetInvalid: there are too few that the model has not learnt from.
    """

    def __init__(self, card: Card, dataset: Dataset) -> None:
        self._card, self._path, self._sha256 = card, Path(dataset.path), dataset.sha256
        learnt = are_trained_on(card.name, dataset.examples)
        self._learnt_from = {one.row for one, is_learnt in zip(dataset.examples, learnt, strict=True) if is_learnt}
        check_rows(self._path, len(learnt) - sum(learnt), card.name, sum(learnt))
        self._places = {label: place for place, label in enumerate(card.labels)}
        self._keys: list[bytes] = []
        self._logs, self._targets = array("f"), array("q")

    def add(self, examples: Sequence[Example], answers: Sequence[Answer]) -> None:
        """Count some more rows."""
        for example, answer in zip(examples, answers, strict=True):
            if example.row in self._learnt_from:
                continue
            shares = answer.numbers()
            self._keys.append(input_key(example))
            self._targets.append(self._places[example.target])
            self._logs.extend(math.log(max(shares.get(label, 0.0), LEAST)) for label in self._places)

    def calibrate(self) -> str:
        """Find the temperature by one half of the rows, hold it against the other, and keep both with the model.

        Returns:
            What came of it, in words.

        Raises:
            DatasetInvalid: too few of the rows could be answered.
        """
        import numpy as np

        rows, model = len(self._targets), self._card.name
        check_rows(self._path, rows, model, len(self._learnt_from))
        logs = np.frombuffer(self._logs, dtype=np.float32).reshape(rows, -1).astype(np.float64)
        targets = np.frombuffer(self._targets, dtype=np.int64)
        fitted, others = (np.array(half) for half in self._halves())
        found = fitted_temperature(logs[fitted], targets[fitted])
        temperature = 1.0 if found is None else found
        before, after = (_Judged(logs[others], targets[others], one) for one in (1.0, temperature))
        calibration = Calibration(
            temperature=temperature,
            fitted_rows=len(fitted),
            chances=after.kept_chances,
            ece_before=before.ece,
            ece_after=after.ece,
            data=self._path.name,
            sha256=self._sha256,
            weights=self._card.weights.digest if self._card.weights else "",
            created_at=time.time(),
        )
        write_calibration(self._card, calibration)
        what = f"temperature {temperature:.3f}, by {counted(len(fitted), 'row')}"
        if found is None:
            what = f"no temperature, since nearly all of {counted(len(fitted), 'row')} are right or nearly all wrong"
        return (
            f"{model} is calibrated from now on: {what}; on {counted(len(others), 'other row')} the calibration error "
            f"is {after.ece:.4f}, and {before.ece:.4f} without"
        )

    def _halves(self) -> tuple[list[int], list[int]]:
        """The places of two halves of the rows, whichever order these are in; equal inputs are in the same one."""
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        middle = len(order) // 2
        while middle < len(order) - 1 and self._keys[order[middle]] == self._keys[order[middle - 1]]:
            middle += 1
        return order[:middle], order[middle:]


class CalibrationEffect:
    """What the calibration of a model changes about the rows that it is judged by.

    Args:
        calibration: of the model.
        labels: how many it tells apart.
    """

    def __init__(self, calibration: Calibration, labels: int) -> None:
        self._calibration, self._labels = calibration, labels
        self._before, self._after, self._right = array("d"), array("d"), bytearray()

    def add(self, examples: Sequence[Example], answers: Sequence[Answer]) -> None:
        """Count some more answers, as they were calibrated; of those that were cut it is not known."""
        for example, answer in zip(examples, answers, strict=True):
            after = answer.numbers()
            if len(after) == self._labels:
                before = answer.tempered(1 / self._calibration.temperature).numbers()
                self._before.append(max(before.values()))
                self._after.append(max(after.values()))
                self._right.append(max(after, key=after.__getitem__) == example.target)

    @property
    def message(self) -> str:
        """In words; empty where nothing was counted."""
        if not self._right:
            return ""
        before, after = (expected_calibration_error(one, self._right) for one in (self._before, self._after))
        one = self._calibration
        return (
            f"calibrated on {one.data} (temperature {one.temperature:.3f}): the calibration error is {after:.4f} on "
            f"these rows, and {before:.4f} without"
        )


class _Judged:
    """Rows at a temperature.

    Args:
        logs: logarithms of probabilities, shape (rows, labels).
        targets: index of the true label of each.
        temperature: of the probabilities.
    """

    def __init__(self, logs: Any, targets: Any, temperature: float) -> None:
        import numpy as np

        shares = np.exp(log_tempered(logs, temperature))
        self._chances = shares[np.arange(len(targets)), targets].tolist()
        self.ece = expected_calibration_error(shares.max(axis=1), shares.argmax(axis=1) == targets)

    @property
    def kept_chances(self) -> tuple[float, ...]:
        """Probabilities of true labels, the largest first."""
        draw = random.Random(0)  # noqa: S311  (statistics)
        kept = self._chances if len(self._chances) <= MOST_CHANCES else draw.sample(self._chances, MOST_CHANCES)
        return tuple(sorted(kept, reverse=True))
