"""Boxes learnt on the feature maps of a body: what the engine promises holds, and the result finds what it learnt."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.images.resuming import assert_resumes_to_the_same
from tests.training.images.tiny import LABELS, TASK, Box, TinyBody, drawn, make_prediction, make_run
from zoo.answers import Detections, Rejected
from zoo.blocks import Boxes
from zoo.data.example import Example
from zoo.runs.context import PredictionRun
from zoo.runs.events import EvaluationCompleted, Noted, StepCompleted, decode, encode
from zoo.runs.sample_pictures import SHOWN
from zoo.training.objectives.detection import Detection

pytestmark = pytest.mark.slow


def objective_of(run) -> Detection:
    torch.manual_seed(run.options.seed)
    return Detection(run, TinyBody(run))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, ...]:
    return drawn(tmp_path_factory.mktemp("pictures"), 32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pictures: tuple[Example, ...]) -> Path:
    """A run that has ended, judged on what it learnt from."""
    folder = tmp_path_factory.mktemp("trained")
    run, events = make_run(folder, pictures, pictures, max_steps=120, eval_steps=60)
    objective_of(run).fit(run)
    losses = [event.loss for event in events if isinstance(event, StepCompleted)]
    metrics = [event.metrics for event in events if isinstance(event, EvaluationCompleted)]
    (folder / "told.json").write_text(json.dumps({"losses": losses, "metrics": metrics}))
    best = [event for event in events if isinstance(event, EvaluationCompleted) and event.best][-1]
    (folder / "best.json").write_bytes(encode(best))
    return folder


def test_it_learns(trained: Path) -> None:
    told = json.loads((trained / "told.json").read_text())

    assert told["losses"][-1] < 0.6 * told["losses"][0]
    assert told["metrics"][-1]["ap50"] > 0.6


def answers_of(run: PredictionRun, inputs: list[str]) -> list[Detections]:
    return list(TinyBody(run).predictor(run).predict(inputs))


def test_the_result_does_as_its_run_said(trained: Path, pictures: tuple[Example, ...]) -> None:
    """Boxes come in pixels of the picture; judged as an evaluation does, they give the figures of the training."""
    run = make_prediction(trained / "model", threshold=0.05)
    judge = TASK.new_judge(LABELS)
    for example, answer in zip(pictures, answers_of(run, [one.input for one in pictures]), strict=True):
        assert (answer.width, answer.height) == (96, 72)
        judge.add(example.target, answer)

    best = max(json.loads((trained / "told.json").read_text())["metrics"], key=lambda metrics: metrics["map"])
    for name in ("map", "ap50", "ap75"):
        assert judge.compute()[name] == pytest.approx(best[name], abs=1e-3)


def test_the_pictures_that_a_run_shows_have_the_boxes_that_are_predicted(
    trained: Path, pictures: tuple[Example, ...]
) -> None:
    evaluation = decode((trained / "best.json").read_bytes())
    assert isinstance(evaluation, EvaluationCompleted)
    step = len(pictures) // SHOWN
    shown = [pictures[place].input for place in range(0, SHOWN * step, step)]
    assert shown == [block.image for block in evaluation.pictures if isinstance(block, Boxes)]
    answers = answers_of(make_prediction(trained / "model"), shown)
    for block, answer in zip(evaluation.pictures, answers, strict=True):
        assert isinstance(block, Boxes)
        assert (block.width, block.height, Path(block.image).name) == (96, 72, block.title)
        assert [box.label for box in block.boxes] == [one.label for one in answer.detections]
        for box, one in zip(block.boxes, answer.detections, strict=True):
            assert (box.left, box.bottom) == pytest.approx((one.left, one.bottom), abs=0.1)


def test_threshold_overlap_and_number_are_options(trained: Path, pictures: tuple[Example, ...]) -> None:
    inputs = [one.input for one in pictures[:8]]
    everything = answers_of(make_prediction(trained / "model", threshold=0.05), inputs)
    usual = answers_of(make_prediction(trained / "model"), inputs)
    doubles = answers_of(make_prediction(trained / "model", threshold=0.05, nms=1.0), inputs)
    best = answers_of(make_prediction(trained / "model", threshold=0.05, top_k=1), inputs)

    for answer in everything:
        scores = [one.score for one in answer.detections]
        assert scores == sorted(scores, reverse=True)
        assert all(score > 0.05 for score in scores)
    assert all(one.score > 0.4 for answer in usual for one in answer.detections)
    assert [answer.detections for answer in best] == [answer.detections[:1] for answer in everything]
    total = {name: sum(len(one.detections) for one in some) for name, some in (("all", everything), ("2", doubles))}
    assert total["2"] > total["all"] > sum(len(one.detections) for one in usual) > 0


def test_what_cannot_be_read_is_rejected_in_its_place(trained: Path, pictures: tuple[Example, ...]) -> None:
    inputs = [pictures[0].input, "/nowhere.png", pictures[1].input]
    answers = answers_of(make_prediction(trained / "model"), inputs)

    assert [type(answer) for answer in answers] == [Detections, Rejected, Detections]


@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_resume_equals_never_having_stopped(tmp_path: Path, pictures: tuple[Example, ...], method: str) -> None:
    start = partial(make_run, train=pictures[:12], evaluation=pictures[12:18], max_steps=5, eval_steps=2, method=method)
    assert_resumes_to_the_same(start, objective_of, tmp_path)


def test_micro_batches_make_the_step_of_the_batch(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    """Pictures count by the locations that learn a box, over the whole step. Without batch norms, which see a part."""
    losses, norms = [], []
    for size in (8, 3, 1):
        run, events = make_run(tmp_path / str(size), pictures[:8], max_steps=1, micro_batch_size=size)
        objective = objective_of(run)
        for layer in objective.module.body.stages:
            layer.norm = torch.nn.Identity()
        objective.fit(run)
        (step,) = (event for event in events if isinstance(event, StepCompleted))
        losses.append(step.loss)
        norms.append(step.grad_norm)

    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)
    assert norms == pytest.approx([norms[0]] * 3, rel=1e-4)


def test_what_no_map_comes_from_is_neither_trained_nor_written(trained: Path, pictures: tuple[Example, ...]) -> None:
    names = load_file(trained / "model" / "model.safetensors").keys()

    assert not [name for name in names if "last" in name]
    assert {name.partition(".")[0] for name in names} == {"backbone", "head"}
    assert json.loads((trained / "model" / "config.json").read_text())["image"]["canvas"] == [96, 96]


def test_a_detector_learns_on_and_keeps_its_head_where_it_is_for_the_same(
    tmp_path: Path, trained: Path, pictures: tuple[Example, ...]
) -> None:
    run, events = make_run(tmp_path, pictures[:8], weights=trained / "model", max_steps=1)
    objective = objective_of(run)
    written = load_file(trained / "model" / "model.safetensors")

    before = objective.module.state_for(objective.layout)
    assert {name: before[name].equal(tensor) for name, tensor in written.items()} == dict.fromkeys(written, True)
    objective.fit(run)
    assert not [event for event in events if isinstance(event, Noted)]


def test_other_labels_get_a_new_head_and_a_note(tmp_path: Path, trained: Path, pictures: tuple[Example, ...]) -> None:
    run, events = make_run(tmp_path, pictures[:8], weights=trained / "model", max_steps=1)
    renamed = tuple(
        Example(one.input, tuple(Box(b.left, b.top, b.right, b.bottom, "thing") for b in one.target), one.row)
        for one in pictures[:8]
    )
    run = type(run)(**{**vars(run), "train": renamed, "labels": ("thing",)})
    objective_of(run).fit(run)

    (note,) = (event.message for event in events if isinstance(event, Noted))
    assert note == "the head is new: boxes of 1 label, the weights had boxes of 2 labels"


def test_pretrained_layers_before_the_maps_and_batch_norms_stay(
    tmp_path: Path, trained: Path, pictures: tuple[Example, ...]
) -> None:
    run, _ = make_run(tmp_path, pictures[:8], weights=trained / "model", max_steps=2)
    objective_of(run).fit(run)
    before, after = (load_file(folder / "model" / "model.safetensors") for folder in (trained, tmp_path))
    changed = {name for name in before if not before[name].equal(after[name])}

    assert not [name for name in changed if "norm" in name and "backbone.body" in name]
    assert not [name for name in changed if name.startswith(("backbone.body.stages.0.", "backbone.body.stages.1."))]
    assert "backbone.body.stages.2.conv.weight" in changed


def test_pictures_without_boxes_are_learnt_from(tmp_path: Path, pictures: tuple[Example, ...]) -> None:
    empty = tuple(Example(one.input, (), one.row) for one in pictures[:6])
    run, events = make_run(tmp_path, empty, empty[:2], max_steps=2)
    result = objective_of(run).fit(run)

    assert result.metrics.keys() == {"loss"}
    assert all(event.loss > 0 for event in events if isinstance(event, StepCompleted))
