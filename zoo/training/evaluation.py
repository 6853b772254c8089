"""Judging a network while it is trained, and finding out which of two evaluations is better."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from zoo.answers import Answer
from zoo.blocks import Block, Report
from zoo.metrics import report_of
from zoo.runs.events import WrittenSample
from zoo.runs.sample_pictures import small_drawing, within_bytes
from zoo.training.batches import EVALUATION, MicroBatch, evaluation_batches, shares
from zoo.training.examples import Examples
from zoo.training.loader import MicroBatchRequest, collated
from zoo.training.objective import Objective, Output
from zoo.training.parallel import gather_objects, sum_over_ranks
from zoo.training.scalars import Arriving, Reading, steps_late
from zoo.training.setup import TrainingSetup
from zoo.training.source import Source


class Evaluation(NamedTuple):
    """What came out."""

    metrics: dict[str, float]
    report: Report
    pictures: Report = ()
    """What the model says of the pictures that are shown."""
    sample: WrittenSample | None = None


class _Launched(NamedTuple):
    """A batch that the module was asked about."""

    part: MicroBatch
    output: Output
    figures: Arriving
    """Its figures for the metrics."""
    votes: Reading
    """How many processes were told to stop."""


def evaluate(
    setup: TrainingSetup, source: Source, examples: Examples, shown: Mapping[int, str] = {}
) -> Evaluation | None:
    """Go through the evaluation data of a source; None where a stop was asked for before the end.

    The module is left as it predicts, without dropout and the like.

    Args:
        setup: of the training.
        source: of which the examples are.
        examples: of the evaluation.
        shown: the paths of pictures of which the answers are kept, by their place among the examples.
    """
    objective, accelerator = source.objective, setup.accelerator
    module = setup.method.module.eval() if len(setup.sources) == 1 else objective.module.eval()
    metrics = objective.metrics()
    drawings: dict[int, Block] = {}
    parts = _parts(setup, objective, examples)
    requests = (MicroBatchRequest(examples, part, EVALUATION) for part in parts)
    launched: deque[_Launched] = deque()
    late = steps_late(accelerator.device)

    def stop_requested(late: int) -> bool:
        """Account for what was launched, but for the newest `late` batches."""
        stop = False
        while len(launched) > late:
            part, output, figures, votes = launched.popleft()
            objective.update_metrics(metrics, replace(output, for_metrics=figures.tensors()), part.count)
            stop |= votes.values() != [0.0]
        return stop

    with contextlib.closing(collated(setup, requests)) as batches:
        for part in parts:
            inputs, _ = next(batches)
            with torch.inference_mode(), accelerator.autocast():
                output = objective.losses(module, inputs)
            if not shown.keys().isdisjoint(part.indices[: part.count]):
                answers = objective.shown_answers(inputs, output, part.count)
                drawings |= _drawings(dict(zip(part.indices, answers, strict=False)), shown)
            votes = Reading(sum_over_ranks([float(setup.run.should_stop())], accelerator))
            launched.append(_Launched(part, output, Arriving(output.for_metrics), votes))
            if stop_requested(late):
                return None
    if stop_requested(0):
        return None
    sample = None
    if setup.run.rank == 0:
        with torch.inference_mode(), accelerator.autocast():
            sample = objective.sample()
    (first, drawings), *others = gather_objects((metrics, drawings), accelerator)
    for other, other_drawings in others:
        first.merge(other)
        drawings |= other_drawings
    return Evaluation(first.compute(), report_of(first), within_bytes(drawings[i] for i in sorted(drawings)), sample)


def _drawings(answers: Mapping[int, Answer], shown: Mapping[int, str]) -> dict[int, Block]:
    """The answers about the pictures that are shown, drawn on them; both by their place among the examples."""
    drawings = {i: small_drawing(answer, shown[i]) for i, answer in answers.items() if i in shown}
    return {i: drawing for i, drawing in drawings.items() if drawing is not None}


def _parts(setup: TrainingSetup, objective: Objective[Any], examples: Examples) -> list[MicroBatch]:
    """What this process computes of the evaluation data."""
    rank, world_size = setup.run.rank, setup.run.world_size
    size = objective.evaluation_batch_size
    batches = evaluation_batches(examples.lengths, size * world_size)
    one_each = (shares(batch, size, rank=rank, world_size=world_size) for batch in batches)
    return [part for (part,) in one_each]
