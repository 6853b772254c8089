"""The unit of training: a loss over a data source, on a module."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch
from torch import nn

from zoo.answers import Answer, Rejected
from zoo.blocks import Report
from zoo.data.example import Example
from zoo.errors import PluginBroken, Unsupported
from zoo.metrics import Metrics
from zoo.training.activation_checkpointing import repeated_layers

if TYPE_CHECKING:
    from zoo.runs.context import FitResult, TrainingRun
    from zoo.runs.events import WrittenSample

Features = TypeVar("Features")
Batch = dict[str, torch.Tensor]
LESSONS = "lessons"
"""Entry of the lessons of a batch: what the teacher says of each example."""


@dataclass(frozen=True)
class Output:
    """What an objective says about one batch."""

    losses: torch.Tensor
    """Shape (batch,), float32, one loss per example, in nats. The engine reduces it: class weights, accumulation,
    uneven last batches and several processes all come out right because of that."""
    for_metrics: dict[str, torch.Tensor]
    """What the `update` of the metrics takes, by the name of the argument, each of shape (batch, ...), detached."""
    weights: torch.Tensor | None = None
    """Shape (batch,), detached: how many items each loss is the mean of, such as the tokens of a text. The step's loss
    is then the mean over all items of all its micro-batches and processes, rather than over examples."""
    logits: torch.Tensor | None = None
    """Float32, with their gradient: what the head says, for the objectives that can learn from a teacher; see
    `Objective.taught_losses`."""


@dataclass(frozen=True)
class Pieces(Generic[Features]):
    """What stands for an example that is too long for one."""

    features: tuple[Features, ...]
    """Each counts as an example of its own."""


class Objective(ABC, Generic[Features]):
    """A loss on a module, over examples turned into features.

    The engine calls, in this order: `features` once per data set, `begin`, `collate` and `losses` for every batch,
    `update_metrics` in evaluations, `export` at the end. Everything random in `collate` is drawn from the seeds it is
    given, so that a resumed run and a run on several processes see the same draws.
    """

    module: nn.Module
    """What is trained, in float32 on the CPU; the engine moves it."""

    default_lr: float = 5e-5
    """Peak learning rate of the full method where none is asked for."""

    head_lr: float = 1e-3
    """Peak learning rate of the methods that leave the body frozen."""

    auto_steps: int = 160
    """Optimizer steps below which a small data set gets more epochs, where their number is left to the engine."""

    min_epochs: int = 3
    """Epochs over a data set that is large enough, where their number is left to the engine."""

    batch_size: int | None = None
    """Examples per optimizer step where none is asked for; None goes by the number of rows."""

    micro_batch_size: int = 64
    """Most examples computed at once where none is asked for."""

    evaluation_batch_size: int = 64
    """Most examples that one process judges at once, or asks a frozen body about."""

    writes_to_be_judged: bool = False
    """Whether `losses` without gradients goes through the network as often as the examples want it, as what writes
    does. Processes that divide a network bring all of it together for that."""

    collate_threads: int = 0
    """Threads that make batches ahead of the model; 0 makes each when it is needed. With any, `collate` is called from
    several threads at once."""

    head: tuple[str, ...] = ()
    """Names of the submodules that make up the head: all that the method `head` trains."""

    lora_targets: tuple[str, ...] = ()
    """Names of the linear layers that LoRA adapts (peft's `target_modules`); empty where LoRA is not offered."""

    layout: tuple[tuple[str, str], ...] = ()
    """How names of the module's tensors begin, and how the ecosystem has them begin; LoRA's adapter is written so."""

    task: str = ""
    """The task the result answers; empty for the task of the run."""

    made_from_rows: bool = False
    """Whether more than its weights is made from the rows to train on: letters, how numbers spread, a first prompt.
    Sites that keep their rows cannot agree on it."""

    @abstractmethod
    def features(self, examples: Sequence[Example]) -> Sequence[Features | Pieces[Features] | Rejected]:
        """Turn examples into what batches are made of, once: same length, same order.

        An example that turns out unusable becomes `Rejected(reason)` in its place; the engine sets it aside. One that
        is too long becomes `Pieces`.
        """

    def length(self, features: Features) -> int:
        """How much computing one example costs, in arbitrary units; batches group examples of like length."""
        return 1

    def group(self, features: Features) -> int | None:
        """Index of the class of one example, for class weights; None where there are no classes."""
        return None

    def begin(self) -> None:
        """Called once, when all features are made and nothing has been computed.

        The last chance to change `module`, in place, for example to leave out what none of the features needs. The
        method has frozen by now what is not trained: whatever takes the place of a frozen parameter is frozen, too,
        and the submodules named in `head` stay.
        """

    @abstractmethod
    def collate(self, features: Sequence[Features], seeds: Sequence[int], *, training: bool) -> Batch:
        """Make a batch, on the CPU.

        Args:
            features: of the examples of the batch.
            seeds: one per example, for whatever is random about it (masking, augmentation). It depends on the run's
                seed, the epoch and the example alone; in an evaluation it is the same each time.
            training: False in an evaluation, which sees examples as they are.

        Returns:
            Tensors of shape (batch, ...).
        """

    def layers(self) -> Sequence[nn.Module]:
        """The parts of `module` that follow one another, those of the body and those of the head: activation
        checkpointing computes each again, and processes that divide the module bring one after the other together.

        Worth overriding where a layer cannot be computed again, as its second pass is not the first one: where it notes
        something down elsewhere than in buffers.
        """
        return repeated_layers(self.module)

    def reduced(self, module: nn.Module, batch: Batch) -> Batch | None:
        """What a frozen body makes of a batch: all that `losses` needs where only the head is trained.

        Worth overriding where `collate` makes the same of an example in every epoch; `losses` then has to take what
        this returns, too.

        Args:
            module: `self.module`, as in an evaluation.
            batch: as made by `collate`, on the device.

        Returns:
            Tensors of shape (batch, ...), each row of one example alone; where their sizes differ from batch to batch,
            zeros fill up the ends of the smaller ones. None where there is no such thing.
        """
        return None

    @abstractmethod
    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Compute one loss per example.

        Args:
            module: `self.module`, perhaps wrapped; call this one.
            batch: as made by `collate`, on the device.
        """

    def lesson(self, answer: Answer, features: Features) -> Any:
        """What a teacher's answer says of an example, as `collate_lessons` takes it.

        Args:
            answer: of a teacher of the task, asked with `Task.taught_options`.
            features: of the example.

        Raises:
            Unsupported: the answer does not say enough, or there is nothing here that could be learnt from a teacher.
        """
        raise Unsupported(
            "this model has no logits of its task that a teacher's answers could be compared with",
            "leave --teacher out, or choose another task",
        )

    def collate_lessons(
        self, lessons: Sequence[Any], features: Sequence[Features], seeds: Sequence[int], batch: Batch
    ) -> Batch:
        """Make the lessons of a batch, on the CPU; where they are as many numbers for each example, this does.

        Args:
            lessons: of the examples.
            features: of the examples, as the next.
            seeds: that `collate` was given.
            batch: that it made.

        Returns:
            Tensors of shape (batch, ...).
        """
        return {LESSONS: torch.tensor(lessons)}

    def reduced_lessons(self, lessons: Batch) -> Batch:
        """The lessons of a batch that a frozen body has reduced."""
        return lessons

    def taught_losses(self, logits: torch.Tensor, lessons: Batch, temperature: float) -> torch.Tensor:
        """How far each example is from what its teacher says, shape (batch,), in the place of its own loss.

        The gradient is to be of the same size at every temperature: a soft loss is multiplied by its square (Hinton et
        al. 2015, section 2).

        Args:
            logits: of the output of `losses`.
            lessons: of the examples, as `collate_lessons` makes them, on the device.
            temperature: divides the scores of both.

        Raises:
            Unsupported: as above.
        """
        raise Unsupported("this model cannot learn from a teacher", "leave --teacher out")

    @abstractmethod
    def metrics(self) -> Metrics:
        """A fresh accumulator for one evaluation."""

    def update_metrics(self, metrics: Any, output: Output, count: int) -> None:
        """Account for the first `count` examples of a batch (the rest fill up the batch of another process).

        Calls `metrics.update` once per example, with the values of `output.for_metrics` as arguments of that name.
        """
        columns = [values[:count].tolist() for values in output.for_metrics.values()]
        for row in zip(*columns, strict=True):
            metrics.update(**dict(zip(output.for_metrics, row, strict=True)))

    def shown_answers(self, batch: Batch, output: Output, count: int) -> Sequence[Answer]:
        """What the model says of the first `count` examples of an evaluation's batch, as `zoo predict` would say it.

        Asked for the few pictures that a run shows after each evaluation, where answers of the task are drawn on them.

        Args:
            batch: as made by `collate`, on the device.
            output: of `losses`.
            count: examples that count.

        Returns:
            One for each, in order; none at all where the objective does not say it.
        """
        return ()

    def sample(self) -> WrittenSample | None:
        """What the module writes by itself as it stands, from the same prompt each time; None where it writes no texts.

        Asked for after each evaluation, in the first process only; where processes divide the module (`--shard`), in
        all of them, which have to compute the same.
        """
        return None

    def preview(self, example: Example) -> Report:
        """How an example is learnt, in blocks; nothing where there is nothing to be seen that the data do not show."""
        return ()

    def conclude(self, metrics: dict[str, float], trained: Callable[[str], nn.Module]) -> None:
        """Called once, when the weights of the result are settled, before they are written.

        Args:
            metrics: of the evaluation that chose them; empty where there was none.
            trained: gives a submodule of `module` as it was trained, by its name there; LoRA trains a copy of the head.
        """

    @abstractmethod
    def export(self, module: nn.Module, folder: Path) -> None:
        """Write the result in the ecosystem's own format, so that it works without zoo.

        Args:
            module: the trained module, unwrapped, LoRA merged, on the CPU in float32.
            folder: exists and is empty.
        """

    @property
    def trains_privately(self) -> bool:
        """Whether the engine trains it, which knows how to."""
        return type(self).fit is Objective.fit

    def fit(self, run: TrainingRun) -> FitResult:
        """Train it with the engine."""
        if run.exchange is not None:
            from zoo.training.federated.serving import serve_sites

            return serve_sites(self, run)
        if run.membership is not None:
            from zoo.training.federated.joining import train_member

            return train_member(self, run)
        if run.clients:
            from zoo.training.federated import train_clients

            return train_clients(self, run)
        from zoo.training.engine import train

        return train(self, run)


def output_of(objective: Objective[Any], module: nn.Module, batch: Batch, count: int) -> Output:
    """What an objective says about a batch of so many examples.

    Raises:
        PluginBroken: its losses or weights are not one for each example.
    """
    output = objective.losses(module, batch)
    for name, values in (("losses", output.losses), ("weights", output.weights)):
        if values is not None and values.shape != (count,):
            raise PluginBroken(
                f"{type(objective).__name__}.losses() gave {name} of shape {tuple(values.shape)} "
                f"for a batch of {count} examples",
                'it gives one for each, shape (batch,): reduction="none"',
            )
    return output
