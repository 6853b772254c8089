"""Masks learnt from a teacher: its grid is laid over the same view of a picture that is learnt from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.images.resuming import assert_resumes_to_the_same
from tests.training.images.tiny import StartedRun
from tests.training.test_segmentation import LABELS, objective_of, pictures, started
from zoo.answers import SegmentedImage
from zoo.data.example import Example
from zoo.errors import Unsupported
from zoo.kinds import MASK
from zoo.kinds.mask_decoding import read_mask
from zoo.runs.context import Teaching
from zoo.runs.events import EvaluationCompleted
from zoo.training.images.segmenting import GRID, probabilities_on_grid
from zoo.training.objective import LESSONS
from zoo.training.objectives.segmentation import PLACES

__all__ = ["pictures"]
pytestmark = pytest.mark.slow


def truth_as_answer(example: Example, labels: tuple[str, ...] = LABELS) -> SegmentedImage:
    """As sure as the data are."""
    mask = read_mask(example.target, labels)
    assert isinstance(mask, np.ndarray)
    sure = torch.nn.functional.one_hot(torch.from_numpy(mask.copy()).long(), len(labels)).movedim(-1, 0).float()
    return SegmentedImage.of_indexes(mask, labels, probabilities_on_grid(sure, labels))


@pytest.mark.parametrize("options", [{}, {"rotate": 25.0, "crop_scale": 0.3}, {"image_size": 64, "flip": False}])
def test_lessons_lie_where_the_pixels_of_their_view_come_from(
    tmp_path: Path, pictures: tuple[Example, ...], options: dict[str, Any]
) -> None:
    run, _ = started(tmp_path, pictures, **options)
    objective = objective_of(run)
    features: list[Any] = list(objective.features(run.train))[:6]
    seeds = list(range(6))
    batch = objective.collate(features, seeds, training=True)
    mixed = (LABELS[2], LABELS[0], LABELS[1])  # known by their names
    answers = [truth_as_answer(example, mixed) for example in pictures[:6]]
    lessons = [objective.lesson(answer, one) for answer, one in zip(answers, features, strict=True)]
    taught = objective.collate_lessons(lessons, features, seeds, batch)

    assert taught[LESSONS].shape == (6, 3, GRID, GRID)
    masks = batch["masks"].long()
    known = masks != 255
    assert torch.equal(taught[PLACES][..., 0] > -2, known)
    agreeing = torch.nn.functional.one_hot(masks * known, 3).movedim(-1, 1).float().clamp(1e-6).log()
    same = objective.taught_losses(agreeing, taught, 1.0)
    other = objective.taught_losses(agreeing.roll(8, dims=3), taught, 1.0)
    assert same.shape == (6,)
    assert (same < 0.35 * other).all()
    silent = SegmentedImage.of_indexes(np.zeros((72, 96), np.uint8), LABELS)
    with pytest.raises(Unsupported, match="does not say how probable each class is"):
        objective.lesson(silent, features[0])


def taught_run(folder: Path, train: tuple[Example, ...], evaluation: tuple[Example, ...], **keys: Any) -> StartedRun:
    run, events = started(folder, train, evaluation, **keys)
    answers = {id(one): truth_as_answer(one) for one in train}
    return StartedRun(dataclasses.replace(run, teaching=Teaching(answers=answers, share=1.0, temperature=2.0)), events)


def test_a_pupil_learns_from_its_teacher_alone_and_resumes_to_the_same(
    tmp_path: Path, pictures: tuple[Example, ...]
) -> None:
    untold = tuple(without_squares(one) for one in pictures)
    run, events = taught_run(tmp_path / "long", untold, pictures, max_steps=40, eval_steps=40)
    run = dataclasses.replace(run, teaching=dataclasses.replace(run.teaching, answers=answers_for(untold, pictures)))
    objective_of(run).fit(run)
    (evaluated,) = [event for event in events if isinstance(event, EvaluationCompleted)]
    assert evaluated.metrics["miou"] > 0.5

    def start(folder: Path, **keys: Any) -> StartedRun:
        return taught_run(folder, pictures[:16], pictures[16:], max_steps=6, **keys)

    assert_resumes_to_the_same(start, objective_of, tmp_path, stop_after=27)


def without_squares(example: Example) -> Example:
    """The same picture, all of it background as the data have it."""
    flat = SegmentedImage.of_indexes(np.zeros((72, 96), np.uint8), LABELS)
    return Example(example.input, MASK.of_answer(flat.as_target()), example.row)


def answers_for(examples: tuple[Example, ...], true: tuple[Example, ...]) -> dict[int, Any]:
    return {id(one): truth_as_answer(other) for one, other in zip(examples, true, strict=True)}
