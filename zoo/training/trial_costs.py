"""What a training takes beside its steps: evaluations, a body that is asked once, what is written; nothing of it stays.

Each is done on a part of the data, or once, as the training itself does it.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch

from zoo import memory
from zoo.disk import free_bytes
from zoo.portions import Portions
from zoo.runs.events import RunPlanned
from zoo.runs.trial_figures import TrialFigures
from zoo.training import arithmetic, checkpoint
from zoo.training.checkpoint import Progress
from zoo.training.device_memory import limit_of_machine, of_machines, peak_bytes
from zoo.training.evaluation import evaluate
from zoo.training.examples import Examples
from zoo.training.exporting import export
from zoo.training.frozen import reduce
from zoo.training.parallel import gather_objects, in_any_rank
from zoo.training.plan import Demand, Plan, make_plan
from zoo.training.recovery import Recovery
from zoo.training.setup import TrainingSetup
from zoo.training.sharding import local
from zoo.training.trial import try_out
from zoo.training.trial_samples import LONG_S, SomeExamples, seconds_for_all

ROOM = 2
"""Times the size of what is written that has to be free, or it is not written and its size is worked out."""


class _KeptBytes(NamedTuple):
    """Of what is kept while it trains."""

    best: int
    """The weights of the best evaluation."""
    checkpoint: int
    """The weights, and what the optimizer knows of them."""


class _MemoryBytes(NamedTuple):
    """The most that was taken at once."""

    device: int
    """Of one device, evaluations included."""
    worker: int
    """Of the memory of the machine."""
    worker_limit: int
    """What they have of it, and what is free."""


class _Written(NamedTuple):
    """What it takes to write the best weights and the result."""

    best_s: float
    result_bytes: int
    writing_bytes: int
    result_s: float


def measured(
    setup: TrainingSetup, planned: RunPlanned, train_sets: Sequence[Examples], eval_sets: Sequence[Examples]
) -> RunPlanned:
    """The plan of a training with what its parts take here: of one process, and where the network is whole in each.

    The networks are no longer of use afterwards.

    Args:
        setup: of the training.
        planned: what is known without.
        train_sets: of each source.
        eval_sets: likewise.
    """
    body_s = 0.0
    if setup.method.body_is_frozen and setup.run.world_size == 1:
        body_s, train_sets, eval_sets = _asked_once(setup, train_sets, eval_sets)
    before = memory.peak_bytes()
    with arithmetic.convolutions(setup.accelerator.device, setup.method.module, train_sets, setup.plan.steps):
        trial = try_out(setup, train_sets)
    after_steps = memory.peak_bytes()
    evaluation_s = sum(_evaluation_s(setup, number, examples) for number, examples in enumerate(eval_sets))
    kept = _kept_bytes(setup, trial.steps.optimizer)
    with_evaluations = peak_bytes(setup.accelerator.device)
    written = _written(setup, trial.steps.optimizer, kept.best)
    loading = memory.resident_bytes() + written.result_bytes  # the result is looked at when it is written
    taken = _memory(setup, max(before, after_steps, memory.peak_bytes(), loading), with_evaluations)
    figures = TrialFigures(
        first_step_s=trial.times.first_s,
        step_s=trial.times.step_s,
        epoch_steps=setup.plan.steps_per_epoch,
        measured_steps=trial.times.taken,
        shapes_s=trial.times.shapes_s,
        body_s=body_s,
        evaluation_s=evaluation_s,
        save_steps=setup.options.save_steps,
        worker_bytes=taken.worker,
        worker_limit_bytes=taken.worker_limit,
    )
    return msgspec.structs.replace(
        planned,
        samples_per_s=trial.samples_per_s,
        micro_batch_size=trial.micro_batch_size,
        memory_bytes=max(trial.memory_bytes, taken.device),
        memory_limit_bytes=trial.limit_bytes,
        trial=_with_folds(
            _with_writing(figures, setup, kept, written, has_evaluations=any(map(len, eval_sets))), setup, train_sets
        ),
    )


def _kept_bytes(setup: TrainingSetup, optimizer: torch.optim.Optimizer) -> _KeptBytes:
    """Of all processes where each has a part of the network."""
    best = sum(local(tensor).nbytes for tensor in checkpoint.trainable(setup.method.module).values())
    states = optimizer.state.values()
    moments = sum(local(one).nbytes for state in states for one in state.values() if isinstance(one, torch.Tensor))
    if setup.is_sharded:
        best, moments = (sum(gather_objects(one, setup.accelerator)) for one in (best, moments))
    return _KeptBytes(best, best + moments)


def _memory(setup: TrainingSetup, worker_bytes: int, device_bytes: int) -> _MemoryBytes:
    """Of all processes of a machine; of several machines, of the one that needs most, and of the one that has least.

    Args:
        setup: of the training.
        worker_bytes: the most that this process had of the memory of the machine.
        device_bytes: likewise of that of its device.
    """
    of_workers, of_devices = zip(*gather_objects((worker_bytes, device_bytes), setup.accelerator), strict=True)
    shared = setup.accelerator.device.type == "cpu"
    device = max(of_machines(of_devices) if shared else of_devices)
    return _MemoryBytes(device, max(of_machines(of_workers)), limit_of_machine(setup.accelerator))


def _with_writing(
    figures: TrialFigures, setup: TrainingSetup, kept: _KeptBytes, written: _Written, *, has_evaluations: bool
) -> TrialFigures:
    """The same with what evaluations, checkpoints and the result write."""
    plan = setup.plan
    figures = msgspec.structs.replace(
        figures,
        checkpoint_bytes=kept.checkpoint,
        checkpoint_s=written.best_s * kept.checkpoint / kept.best if kept.best else 0.0,
        result_bytes=written.result_bytes,
        writing_bytes=written.writing_bytes,
        result_s=written.result_s,
    )
    if not has_evaluations:
        return figures
    return msgspec.structs.replace(figures, evaluations=_evaluations(plan), best_bytes=kept.best, best_s=written.best_s)


def _with_folds(figures: TrialFigures, setup: TrainingSetup, train_sets: Sequence[Examples]) -> TrialFigures:
    """The same with the steps of a training without the rows of one fold, where there are folds."""
    count = getattr(setup.options, "folds", 0)
    if not count:
        return figures
    rows = max(1, round(len(train_sets[0]) * (count - 1) / count))
    demand = Demand(rows, setup.sources[0].objective)
    plan = make_plan(setup.options, [demand], lr=setup.plan.lr, world_size=setup.run.world_size)
    evaluations = _evaluations(plan) if figures.evaluations else 0
    return msgspec.structs.replace(figures, fold_steps=plan.steps, fold_evaluations=evaluations)


def _evaluations(plan: Plan) -> int:
    return math.ceil(plan.steps / plan.eval_steps)


def _is_long(setup: TrainingSetup, seconds: float) -> bool:
    return in_any_rank(seconds > LONG_S, setup.accelerator)


def _asked_once(
    setup: TrainingSetup, train_sets: Sequence[Examples], eval_sets: Sequence[Examples]
) -> tuple[float, list[Examples], list[Examples]]:
    """What it takes to ask a frozen body about all rows, and data sets of what it says of some, again and again."""
    seconds, reduced = 0.0, []
    for number, sets in enumerate(zip(train_sets, eval_sets, strict=True)):
        of_source: list[Examples] = []
        for examples in sets:
            taken_s, repeated = _reduced(setup, number, examples)
            seconds += taken_s
            of_source.append(repeated)
        reduced.append(of_source)
    return seconds, [train_set for train_set, _ in reduced], [eval_set for _, eval_set in reduced]


def _reduced(setup: TrainingSetup, number: int, examples: Examples) -> tuple[float, Examples]:
    """Of one data set: none, and the set itself, where its body is asked in every step."""
    objective = setup.sources[number].objective
    size = objective.evaluation_batch_size
    said: list[Examples] = []

    def ask(some: Examples) -> None:
        said.append(reduce(objective, some, setup.accelerator, setup.run.should_stop, Portions(size)))

    seconds = seconds_for_all(ask, examples, size, lambda one: _is_long(setup, one))
    if not said or isinstance(said[-1], SomeExamples):
        return 0.0, examples
    return seconds, SomeExamples(said[-1], [i % len(said[-1]) for i in range(len(examples))])


def _evaluation_s(setup: TrainingSetup, number: int, examples: Examples) -> float:
    """One evaluation of a source."""
    source = setup.sources[number]
    size = source.objective.evaluation_batch_size

    def judge(some: Examples) -> None:
        evaluate(setup, source, some, Portions(size))

    return seconds_for_all(judge, examples, size * setup.run.world_size, lambda one: _is_long(setup, one))


def _written(setup: TrainingSetup, optimizer: torch.optim.Optimizer, best_bytes: int) -> _Written:
    """The best weights and the result, written once into a folder that is removed; worked out where that cannot be."""
    run = setup.run
    whole = sum(parameter.numel() * 4 for parameter in setup.learner.module.parameters())
    if run.rank or run.world_size > 1 or free_bytes(run.folder) < ROOM * (whole + best_bytes):
        return _Written(0.0, whole, whole, 0.0)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=run.folder) as name:
        folder = Path(name)
        apart = dataclasses.replace(setup, run=dataclasses.replace(run, folder=folder, emit=lambda event: None))
        recovery, began = Recovery(apart, optimizer), time.perf_counter()
        recovery.save_best(1)
        saved = time.perf_counter()
        export(apart, recovery, Progress())
        ended = time.perf_counter()
        files = [path.stat() for path in apart.run.model_folder.rglob("*") if path.is_file()]
    sizes = {(file.st_dev, file.st_ino): file.st_size for file in files}
    writing = sum(file.st_size for file in files) + (max(sizes.values()) if len(setup.sources) > 1 else 0)
    return _Written(saved - began, sum(sizes.values()), writing, ended - saved)
