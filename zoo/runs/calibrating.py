"""Calibrating a model by its answers to rows that it has not learnt from."""

from __future__ import annotations

import math
import random
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.answers import CalibratableAnswer
from zoo.card import Card
from zoo.data.example import Dataset, Example
from zoo.data.splitting import input_key
from zoo.errors import DatasetInvalid, Unsupported
from zoo.metrics.calibration import expected_calibration_error, fitted_temperature, log_tempered
from zoo.plurals import counted
from zoo.runs.calibration import FEWEST_ROWS, Calibration, check_rows, write_calibration
from zoo.runs.trained_on import are_trained_on

MOST_CHANCES = 2_000
"""Probabilities of true labels that are kept: of more rows some, drawn by lot, which promise as much."""
MOST_ROWS, FEWEST_TAKEN = 20_000, 2_000
"""Rows that are looked at: more of them say no more of one number."""
MOST_NUMBERS = 20_000_000
"""Of all these rows together, which bounds the rows where there are very many labels; never below the fewest."""
FEWEST_OF_A_HALF = FEWEST_ROWS // 4
"""Rows that either half has, however inputs repeat."""
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
        keys = {
            one.row: input_key(one) for one, is_learnt in zip(dataset.examples, learnt, strict=True) if not is_learnt
        }
        self._learnt, self._rows = sum(learnt), len(keys)
        check_rows(self._path, self._rows, card.name, self._learnt)
        self._places = {label: place for place, label in enumerate(card.labels)}
        most = min(MOST_ROWS, max(FEWEST_TAKEN, MOST_NUMBERS // len(self._places)))
        self._taken = {row: keys[row] for row in sorted(keys, key=keys.__getitem__)[:most]}
        """Keys of the inputs of the rows that are looked at: a draw by what they hold, whatever order they are in."""
        self._keys: list[bytes] = []
        self._logs, self._targets = array("d"), array("q")

    def add(self, examples: Sequence[Example], answers: Sequence[CalibratableAnswer]) -> None:
        """Count some more rows.

        Raises:
            Unsupported: an answer lacks labels.
        """
        for example, answer in zip(examples, answers, strict=True):
            if example.row not in self._taken:
                continue
            shares = answer.numbers()
            if len(shares) < len(self._places):
                raise Unsupported(
                    f"{self._card.name} answers with {len(shares):,} of its {len(self._places):,} labels, and "
                    "calibrating takes the probabilities of all",
                    "its plugin must give them: zoo.LabelOptions has the option top_k that asks for so many",
                )
            self._keys.append(self._taken[example.row])
            self._targets.append(self._places[example.target])
            self._logs.extend(math.log(max(shares.get(label, 0.0), LEAST)) for label in self._places)

    def calibrate(self, *, keep: bool = True) -> str:
        """Find the temperature by one half of the rows, hold it against the other, and keep both with the model.

        Args:
            keep: whether they are kept.

        Returns:
            What came of it, in words.

        Raises:
            DatasetInvalid: too few of the rows could be answered, or too many of these are the same.
            StoreInvalid: it cannot be kept.
        """
        import numpy as np

        rows, model = len(self._targets), self._card.name
        check_rows(self._path, rows, model, self._learnt)
        logs = np.frombuffer(self._logs).reshape(rows, -1)
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
        if keep:
            write_calibration(self._card, calibration)
        what = f"temperature {temperature:.3f}, by {counted(len(fitted), 'row')}"
        if found is None:
            what = f"no temperature, since nearly all of {counted(len(fitted), 'row')} are right or nearly all wrong"
        if len(self._taken) < self._rows:
            what += f" ({len(self._taken):,} of {counted(self._rows, 'row')} were looked at, which suffice)"
        return (
            f"{model} {'is calibrated from now on' if keep else 'was calibrated so, and stays as it is now'}: {what}; "
            f"on {counted(len(others), 'other row')} the calibration error is {after.ece:.4f}, and {before.ece:.4f} "
            "without"
        )

    def _halves(self) -> tuple[list[int], list[int]]:
        """The places of two halves of the rows, whichever order these are in; equal inputs are in the same one."""
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        rows, inputs = len(order), [self._keys[place] for place in order]
        ends = [end for end in range(1, rows) if inputs[end] != inputs[end - 1]]
        middle = min(ends, key=lambda end: abs(2 * end - rows), default=0)
        if min(middle, rows - middle) < FEWEST_OF_A_HALF:
            raise DatasetInvalid(
                f"{self._path} repeats inputs: of its {counted(rows, 'row')} {max(middle, rows - middle):,} must stay "
                f"together, and what calibrates {self._card.name} is held against {FEWEST_OF_A_HALF} others or more",
                "give a file with more inputs that are not the same",
            )
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

    def add(self, examples: Sequence[Example], answers: Sequence[CalibratableAnswer]) -> None:
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
