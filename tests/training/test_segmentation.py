"""Masks learnt on the feature maps of a body: what the engine promises holds, and the result gives what it learnt."""

from __future__ import annotations

import dataclasses
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.images.resuming import assert_resumes_to_the_same
from tests.training.images.tiny import COLOURS, StartedRun, TinyBody, make_prediction, make_run
from zoo.ability_options import option_set
from zoo.answers import ProbabilityTable, Rejected, SegmentedImage
from zoo.blocks import Mask
from zoo.card import Ability
from zoo.data.example import Example
from zoo.image_options import ImageFinetuneOptions
from zoo.kinds import MASK
from zoo.kinds.mask_decoding import read_mask
from zoo.runs.events import EvaluationCompleted, StepCompleted, decode, encode
from zoo.runs.sample_pictures import SHOWN
from zoo.tasks import get_task
from zoo.training.images.mask_losses import mask_losses
from zoo.training.images.segmenting import GRID
from zoo.training.objectives.segmentation import Segmentation

pytestmark = pytest.mark.slow
TASK = get_task("image-segmentation")
OPTIONS = option_set(Ability(verb="finetune", task=TASK.name, options=ImageFinetuneOptions))
LABELS = ("background", "green", "red")
NAMES = {str(number): label for number, label in enumerate(LABELS)}


def with_mask(picture: Path, pixels: np.ndarray[Any, Any], row: int) -> Example:
    path = picture.with_name(f"{picture.stem}-mask.png")
    Image.fromarray(pixels).save(path)
    return Example(str(picture), MASK.renamed(MASK.read(str(path), "mask"), NAMES), row)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, ...]:
    """A green and a red square each."""
    folder, draw = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    examples = []
    for row in range(1, 25):
        pixels = draw.integers(90, 140, (72, 96, 3), dtype=np.uint8)
        mask = np.zeros((72, 96), dtype=np.uint8)
        for label, start in (("green", 0), ("red", 48)):
            side = int(draw.integers(14, 30))
            left, top = start + int(draw.integers(0, 48 - side)), int(draw.integers(0, 72 - side))
            pixels[top : top + side, left : left + side] = COLOURS[label]
            mask[top : top + side, left : left + side] = LABELS.index(label)
        path = folder / f"{row}.png"
        Image.fromarray(pixels).save(path)
        examples.append(with_mask(path, mask, row))
    return tuple(examples)


def started(
    folder: Path,
    train: tuple[Example, ...],
    evaluation: tuple[Example, ...] = (),
    *,
    loss: str = "cross-entropy",
    **keys: Any,
) -> StartedRun:
    run, events = make_run(folder, train, evaluation, **keys)
    options = OPTIONS(**msgspec.structs.asdict(run.options), loss=loss)
    return StartedRun(dataclasses.replace(run, task=TASK, labels=LABELS, options=options), events)


def objective_of(run) -> Segmentation:
    torch.manual_seed(run.options.seed)
    return Segmentation(run, TinyBody(run))


def answers_of(folder: Path, inputs: list[str]) -> list[Any]:
    run = dataclasses.replace(make_prediction(folder), task=TASK)
    return list(Segmentation.predictor(run, TinyBody(run)).predict(inputs))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pictures: tuple[Example, ...]) -> Path:
    """A run that has ended, judged on what it learnt from."""
    folder = tmp_path_factory.mktemp("trained")
    run, events = started(folder, pictures, pictures, max_steps=60, eval_steps=60)
    objective_of(run).fit(run)
    losses = [event.loss for event in events if isinstance(event, StepCompleted)]
    metrics = [event.metrics for event in events if isinstance(event, EvaluationCompleted)]
    last = [event for event in events if isinstance(event, EvaluationCompleted)][-1]
    (folder / "last.json").write_bytes(encode(last))
    (folder / "events.json").write_text(json.dumps({"losses": losses, "metrics": metrics}))
    return folder


def test_it_learns(trained: Path) -> None:
    events = json.loads((trained / "events.json").read_text())

    assert events["losses"][-1] < 0.3 * events["losses"][0]
    assert events["metrics"][-1]["miou"] > 0.8


def test_the_result_answers_in_the_size_of_the_picture_as_well_as_its_run_was_judged(
    trained: Path, pictures: tuple[Example, ...]
) -> None:
    judge = TASK.new_judge(LABELS)
    for example, answer in zip(pictures, answers_of(trained / "model", [one.input for one in pictures]), strict=True):
        assert isinstance(answer, SegmentedImage)
        assert (answer.width, answer.height, answer.labels) == (96, 72, LABELS)
        judge.add(example.target, answer)

    best = json.loads((trained / "events.json").read_text())["metrics"][-1]
    assert judge.compute()["miou"] == pytest.approx(best["miou"], abs=1e-3)


def test_answers_say_what_each_class_is_worth_and_are_masks_to_learn_from(
    trained: Path, pictures: tuple[Example, ...]
) -> None:
    run = dataclasses.replace(make_prediction(trained / "model", probabilities=True), task=TASK)
    inputs = [one.input for one in pictures[:3]]
    answers: list[Any] = list(Segmentation.predictor(run, TinyBody(run)).predict(inputs))
    for answer, plain in zip(answers, answers_of(trained / "model", inputs), strict=True):
        assert plain.probabilities is None
        table = answer.probabilities
        assert isinstance(table, ProbabilityTable)
        assert (table.labels, table.shape, table.fault()) == (LABELS, (GRID, GRID), "")
        assert table.array().sum(-1) == pytest.approx(1, abs=2e-3)
        target = MASK.of_answer(answer.as_target())
        mask = read_mask(target, LABELS, (96, 72))
        shares = {score.label: score.probability for score in answer.shares}
        assert isinstance(mask, np.ndarray)
        assert {LABELS[i]: (mask == i).mean() for i in np.unique(mask)} == pytest.approx(shares)
        best = Image.fromarray(table.array().argmax(-1).astype(np.uint8)).resize((96, 72), Image.Resampling.NEAREST)
        assert (np.asarray(best) == mask).mean() > 0.9


def test_the_pictures_that_a_run_shows_have_the_masks_that_are_predicted(
    trained: Path, pictures: tuple[Example, ...]
) -> None:
    evaluation = decode((trained / "last.json").read_bytes())
    assert isinstance(evaluation, EvaluationCompleted)
    blocks = [block for block in evaluation.pictures if isinstance(block, Mask)]
    step = len(pictures) // SHOWN
    shown = [pictures[place].input for place in range(0, SHOWN * step, step)]
    assert [block.image for block in blocks] == shown
    for block, answer in zip(blocks, answers_of(trained / "model", shown), strict=True):
        assert (block.width, block.height, block.labels) == (96, 72, LABELS)
        same = pixels_of(block.mask) == pixels_of(answer.mask)
        assert same.mean() > 0.99


def pixels_of(png: bytes) -> np.ndarray[Any, Any]:
    return np.array(Image.open(io.BytesIO(png)))


def test_a_picture_of_another_shape_is_answered_in_its_own_size(trained: Path, tmp_path: Path) -> None:
    Image.new("RGB", (31, 130), COLOURS["green"]).save(tmp_path / "tall.png")
    answers = answers_of(trained / "model", [str(tmp_path / "tall.png"), "/nowhere.png"])

    assert (answers[0].width, answers[0].height) == (31, 130)
    assert isinstance(answers[1], Rejected)


@pytest.mark.parametrize("method", ["full", "head"])
def test_resume_equals_never_having_stopped(tmp_path: Path, pictures: tuple[Example, ...], method: str) -> None:
    start = partial(started, train=pictures[:12], evaluation=pictures[12:18], max_steps=5, eval_steps=2, method=method)
    assert_resumes_to_the_same(start, objective_of, tmp_path)


def half_known(pictures: tuple[Example, ...], folder: Path) -> tuple[Example, ...]:
    """The same, of each second one all but a corner unknown."""
    examples = []
    for one in pictures:
        pixels = mask_pixels(one)
        if one.row % 2:
            pixels[10:], pixels[:, 10:] = 255, 255
        path = folder / f"{one.row}.png"
        Image.open(one.input).save(path)
        examples.append(with_mask(path, pixels, one.row))
    return tuple(examples)


def mask_pixels(example: Example) -> np.ndarray[Any, Any]:
    return np.array(Image.open(example.target.path))


@pytest.mark.parametrize("loss", ["cross-entropy", "both"])
def test_micro_batches_make_the_step_of_the_batch(tmp_path: Path, pictures: tuple[Example, ...], loss: str) -> None:
    """A picture weighs as much as it has pixels of a class, over the whole step. Without batch norms."""
    examples = half_known(pictures[:8], tmp_path)
    losses, norms = [], []
    for size in (8, 3, 1):
        run, events = started(tmp_path / str(size), examples, loss=loss, max_steps=1, micro_batch_size=size)
        objective = objective_of(run)
        for layer in objective.module.body.stages:
            layer.norm = torch.nn.Identity()
        objective.fit(run)
        (step,) = (event for event in events if isinstance(event, StepCompleted))
        losses.append(step.loss)
        norms.append(step.grad_norm)

    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)
    assert norms == pytest.approx([norms[0]] * 3, rel=1e-4)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_group_norms_see_the_layout_that_is_fast_on_the_device(
    tmp_path: Path, pictures: tuple[Example, ...], device: str
) -> None:
    """On the CPU channel by channel, where their gradients take a fraction of the time; else channels last."""
    run, _ = started(tmp_path, pictures[:1], max_steps=1)
    objective = objective_of(dataclasses.replace(run, device=device))
    layouts = []
    for layer in objective.module.head.modules():
        if isinstance(layer, torch.nn.GroupNorm):
            layer.register_forward_pre_hook(lambda _, inputs: layouts.append(inputs[0].is_contiguous()))
    objective.module(images=torch.zeros(1, 64, 96, 3, dtype=torch.uint8))

    assert layouts
    assert set(layouts) == {device == "cpu"}


def test_pixels_without_a_class_teach_nothing(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    run, _ = started(tmp_path / "run", pictures[:1], max_steps=1)
    objective = objective_of(run)
    (features,) = objective.features(pictures[:1])
    batch = objective.collate([features], [0], training=False)
    batch["masks"][:, 20:] = 255
    objective.module.eval()
    with torch.inference_mode():
        output = objective.losses(objective.module, batch)
        scores = objective.module(images=batch["images"])[:, :, :20]
        expected = torch.nn.functional.cross_entropy(scores, batch["masks"][:, :20].long())

    assert output.weights.tolist() == [20 * 96]
    assert output.losses.tolist() == pytest.approx([expected.item()])


def plain_dice_loss(scores: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> float:
    """Of one picture, pixel by pixel, without smoothing."""
    probabilities = np.exp(scores) / np.exp(scores).sum(0)
    known = truth != 255
    dice = []
    for index in sorted(set(truth[known].tolist())):
        common = probabilities[index][truth == index].sum()
        dice.append(2 * common / (probabilities[index][known].sum() + (truth == index).sum()))
    return 1 - float(np.mean(dice))


def test_dice_is_that_of_the_formula_and_both_is_the_sum() -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(3, 4, 9, 7))
    truths = draw.choice(np.array([0, 1, 3, 255], dtype=np.uint8), size=(3, 9, 7))
    truths[1] = 2
    truths[1, 0] = 255
    entropy, dice, both = (
        mask_losses(torch.tensor(scores).float(), torch.tensor(truths), loss)
        for loss in ("cross-entropy", "dice", "both")
    )

    assert dice.tolist() == pytest.approx([*map(plain_dice_loss, scores, truths)], abs=1e-5)
    assert both.tolist() == pytest.approx((entropy + dice).tolist())


def test_dice_of_certain_scores_is_none_or_whole() -> None:
    """Where nothing is known, nothing is lost, either."""
    truths = torch.tensor([[[0, 1, 255]], [[0, 0, 0]], [[255, 255, 255]]], dtype=torch.uint8)
    right = torch.where(torch.arange(2)[None, :, None, None] == truths[:, None], 100.0, -100.0).requires_grad_()
    losses = mask_losses(right, truths, "dice")
    losses.sum().backward()

    assert losses.tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    assert mask_losses(-right, truths, "dice").tolist() == pytest.approx([1, 1, 0], abs=1e-4)
    assert right.grad is not None
    assert right.grad.isfinite().all()


def test_the_loss_that_was_asked_for_is_learnt(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    learnt = {}
    for loss in ("cross-entropy", "dice", "both"):
        run, events = started(tmp_path / loss, pictures[:8], loss=loss, max_steps=1, method="head")
        objective_of(run).fit(run)
        (learnt[loss],) = (event.loss for event in events if isinstance(event, StepCompleted))

    assert 0 < learnt["dice"] < 1
    assert learnt["both"] == pytest.approx(learnt["cross-entropy"] + learnt["dice"], rel=1e-4)


def test_a_picture_whose_pixels_have_no_class_is_rejected(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    run, _ = started(tmp_path / "run", pictures[:1], max_steps=1)
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    unknown = with_mask(tmp_path / "a.png", np.full((20, 20), 255, dtype=np.uint8), 1)
    (answer,) = objective_of(run).features([unknown])

    assert answer == Rejected("no pixel of its mask has a class")
