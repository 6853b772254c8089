"""How a private training is done: its defaults, its noise, and what it has spent after a step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from torch import nn

from zoo.errors import StoreInvalid
from zoo.hyperparameters import TrainingOptions
from zoo.plurals import counted
from zoo.privacy import Privacy, delta_of, unit_column
from zoo.runs.checkpoints import newest_step
from zoo.runs.context import TrainingRun
from zoo.runs.events import PrivacyPlanned, RunPlanned
from zoo.training.examples import EncodedExamples
from zoo.training.plan import Demand, Plan, make_plan
from zoo.training.private.accounting import History, epsilon_of, noise_multiplier_for
from zoo.training.private.secret import Secret, secret_of
from zoo.training.source import Source

Units = Sequence[Sequence[int]]
"""Indices of the features of each unit that is protected."""

LARGEST_BATCH, SHARE = 1024, 10
"""Examples of a step where nothing is said: this share of the rows, at most so many. Large batches lose least to noise
(Li et al. 2022, arXiv:2110.05679, section 3.1)."""
FASTER = 10.0
"""By what the learning rate of the full method is multiplied; likewise, where large ones do best."""
COUNTED = 40
"""How often in a run it is counted what was spent."""
GRADIENT_BYTES = 512_000_000
"""Most memory for the gradients of the examples of a micro-batch."""


def with_batch_size(options: TrainingOptions, units: int) -> TrainingOptions:
    """The options with a batch of a private training, where none is asked for."""
    if options.batch_size is not None:
        return options
    size = max(options.micro_batch_size or 1, min(LARGEST_BATCH, units // SHARE))
    return msgspec.structs.replace(options, batch_size=size)


@dataclass
class Private:
    """A private training, once it is planned."""

    privacy: Privacy
    delta: float
    units: Units
    sample_rate: float
    """Probability that a unit is in a step."""
    noise_multiplier: float
    """Standard deviation of the noise, in norms of a clipped gradient."""
    secret: Secret
    steps: int
    """Of the whole run."""
    unit_column: str = ""
    """What says whose a row is; empty where each row is a unit."""
    together: bool | None = None
    """Whether several units are computed at once; None until it is tried."""
    at_once: int = 1
    """Units that are to be computed at once, if memory suffices."""
    by_layers: int = 0
    """Units that are computed at once without a gradient of each, layer by layer; 0 where each has its gradient."""
    _unit_of: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._unit_of = {index: number for number, unit in enumerate(self.units) for index in unit}

    @property
    def expected_units(self) -> float:
        """Of a step; what the sum of their gradients is divided by, as how many there are is nobody's business."""
        return self.sample_rate * len(self.units)

    @property
    def planned(self) -> PrivacyPlanned:
        """As the log of the run has it."""
        return PrivacyPlanned(
            epsilon=self.privacy.epsilon,
            delta=self.delta,
            clip=self.privacy.clip,
            noise_multiplier=self.noise_multiplier,
            sample_rate=self.sample_rate,
            unit=self.unit_column,
            units=len(self.units),
        )

    def history(self, step: int) -> History:
        """What the accountant knows after a step."""
        return ((self.noise_multiplier, self.sample_rate, step),)

    def spent(self, step: int) -> float:
        """Epsilon after a step; before the last one, that of a step which is a little further on.

        To count takes a tenth of a second, and may be asked for twice a second. What cannot be counted is all of the
        budget, which the noise keeps to.
        """
        stride = -(-self.steps // COUNTED)
        spent = epsilon_of(self.history(min(self.steps, -(-step // stride) * stride)), self.delta)
        return spent if math.isfinite(spent) else self.privacy.epsilon

    def go_on(self, spent: History) -> None:
        """Take over what a checkpoint says was spent: the noise stays as it was, whatever would be chosen today.

        Raises:
            StoreInvalid: it was spent with other rows.
        """
        ((noise_multiplier, sample_rate, _),) = spent
        if sample_rate != self.sample_rate:
            raise StoreInvalid(
                f"the checkpoint has spent its privacy with a sample rate of {sample_rate:.4g}, which is "
                f"{self.sample_rate:.4g} now",
                "start a new run",
            )
        self.noise_multiplier = noise_multiplier

    def each_unit(self, indices: Iterable[int]) -> Iterator[list[int]]:
        """The features of each unit in turn, of those in order."""
        unit: list[int] = []
        for index in indices:
            if unit and self._unit_of[unit[0]] != self._unit_of[index]:
                yield unit
                unit = []
            unit.append(index)
        if unit:
            yield unit


def tell_noise(run: TrainingRun, planned: RunPlanned, private: Private) -> None:
    """Say the plan again where a run goes on with the noise that it began with, and another would be chosen today.

    Args:
        run: is told.
        planned: what it was told.
        private: once the checkpoint is read.
    """
    if private.planned != planned.privacy:
        run.emit(msgspec.structs.replace(planned, privacy=private.planned))


def plan_privately(
    privacy: Privacy, source: Source, examples: EncodedExamples, module: nn.Module, *, lr: float
) -> tuple[Plan, Private]:
    """Plan the steps of a private training, and find the noise with which all of them stay within the budget.

    Args:
        privacy: that is asked for.
        source: what is learnt.
        examples: to train on.
        module: that is trained.
        lr: peak learning rate where none is asked for.

    Raises:
        OptionInvalid: no noise is large enough, or delta is no small probability for so many rows.
        StoreInvalid: the run goes on, and its secret is lost.
    """
    run, units, column = source.run, units_of(examples, source.run.units), unit_column(source.run.options)
    if remark := "" if column else repeated_inputs(examples, units):
        run.note(remark)
    delta = delta_of(privacy, len(units))
    plan = _plan_units(source, units, lr=lr)
    at_once = plan.sources[0].micro_batch_size
    if len(units) == len(examples):
        plan = with_room_for_gradients(plan, run.options, trained_bytes(module))
    sample_rate = plan.sources[0].batch_size / len(units)
    noise = noise_multiplier_for(privacy.epsilon, delta, sample_rate=sample_rate, steps=plan.steps)
    folder = run.checkpoints_folder
    secret = Secret.fresh() if run.dry_run else secret_of(folder, begun=newest_step(folder) is not None)
    return plan, Private(privacy, delta, units, sample_rate, noise, secret, plan.steps, column, None, at_once)


def _plan_units(source: Source, units: Units, *, lr: float) -> Plan:
    """The steps, whose batches are of units, and how many examples are computed at once.

    A unit of several examples has one gradient: as many of these go into it as are asked for, or as the objective
    computes at once, however few units are in a batch.
    """
    options, objective = source.run.options, source.objective
    divided = any(len(unit) > 1 for unit in units)
    if divided:
        options = msgspec.structs.replace(options, micro_batch_size=None)
    options = with_batch_size(options, len(units))
    plan = make_plan(options, [Demand(len(units), objective)], lr=lr, world_size=1)
    if divided:
        size = source.run.options.micro_batch_size or objective.micro_batch_size
        return replace(plan, sources=(replace(plan.sources[0], micro_batch_size=size),))
    return plan


def units_of(examples: EncodedExamples, whose: Mapping[int, str] = {}) -> Units:
    """Each row with the pieces that it was divided into, and with the other rows of the same person.

    Args:
        examples: to train on.
        whose: each row is, by its number; empty where each is a unit.
    """
    by_unit: dict[int | str, list[int]] = {}
    for index, example in enumerate(examples.examples):
        by_unit.setdefault(whose[example.row] if whose else id(example), []).append(index)
    return list(by_unit.values())


def repeated_inputs(examples: EncodedExamples, units: Units) -> str:
    """That texts stand in several rows, as if one person had written them; empty where none do."""
    counts = Counter(text for text in (examples.examples[unit[0]].input for unit in units) if isinstance(text, str))
    rows = sum(count for count in counts.values() if count > 1)
    if not rows:
        return ""
    return (
        f"{counted(rows, 'row')} have an input that stands in others, too: each row is protected as one alone, "
        "and what several share is protected less"
    )


def with_room_for_gradients(plan: Plan, options: TrainingOptions, trainable_bytes: int) -> Plan:
    """A plan whose micro-batches leave room for a gradient of each example, where none are asked for."""
    if options.micro_batch_size is not None:
        return plan
    (source,) = plan.sources
    most = room_for(trainable_bytes)
    return replace(plan, sources=(replace(source, micro_batch_size=min(source.micro_batch_size, most)),))


def trained_bytes(module: nn.Module) -> int:
    """Of the gradient of an example."""
    return sum(parameter.nbytes for parameter in module.parameters() if parameter.requires_grad)


def room_for(example_bytes: int) -> int:
    """How many examples are computed at once that take so much each."""
    return max(1, GRADIENT_BYTES // max(1, example_bytes))
