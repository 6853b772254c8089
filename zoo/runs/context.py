"""What a plugin's hook is given: everything about one run, and the few things it may do to the world.

A hook reads attributes and calls `should_stop`, `set_aside`, `note`, `warn` and `emit`; one with a training loop of
its own also the `report_...` methods, `checkpoint` and `newest_checkpoint`. It writes files only below `model_folder`,
`checkpoints_folder`, `scratch_folder` and `cache_folder`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from zoo.answers import Prediction
from zoo.blocks import Report
from zoo.card import Card
from zoo.data.example import Example
from zoo.hyperparameters import USUAL_MIXING, FederationOptions, MixingOptions
from zoo.metrics.intervals import Interval
from zoo.paths import plugin_cache_folder
from zoo.privacy import is_private
from zoo.runs import checkpoints
from zoo.runs.events import AnyEvent, CheckpointSaved, EvaluationCompleted, Noted, RunPlanned, StepCompleted, Warned
from zoo.runs.source_facts import SourceResult
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from zoo.sites.exchange import Exchange
    from zoo.sites.membership import SiteMembership


def _log(message: str) -> None:
    """Whoever listens to the logger `zoo` may want to know."""
    import logging

    logging.getLogger("zoo").warning(message)


def _nothing(unusable: Sequence[tuple[Example, str]]) -> None:
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


@runtime_checkable
class ChunkPredictor(Predictor, Protocol):
    """A predictor that prepares what comes next while it computes, where many inputs come one after the other."""

    def predict_chunks(self, chunks: Iterable[list[Any]]) -> Iterator[list[Prediction]]:
        """Answer the inputs of each chunk as `predict` does, chunk after chunk.

        Args:
            chunks: taken a few ahead of their answers, and never all at once.
        """
        ...


@runtime_checkable
class StreamingPredictor(Predictor, Protocol):
    """A predictor whose answers grow, such as one that writes texts.

    One that also answers conversations, lists of messages with `role` and `content`, has a true attribute `chats`.
    """

    def stream(self, input: Any) -> Iterator[str | Prediction]:
        """Answer one input: the pieces of the text as they come, and last the answer itself.

        Whoever has read enough closes the iterator.
        """
        ...


@runtime_checkable
class AdjustablePredictor(Predictor, Protocol):
    """A predictor that can be asked with other options than those it was loaded with, without being loaded anew."""

    def with_options(self, options: Any) -> Predictor:
        """The same loaded model, asked with other options; this one stays as it is.

        Args:
            options: of the type of `run.options`, checked.
        """
        ...


@runtime_checkable
class JudgedPredictor(Predictor, Protocol):
    """A predictor whose answers are not what its task is judged by, such as one that writes texts."""

    def judged(self, inputs: list[Any], targets: list[Any]) -> list[Prediction]:
        """What the judge of the task is given for every input, in the place of an answer.

        Args:
            inputs: as in `predict`.
            targets: of the data, as the kind of the task's target reads them.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """How a fit ended; the worker turns it into RunFinished or RunCancelled."""

    step: int
    """Last optimizer step done."""
    cancelled: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    """Figures on the evaluation data, by name, finite; of numpy or torch is fine."""
    intervals: dict[str, Interval] = field(default_factory=dict)
    """Where they lie with 95% confidence, where that is known: `intervals()` of `zoo.ClassificationMetrics`."""
    best_step: int | None = None
    report: Report = ()
    """What belongs to the metrics: `report()` of `zoo.ClassificationMetrics`, or blocks of your own."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Of a classifier, in the place of a report; to be left out from version 0.2 on."""
    labels: tuple[str, ...] = ()
    """What the resulting model distinguishes, in the order of its outputs; empty for the labels of the run."""
    task: str = ""
    """The task the resulting model answers; empty for the task of the run."""
    parameters: int | None = None
    """How many numbers the resulting model has learnt, its head included."""
    sources: tuple[SourceResult, ...] = ()
    """Of a run with several, what came of each."""


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """What another model says of the rows to train on, and how much that counts."""

    answers: Mapping[int, Prediction]
    """By `id(example)`, of all that the teacher was asked about."""
    share: float
    """Of the teacher's answers in the loss, 0 to 1."""
    temperature: float
    alone: frozenset[int] = frozenset()
    """`id(example)` of those whose target is the teacher's: of their loss its answers are all."""


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
    """What was chosen: options of the engine and the family, as the card declares them, and of the task."""
    device: str
    """Torch device name, such as `cpu` or `cuda:0`."""
    precision: str
    """fp32, bf16 or fp16."""
    exact: bool = False
    """Whether fp32 was asked for by name, rather than left over: nothing is rounded further then (to TF32)."""
    folder: Path
    """The run's own folder."""
    source: str = ""
    """Name of what is learnt, where the run learns several things; empty where it is the only one."""
    weight: float = 1.0
    """Of its mean loss in the sum, where there are several."""
    sources: tuple[TrainingRun, ...] = ()
    """Where several things are learnt: each as a run of its own, while `train` and `eval` are the rows of all."""
    rows_of_all: tuple[Example, ...] = ()
    """What all sources train on, of one of several: what they share, such as a vocabulary, is made from these."""
    mixing: MixingOptions = USUAL_MIXING
    """How several are mixed."""
    clients: tuple[TrainingRun, ...] = ()
    """Those that keep their data, each as a run of its own, while `train` and `eval` are the rows of all."""
    federation: FederationOptions | None = None
    """How they learn one model."""
    units: Mapping[int, str] = field(default_factory=dict)
    """Whose each row to train on is, by `Example.row`, where a private training protects each of them with all rows;
    empty where it protects rows."""
    exchange: Exchange | None = None
    """Where clients that are elsewhere are met, of the server that averages what they learn."""
    membership: SiteMembership | None = None
    """Of a client that learns with others elsewhere: it is the only one in `clients`."""
    teaching: Teaching | None = None
    """What a teacher says of the rows; the engine learns from it whatever the objective is."""
    rank: int = 0
    world_size: int = 1
    shard: bool = False
    """Whether the network is divided among the processes, rather than whole in each."""
    dry_run: bool = False
    """Stop once the plan is known."""
    emit: Callable[[AnyEvent], None]
    """Append a fact to the run's log; from any rank but 0 it does nothing."""
    should_stop: Callable[[], bool]
    """Whether someone asked the run to stop; cheap enough for every step."""

    set_aside: Callable[[Sequence[tuple[Example, str]]], None] = _nothing
    """Quarantine examples that turned out unusable, each with the reason; raises DatasetInvalid where they are too
    many."""

    @property
    def is_private(self) -> bool:
        """Whether the rows are protected: nothing but gradients may carry what they say into the result."""
        return is_private(self.options)

    @property
    def is_federated(self) -> bool:
        """Whether clients learn one model, here or elsewhere."""
        return bool(self.clients) or self.exchange is not None

    @property
    def rows_elsewhere(self) -> bool:
        """Whether it learns with rows that are not here: its network must not depend on those that are."""
        return self.exchange is not None or self.membership is not None

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

    def note(self, message: str) -> None:
        """Note for the person what was chosen or found; nothing is wrong."""
        self.emit(Noted(message=message))

    def warn(self, message: str) -> None:
        """Warn the person; the run goes on."""
        self.emit(Warned(message=message))

    def report_plan(self, *, steps: int, epochs: float, batch_size: int, parameters: int = 0, lr: float = 0.0) -> None:
        """Report what will be done, before the first step; what a loop has no such thing of is 0.

        Args:
            steps: optimizer steps.
            epochs: passes over the training data.
            batch_size: examples of a step.
            parameters: numbers that are learnt.
            lr: peak learning rate.
        """
        self.emit(
            RunPlanned(
                steps=steps,
                epochs=epochs,
                batch_size=batch_size,
                micro_batch_size=batch_size,
                parameters=parameters,
                trainable_parameters=parameters,
                lr=lr,
            )
        )

    def report_step(
        self,
        step: int,
        *,
        steps: int,
        epoch: float,
        loss: float,
        lr: float = 0.0,
        grad_norm: float = 0.0,
        samples_per_s: float = 0.0,
    ) -> None:
        """Report that a step is done; a loop of thousands of steps a second need not report each.

        Args:
            step: 1-based.
            steps: of the whole run.
            epoch: passes over the training data so far, fractional.
            loss: mean over the examples since the last report, in nats.
            lr: learning rate of this step.
            grad_norm: L2 norm of the gradient.
            samples_per_s: examples a second, since the last report.
        """
        self.emit(
            StepCompleted(
                step=step,
                steps=steps,
                epoch=epoch,
                loss=loss,
                lr=lr,
                grad_norm=grad_norm,
                samples_per_s=samples_per_s,
            )
        )

    def report_evaluation(self, step: int, metrics: dict[str, float], *, best: bool = False) -> None:
        """Report how the model does on `eval` after a step, and whether it never did better."""
        self.emit(EvaluationCompleted(step=step, metrics=metrics, rows=len(self.eval), best=best))

    @contextlib.contextmanager
    def checkpoint(self, step: int) -> Iterator[Path]:
        """Give an empty folder to write a checkpoint into; it counts once the block has ended, and the others go.

        What is in it must be enough to go on from this step as if nothing had happened.
        """
        partial = self.checkpoints_folder / f".partial-{step}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with checkpoints.removed_on_error(partial):
            yield partial
            size_bytes = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
            checkpoints.publish(self.checkpoints_folder, partial, step)
        self.emit(CheckpointSaved(step=step, size_bytes=size_bytes))

    def newest_checkpoint(self) -> tuple[int, Path] | None:
        """Step and folder of the checkpoint to go on from; None at a fresh start."""
        step = checkpoints.newest_step(self.checkpoints_folder)
        return None if step is None else (step, checkpoints.checkpoint_folder(self.checkpoints_folder, step))


@dataclass(frozen=True, kw_only=True)
class PredictionRun:
    """A model to be loaded for predicting, as its plugin sees it."""

    card: Card
    task: Task
    """What the predictions are to answer: the task of the card's predict ability."""
    weights: Path
    """Folder that holds every file the card's weights name, digests checked."""
    options: Any
    """What was chosen for predicting: options as the card declares them, and those of the task."""
    device: str
    """Torch device name, such as `cpu` or `cuda:0`."""
    precision: str
    """fp32, bf16, fp16 or int8."""
    note: Callable[[str], None] = _log
    """Note for the person what was chosen or found while answering; nothing is wrong."""

    @property
    def cache_folder(self) -> Path:
        """For what can be made again and serves other runs, too; may vanish between two runs."""
        return plugin_cache_folder(self.card.plugin)
