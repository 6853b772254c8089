"""How the probabilities of a model are corrected, and what they must be for an answer to be sure: `calibration.json`.

It stands in the folder of a run's result, beside the manifest, whose digests are of the other files. It is made by an
evaluation on rows that the model has not learnt from: one half of them gives the temperature (Guo et al. 2017), the
other the probabilities of true labels, by which labels are left open with a coverage that is promised (split conformal
prediction: Vovk et al. 2005; the score is that of Sadinle et al. 2019; Angelopoulos and Bates 2021, arXiv:2107.07511).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from zoo import atomic
from zoo.answers import CalibratableAnswer, Prediction
from zoo.card import Card, FolderSource
from zoo.errors import DatasetInvalid, OptionInvalid, StoreInvalid, Unsupported
from zoo.plurals import counted
from zoo.runs.result import CALIBRATION
from zoo.runs.store import store_invalid, training_of
from zoo.tasks.options import FEW_LABELS
from zoo.tasks.task import Task

FEWEST_ROWS = 40
"""That a calibration takes, both halves together."""
TIED = 1e-5
"""By what share less a probability may be and count as equal: in batches of other sizes its last bits are others."""
_Calibrated = TypeVar("_Calibrated", bound=CalibratableAnswer)


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `calibration.json`."""

    temperature: float
    """That logarithms of probabilities are divided by; 1 leaves them as they are."""
    fitted_rows: int
    """By which it was found."""
    chances: tuple[float, ...]
    """Probability of the true label of other rows, at that temperature, the largest first."""
    ece_before: float
    """Expected calibration error of these other rows without the temperature, and with it."""
    ece_after: float
    data: str
    """Name of the file of the rows."""
    sha256: str
    """Its digest."""
    weights: str
    """Digest of the weights that are calibrated."""
    created_at: float = 0.0
    v: int = 1

    @property
    def digest(self) -> str:
        """The sha256 of all of it."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    def least_probability(self, model: str, abstain: float) -> float:
        """The probability from which on a label is left open, so that the right one is excluded in that share of cases.

        Of n rows it is the k-th largest probability of a true label, with k = ceil((n + 1)(1 - abstain)): of n + 1 rows
        that come from the same place, the new one is as likely as any other to be the least probable.

        Args:
            model: its name, for messages.
            abstain: that share.

        Raises:
            Unsupported: there are too few rows for so small a share.
        """
        rows = len(self.chances)
        place = math.ceil((rows + 1) * (1 - abstain) - 1e-9)
        if place > rows:
            raise Unsupported(
                f"--abstain {abstain:g} needs {math.ceil(1 / abstain) - 1:,} rows to be held against, and {model} was "
                f"calibrated on {rows:,}",
                f"calibrate it on more: zoo evaluate {model} --data FILE --calibrate",
            )
        return self.chances[place - 1]


def calibration_path(card: Card) -> Path | None:
    """Where the calibration of a model is; None for one that is no result of a run."""
    if card.weights is None or training_of(card) is None:
        return None
    return next((Path(one.path) / CALIBRATION for one in card.weights.sources if isinstance(one, FolderSource)), None)


def read_calibration(card: Card) -> Calibration | None:
    """The calibration of a model; None where it has none, or one of other weights.

    Raises:
        StoreInvalid: it cannot be read.
    """
    path = calibration_path(card)
    if path is None or not path.exists():
        return None
    try:
        calibration = msgspec.json.decode(path.read_bytes(), type=Calibration)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreInvalid(
            f"{path} cannot be read: {error}",
            f"calibrate {card.name} anew: zoo evaluate {card.name} --data FILE --calibrate",
        ) from error
    return calibration if card.weights and calibration.weights == card.weights.digest else None


def write_calibration(card: Card, calibration: Calibration) -> None:
    """Keep the calibration of a model, in the place of an earlier one.

    Raises:
        StoreInvalid: it cannot be written, or the model is not there any more.
    """
    path = calibration_path(card)
    if path is None:
        raise StoreInvalid(
            f"the calibration of {card.name} cannot be kept: its run is gone, or has another name now",
            "evaluate it with --calibrate under the name that it has",
        )
    try:
        atomic.write_bytes(path, msgspec.json.encode(calibration) + b"\n")
    except OSError as error:
        raise store_invalid(f"the calibration of {card.name} cannot be kept", error, path.parent) from error


class Finish:
    """What becomes of the answers of a calibrated model.

    Args:
        calibration: of the model.
        options: as a person chose them.
        model: its name.
        labels: how many it tells apart.
        usual: how many labels an answer has where the options leave that open; None for all.

    Raises:
        Unsupported: labels cannot be left open with so few rows.
    """

    def __init__(
        self, calibration: Calibration, options: Any, model: str, labels: int, usual: int | None = None
    ) -> None:
        self.calibration = calibration
        self._model, self._labels, self._usual = model, labels, usual
        abstain, self._kept = getattr(options, "abstain", None), _labels_asked_for(options, usual)
        self._least = None if abstain is None else calibration.least_probability(model, abstain) * (1 - TIED)
        self.options = with_all_labels(options, labels)
        """What the plugin is asked with: temperatures need all probabilities."""

    def with_options(self, options: Any) -> Finish:
        """The same with other options."""
        return Finish(self.calibration, options, self._model, self._labels, self._usual)

    def __call__(self, answers: Sequence[Prediction]) -> list[Prediction]:
        """The answers as a person gets them."""
        return [self._finished(one) if isinstance(one, CalibratableAnswer) else one for one in answers]

    def _finished(self, answer: _Calibrated) -> _Calibrated:
        answer = answer.tempered(self.calibration.temperature)
        if self._least is not None:
            answer = answer.left_open(self._least)
        return answer if self._kept is None else answer.cut(self._kept)


def with_all_labels(options: Any, labels: int) -> Any:
    """Options of answering with the probabilities of all labels."""
    if not _has_top_k(options):
        return options
    return msgspec.structs.replace(options, top_k=max(1, labels))


def _has_top_k(options: Any) -> bool:
    return "top_k" in getattr(options, "__struct_fields__", ())


def _labels_asked_for(options: Any, usual: int | None) -> int | None:
    """How many labels an answer has; None for all that the plugin gives."""
    return (options.top_k or usual) if _has_top_k(options) else None


def finish_of(card: Card, task: Task, options: Any, *, judging: bool = False) -> Finish | None:
    """What becomes of the answers of a model; None where they stay as they are.

    Args:
        card: of the model.
        task: that it answers.
        options: as a person chose them.
        judging: whether answers are for a judge, who wants all labels where nothing else was asked for.

    Raises:
        Unsupported: labels are to be left open, and the model was not calibrated.
    """
    calibration = read_calibration(card) if task.calibratable else None
    if calibration is not None:
        usual = FEW_LABELS if task.input.from_files and not judging else None
        return Finish(calibration, options, card.name, len(card.labels), usual)
    if getattr(options, "abstain", None) is not None:
        hint = f"zoo evaluate {card.name} --data FILE --calibrate, on rows that it has not learnt from"
        if calibration_path(card) is None:
            hint = f"results of runs can be calibrated: zoo finetune {card.name} --data FILE"
        raise Unsupported(f"--abstain takes a model that was calibrated, and {card.name} was not", hint)
    return None


def check_abstaining(verb: str, options: Any, *, calibrate: bool) -> None:
    """Insist on leaving labels open only where answers are given.

    Args:
        verb: of the job.
        options: of answering.
        calibrate: whether the answers are for calibrating the model.

    Raises:
        OptionInvalid: there are to be labels left open that nobody would see.
    """
    if getattr(options, "abstain", None) is None:
        return
    if calibrate:
        raise OptionInvalid(
            "--abstain has no effect with --calibrate, which takes answers as they are",
            "calibrate first; then evaluate other rows with --abstain",
        )
    if verb not in ("predict", "evaluate"):
        raise OptionInvalid(
            f"--abstain has no effect on zoo {verb}", "leave it out; zoo predict and zoo evaluate take it"
        )


def check_calibratable(card: Card, task: Task) -> None:
    """Insist on a model that can be calibrated.

    Raises:
        Unsupported: its answers have no probabilities of one of several labels, or there is no place to keep it at.
    """
    if not task.calibratable or not card.labels:
        raise Unsupported(
            f"{card.name} does {task.name}, whose answers have no probabilities to calibrate", "leave --calibrate out"
        )
    if calibration_path(card) is None:
        raise Unsupported(
            f"{card.name} is no result of a run, and a calibration is kept in the folder of one",
            f"fine-tune it first: zoo finetune {card.name} --data FILE",
        )


def check_rows(path: Path, rows: int, model: str, learnt_from: int = 0) -> None:
    """Insist on enough rows.

    Args:
        path: of the data.
        rows: that the model has not learnt from, as far as is known.
        model: its name.
        learnt_from: rows that are left out, since it has.

    Raises:
        DatasetInvalid: there are too few.
    """
    if rows < FEWEST_ROWS:
        left_out = f", and {learnt_from:,} that {model} has learnt from" if learnt_from else ""
        raise DatasetInvalid(
            f"{path} has {counted(rows, 'row')} to calibrate {model} by{left_out}; it takes {FEWEST_ROWS}",
            "give a file with more rows that the model has not learnt from",
        )
