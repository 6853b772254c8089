"""What a plugin's hook is given: everything about one run, and the few things it may do to the world.

A hook reads attributes and calls `emit`, `should_stop`, `set_aside` and `warn`. It writes files only below
`model_folder`, `checkpoints_folder`, `scratch_folder` and `cache_folder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from zoo.card import Card
from zoo.data.example import Example, RejectedRow
from zoo.options import Options
from zoo.paths import plugin_cache_folder
from zoo.prediction import Prediction
from zoo.runs.events import AnyEvent, Warned
from zoo.task import Task


def _nothing(rejected: Sequence[RejectedRow]) -> None:
    """Nobody keeps account."""


@runtime_checkable
class Trainable(Protocol):
    """What pretrain and finetune return: something that can be fitted.

    `zoo.training.Objective` is one, and brings the engine's loop. A plugin with a loop of its own implements `fit`:
    it emits events through the run, looks at `run.should_stop()` often, and leaves the result in `run.model_folder`.
    """

    def fit(self, run: TrainingRun) -> FitResult: ...


@runtime_checkable
class Predictor(Protocol):
    """What predict returns: a model that is loaded and ready."""

    def predict(self, inputs: list[Any]) -> list[Prediction]:
        """Answer every input: same length, same order; an unreadable one becomes `Rejected(reason)` in its place."""
        ...


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """How a fit ended; the worker turns it into RunFinished or RunCancelled."""

    step: int
    """Last optimizer step done."""
    cancelled: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    best_step: int | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    labels: tuple[str, ...] = ()
    task: str = ""
    """The task the resulting model answers; empty for the task of the run."""
    parameters: int | None = None
    """How many numbers the resulting model has learnt, its head included."""


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One pretraining or fine-tuning job, as its plugin sees it."""

    card: Card
    """The model to start from."""
    task: Task
    """What the result is to be good at."""
    weights: Path | None
    """Folder that holds every file the card's weights name, digests checked; None to start from random numbers."""
    train: tuple[Example, ...]
    eval: tuple[Example, ...]
    """Held out, never trained on; may be empty."""
    labels: tuple[str, ...]
    """Label names in the order of the outputs; empty for a task without labels."""
    options: Any
    """The verb's option set as the card declares it (a subclass of `TrainingOptions`)."""
    device: str
    """Torch device name, such as `cpu` or `cuda:0`."""
    precision: str
    """fp32, bf16 or fp16."""
    folder: Path
    """The run's own folder."""
    rank: int = 0
    world_size: int = 1
    dry_run: bool = False
    """Stop once the plan is known."""
    emit: Callable[[AnyEvent], None]
    """Append a fact to the run's log; from any rank but 0 it does nothing."""
    should_stop: Callable[[], bool]
    """Whether someone asked the run to stop; cheap enough for every step."""

    set_aside: Callable[[Sequence[RejectedRow]], None] = _nothing
    """Quarantine rows that turned out unusable; raises DatasetInvalid where there are too many."""

    @property
    def model_folder(self) -> Path:
        """Where the result goes."""
        return self.folder / "model"

    @property
    def checkpoints_folder(self) -> Path:
        """Where checkpoints go."""
        return self.folder / "checkpoints"

    @property
    def scratch_folder(self) -> Path:
        """For what can be made again within the run; removed when the attempt ends."""
        return self.folder / "scratch"

    @property
    def cache_folder(self) -> Path:
        """For what can be made again and serves other runs, too; may vanish between two runs."""
        return plugin_cache_folder(self.card.plugin)

    def warn(self, message: str) -> None:
        """Tell the person something; the run goes on."""
        self.emit(Warned(message=message))


@dataclass(frozen=True, kw_only=True)
class PredictionRun:
    """A model to be loaded for predicting, as its plugin sees it."""

    card: Card
    task: Task
    """What the predictions are to answer: the task of the card's predict ability."""
    weights: Path
    """Folder that holds every file the card's weights name, digests checked."""
    options: Options
    device: str
    precision: str

    @property
    def cache_folder(self) -> Path:
        """For what can be made again and serves other runs, too; may vanish between two runs."""
        return plugin_cache_folder(self.card.plugin)
