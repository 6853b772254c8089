"""Judging a network while it is trained, and finding out which of two evaluations is better."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch

from zoo.answers import Answer
from zoo.blocks import Block, Report
from zoo.metrics import Metrics, report_of
from zoo.portions import Portions
from zoo.runs.events import WrittenSample
from zoo.runs.sample_pictures import small_drawing, within_bytes
from zoo.training.batches import EVALUATION, MicroBatch, evaluation_batches, shares
from zoo.training.company import few_of
from zoo.training.examples import Examples
from zoo.training.loader import MicroBatchRequest, collated, collated_once
from zoo.training.objective import Batch, Output
from zoo.training.parallel import gather_objects, sum_over_ranks
from zoo.training.scalars import Arriving, Launched, Reading
from zoo.training.setup import TrainingSetup
from zoo.training.sharding import assembled, gathered, same_buffers
from zoo.training.source import Source


class Evaluation(NamedTuple):
    """What came out."""

    metrics: dict[str, float]
    report: Report
    pictures: Report = ()
    """What the model says of the pictures that are shown."""
    sample: WrittenSample | None = None
    judged: Metrics | None = None
    """What the figures were computed of."""


class _Asked(NamedTuple):
    """A batch that the module was asked about."""

    part: MicroBatch
    output: Output
    figures: Arriving
    """Its figures for the metrics."""
    votes: Reading | None
    """How many processes were told to stop, as of the last part of a batch."""


class _JudgedNetwork:
    """A network that is judged, left as it predicts.

    Args:
        setup: of the training.
        source: whose network it is.
        examples: of the evaluation.
        shown: as for `evaluate`.
    """

    def __init__(self, setup: TrainingSetup, source: Source, examples: Examples, shown: Mapping[int, str]) -> None:
        self._setup, self._objective = setup, source.objective
        self._examples, self._shown = examples, shown
        self._apart = setup.is_sharded and source.objective.writes_to_be_judged
        (setup.method.module if len(setup.sources) == 1 else self._objective.module).eval()
        self._module = setup.network(setup.sources.index(source))
        # What FSDP gathers first without gradients is to be of use with them, too.
        self._gradless = torch.no_grad if setup.is_sharded else torch.inference_mode
        if setup.is_sharded:
            same_buffers(setup.learner.module)

    def ready(self) -> contextlib.AbstractContextManager[None]:
        """Have all of a network that is divided, where each process goes through it in its own way."""
        return assembled(self._setup.learner.module) if self._apart else contextlib.nullcontext()

    def ask(
        self, part: MicroBatch, whole: list[Batch], items: list[tuple[int, bool]]
    ) -> tuple[MicroBatch, Output, Sequence[Answer]]:
        """What the module makes of examples, and its answers to those that are shown.

        Args:
            part: what was collated ahead.
            whole: that, until it is taken.
            items: the examples, each with whether it counts: mostly those of the whole part.
        """
        setup, objective = self._setup, self._objective
        piece = MicroBatch([index for index, _ in items], sum(counts for _, counts in items))

        def asked() -> tuple[Batch, Output]:
            inputs = whole.pop() if whole and piece == part else _collated(setup, self._examples, piece)
            return inputs, self._output(inputs)

        def with_few() -> Output:
            few = few_of(piece.indices, self._examples.lengths)
            return self._output(_collated(setup, self._examples, MicroBatch(few, len(few))))

        inputs, output = asked() if self._apart else setup.passed(asked, with_few)
        is_shown = not self._shown.keys().isdisjoint(piece.indices[: piece.count])
        return piece, output, objective.shown_answers(inputs, output, piece.count) if is_shown else ()

    def _output(self, inputs: Batch) -> Output:
        """What the objective says of a batch."""
        with self._gradless(), self._setup.accelerator.autocast():
            return self._objective.losses(self._module, inputs)

    def sample(self) -> WrittenSample | None:
        """What the module writes by itself; None where it writes no texts, or another process lets it."""
        setup = self._setup
        if not setup.is_sharded and setup.run.rank != 0:
            return None
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._gradless())
            stack.enter_context(setup.accelerator.autocast())
            if setup.is_sharded:
                stack.enter_context(gathered(setup.learner.module))
            return self._objective.sample()


def evaluate(
    setup: TrainingSetup, source: Source, examples: Examples, portions: Portions, shown: Mapping[int, str] = {}
) -> Evaluation | None:
    """Go through the evaluation data of a source; None where a stop was asked for before the end.

    The module is left as it predicts, without dropout and the like.

    Args:
        setup: of the training.
        source: of which the examples are.
        examples: of the evaluation.
        portions: how many of them are judged at once.
        shown: the paths of pictures of which the answers are kept, by their place among the examples.
    """
    objective, accelerator = source.objective, setup.accelerator
    judged = _JudgedNetwork(setup, source, examples, shown)
    metrics = objective.metrics()
    drawings: dict[int, Block] = {}
    parts = _parts(setup, examples, portions.most)
    requests = (MicroBatchRequest(examples, part, EVALUATION) for part in parts)
    launched: Launched[_Asked] = Launched(accelerator.device)

    def stop_requested(batches: Iterable[_Asked]) -> bool:
        """Account for batches that were launched."""
        stop = False
        for part, output, figures, votes in batches:
            objective.update_metrics(metrics, replace(output, for_metrics=figures.tensors()), part.count)
            stop |= votes is not None and votes.values() != [0.0]
        return stop

    with judged.ready(), contextlib.closing(collated(setup, requests)) as batches:
        for part in parts:
            ask = partial(judged.ask, part, [next(batches)[0]])
            items = [(index, i < part.count) for i, index in enumerate(part.indices)]
            pieces: list[_Asked] = []
            for piece, output, answers in portions.each(ask, items):
                drawings |= _drawings(dict(zip(piece.indices, answers, strict=False)), shown)
                pieces.append(_Asked(piece, output, Arriving(output.for_metrics), None))
            votes = Reading(sum_over_ranks([float(setup.run.should_stop())], accelerator))
            launched.add(*pieces[:-1], pieces[-1]._replace(votes=votes))
            if stop_requested(launched.due()):
                return None
    if stop_requested(launched.all()):
        return None
    sample = judged.sample()
    (first, drawings, portions.most), *others = gather_objects((metrics, drawings, portions.most), accelerator)
    for other, other_drawings, most in others:
        first.merge(other)
        drawings |= other_drawings
        portions.most = min(portions.most, most)
    pictures = within_bytes(drawings[i] for i in sorted(drawings))
    return Evaluation(first.compute(), report_of(first), pictures, sample, first)


def _drawings(answers: Mapping[int, Answer], shown: Mapping[int, str]) -> dict[int, Block]:
    """The answers about the pictures that are shown, drawn on them; both by their place among the examples."""
    drawings = {i: small_drawing(answer, shown[i]) for i, answer in answers.items() if i in shown}
    return {i: drawing for i, drawing in drawings.items() if drawing is not None}


def _collated(setup: TrainingSetup, examples: Examples, part: MicroBatch) -> Batch:
    """A batch that was not collated ahead."""
    return collated_once(setup, examples, part, EVALUATION)[0]


def _parts(setup: TrainingSetup, examples: Examples, size: int) -> list[MicroBatch]:
    """What this process computes of the evaluation data."""
    rank, world_size = setup.run.rank, setup.run.world_size
    batches = evaluation_batches(examples.lengths, size * world_size)
    one_each = (shares(batch, size, rank=rank, world_size=world_size) for batch in batches)
    return [part for (part,) in one_each]
