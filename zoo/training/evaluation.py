"""Judging a network while it is trained, and finding out which of two evaluations is better."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import NamedTuple

import torch

from zoo.answers import Answer
from zoo.blocks import Block, Report
from zoo.metrics import report_of
from zoo.runs.events import WrittenSample
from zoo.runs.sample_pictures import small_drawing, within_bytes
from zoo.tasks.task import Task
from zoo.training.batches import EVALUATION, MicroBatch, evaluation_batches, shares
from zoo.training.examples import Examples
from zoo.training.loader import MicroBatchRequest, collated, placed
from zoo.training.parallel import gather_objects, sum_over_ranks
from zoo.training.setup import TrainingSetup


class Evaluation(NamedTuple):
    """What came out."""

    metrics: dict[str, float]
    report: Report
    pictures: Report = ()
    """What the model says of the pictures that are shown."""
    sample: WrittenSample | None = None


def evaluate(setup: TrainingSetup, examples: Examples, shown: Mapping[int, str] = {}) -> Evaluation | None:
    """Go through the evaluation data; None where a stop was asked for before the end.

    The module is left as it predicts, without dropout and the like.

    Args:
        setup: of the training.
        examples: of the evaluation.
        shown: the paths of pictures of which the answers are kept, by their place among the examples.
    """
    module, objective, accelerator = setup.method.module, setup.objective, setup.accelerator
    module.eval()
    metrics = objective.metrics()
    drawings: dict[int, Block] = {}
    parts = _parts(setup, examples)
    requests = (MicroBatchRequest(examples, part, EVALUATION) for part in parts)
    with contextlib.closing(collated(setup, requests)) as batches:
        for part in parts:
            inputs, _ = placed(next(batches), accelerator.device)
            with torch.inference_mode(), accelerator.autocast():
                output = objective.losses(module, inputs)
            objective.update_metrics(metrics, output, part.count)
            if not shown.keys().isdisjoint(part.indices[: part.count]):
                answers = objective.shown_answers(inputs, output, part.count)
                drawings |= _drawings(dict(zip(part.indices, answers, strict=False)), shown)
            (votes,) = sum_over_ranks([float(setup.run.should_stop())], accelerator)
            if votes:
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


def _parts(setup: TrainingSetup, examples: Examples) -> list[MicroBatch]:
    """What this process computes of the evaluation data."""
    rank, world_size = setup.run.rank, setup.run.world_size
    size = setup.objective.evaluation_batch_size
    batches = evaluation_batches(examples.lengths, size * world_size)
    one_each = (shares(batch, size, rank=rank, world_size=world_size) for batch in batches)
    return [part for (part,) in one_each]


def is_better(metrics: dict[str, float], best: dict[str, float], task: Task) -> bool:
    """Whether an evaluation is better than the best so far: by the task's primary metric, then by a smaller loss."""
    return _score(metrics, task) > _score(best, task)


def _score(metrics: dict[str, float], task: Task) -> tuple[float, float]:
    primary = metrics.get(task.primary_metric, -math.inf if task.larger_is_better else math.inf)
    loss = metrics.get("loss", math.inf)
    return (primary if task.larger_is_better else -primary, -loss)
