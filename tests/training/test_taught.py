"""Learning from a teacher, on a network small enough to train in milliseconds."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file
from torch import nn

from tests.training.toy import LABELS, Toy, examples, make_run
from tests.training.weights import assert_identical
from zoo.answers import Answer, Classification, Quantity, Rejected, Score
from zoo.errors import PluginBroken, Unsupported
from zoo.runs.context import FitResult, Teaching
from zoo.runs.events import AnyEvent, EvaluationCompleted, StepCompleted
from zoo.training import Batch, Output
from zoo.training.engine import train
from zoo.training.head import SEVERAL_LABELS, HeadConfig
from zoo.training.objective import LESSONS
from zoo.training.objectives import Classification as ClassificationObjective
from zoo.training.objectives import LabelSets, PooledObjective, Regression


def objective_of(kind: type[PooledObjective], head_config: HeadConfig) -> Any:
    """What compares logits with lessons; it needs to know its head alone."""
    objective = kind.__new__(kind)
    objective.head_config = head_config
    return objective


class Pupil(Toy):
    """A toy that says its logits, and weighs examples as one whose losses are means over items."""

    weighs = False

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        output = super().losses(module, batch)
        logits = module(batch["numbers"]).float()
        weights = batch["numbers"][:, 0].abs() if self.weighs else None
        return dataclasses.replace(output, logits=logits, weights=weights)

    def lesson(self, answer: Answer, features: Any) -> Any:
        return objective_of(ClassificationObjective, HeadConfig(labels=LABELS)).lesson(answer, features)

    def taught_losses(self, logits: torch.Tensor, lessons: Batch, temperature: float) -> torch.Tensor:
        objective = objective_of(ClassificationObjective, HeadConfig(labels=LABELS))
        losses: torch.Tensor = objective.taught_losses(logits, lessons, temperature)
        return losses


def answer(probability: float) -> Classification:
    """Of `plus`, the second label; the most probable comes first."""
    scores = (Score("plus", probability), Score("minus", 1 - probability))
    return Classification(tuple(sorted(scores, key=lambda score: -score.probability)))


def fit(
    folder: Path,
    *,
    share: float = 0.5,
    temperature: float = 2.0,
    pupil: Pupil | None = None,
    probability: float | None = None,
    **options: Any,
) -> tuple[FitResult, list[AnyEvent]]:
    """Train on a teacher that is a little more or less sure of each row, or as sure of all as is said."""
    run, events = make_run(folder, **options)
    answers = {id(one): answer(probability or 0.05 + 0.9 * i / 63) for i, one in enumerate(run.train)}
    teaching = Teaching(answers=answers, share=share, temperature=temperature)
    return train(
        pupil or Pupil(dropout=options.get("dropout", 0.1)), dataclasses.replace(run, teaching=teaching)
    ), events


def weights_in(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


@pytest.mark.parametrize("method", ["full", "head", "lora"])
@pytest.mark.parametrize("stop_after", [3, 8])
def test_resume_equals_never_having_stopped(tmp_path: Path, method: str, stop_after: int) -> None:
    options: dict[str, Any] = {"epochs": 3, "method": method, "lr": 0.02, "batch_size": 8}
    fit(tmp_path / "whole", **options)
    first, _ = fit(tmp_path / "parts", stop_after=stop_after, **options)
    second, _ = fit(tmp_path / "parts", **options)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert_identical(weights_in(tmp_path / "whole"), weights_in(tmp_path / "parts"))


def test_accumulation_gives_the_same_weights_where_examples_weigh(tmp_path: Path) -> None:
    results = []
    for micro_batch_size in (8, 3):
        pupil = Pupil(dropout=0)
        pupil.weighs = True
        options = {"max_steps": 6, "batch_size": 8, "micro_batch_size": micro_batch_size}
        fit(tmp_path / str(micro_batch_size), pupil=pupil, **options)
        results.append(weights_in(tmp_path / str(micro_batch_size)))
    for name, tensor in results[0].items():
        torch.testing.assert_close(results[1][name], tensor, rtol=1e-4, atol=1e-6)


def test_the_first_step_is_told_the_loss_of_both(tmp_path: Path) -> None:
    """(1 - share) * cross entropy + share * T^2 * KL(teacher || model), of softened probabilities."""
    _, events = fit(tmp_path, share=0.3, temperature=4.0, pupil=Pupil(dropout=0), max_steps=1, batch_size=64)
    rows = examples(64)
    toy = Toy(dropout=0)
    logits = toy.module(torch.tensor([[float(x) for x in row.input.split()] for row in rows])).detach()
    hard = nn.functional.cross_entropy(logits, torch.tensor([LABELS.index(row.target) for row in rows]))
    plus = torch.tensor([0.05 + 0.9 * i / 63 for i in range(64)])
    teacher = torch.stack([1 - plus, plus], 1).pow(1 / 4)
    teacher /= teacher.sum(1, keepdim=True)
    soft = (teacher * (teacher.log() - (logits / 4).log_softmax(1))).sum(1).mean() * 16
    (step,) = [event for event in events if isinstance(event, StepCompleted)]
    assert step.loss == pytest.approx(float(0.7 * hard + 0.3 * soft), rel=1e-4)


@pytest.mark.parametrize("method", ["full", "head"])
def test_rows_without_a_target_of_their_own_are_told_the_loss_of_the_teacher(tmp_path: Path, method: str) -> None:
    losses = []
    for alone, target in ((0, "plus"), (20, "plus"), (20, "minus")):
        run, events = make_run(tmp_path / f"{alone}{target}", max_steps=1, batch_size=64, method=method)
        rows = [replace(one, target=target) if place < 20 else one for place, one in enumerate(run.train)]
        teaching = Teaching(
            answers={id(one): answer(0.05 + 0.9 * place / 63) for place, one in enumerate(rows)},
            share=0.3,
            temperature=4.0,
            alone=frozenset(map(id, rows[:alone])),
        )
        run = dataclasses.replace(run, train=tuple(rows), teaching=teaching)
        train(Pupil(dropout=0), run)
        losses += [event.loss for event in events if isinstance(event, StepCompleted)]
    assert losses[1] == pytest.approx(losses[2], rel=1e-6)
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


def test_a_teacher_alone_is_followed_against_the_data_and_evaluations_see_the_data(tmp_path: Path) -> None:
    result, events = fit(tmp_path, share=1.0, probability=0.999, epochs=40, lr=0.05)
    evaluated = [event.metrics for event in events if isinstance(event, EvaluationCompleted)]
    always_plus = sum(row.target == "plus" for row in examples(32, seed=1)) / 32
    assert evaluated[-1]["accuracy"] == always_plus
    assert result.metrics["accuracy"] >= always_plus


def test_rows_that_the_teacher_cannot_answer_are_set_aside(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, max_steps=2)
    aside: list[tuple[Any, str]] = []
    answers: dict[int, Any] = {id(one): answer(0.5) for one in run.train}
    answers[id(run.train[3])] = Rejected("it is broken")
    teaching = Teaching(answers=answers, share=0.5, temperature=2.0)
    train(Pupil(), dataclasses.replace(run, teaching=teaching, set_aside=aside.extend))
    assert aside == [(run.train[3], "the teacher has no answer: it is broken")]


def test_an_objective_without_logits_is_named(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, max_steps=2)
    teaching = Teaching(answers={id(one): answer(0.5) for one in run.train}, share=0.5, temperature=2.0)
    with pytest.raises(Unsupported, match="no logits"):
        train(Toy(), dataclasses.replace(run, teaching=teaching))

    class Mute(Toy):
        def lesson(self, answer: Answer, features: Any) -> list[float]:
            return [0.0]

    with pytest.raises(PluginBroken, match=r"Mute\.losses\(\) gives no logits"):
        train(Mute(), dataclasses.replace(run, teaching=teaching))


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_what_agrees_with_its_teacher_has_nothing_to_learn(temperature: float) -> None:
    answers = {
        ClassificationObjective: Classification((Score("b", 0.7), Score("a", 0.2), Score("c", 0.1))),
        LabelSets: Classification((Score("b", 0.9), Score("a", 0.6), Score("c", 0.01))),
        Regression: Quantity(value=7.0),
    }
    heads = {
        ClassificationObjective: HeadConfig(labels=("a", "b", "c")),
        LabelSets: HeadConfig(problem_type=SEVERAL_LABELS, labels=("a", "b", "c")),
        Regression: HeadConfig(mean=5.0, std=4.0),
    }
    agreeing = {
        ClassificationObjective: torch.tensor([[0.2, 0.7, 0.1]]).log() + 3,
        LabelSets: torch.tensor([[0.6, 0.9, 0.01]]).logit(),
        Regression: torch.tensor([0.5]),
    }
    for kind, said in answers.items():
        objective = objective_of(kind, heads[kind])
        lessons = {LESSONS: torch.tensor([objective.lesson(said, None)])}
        logits = agreeing[kind].clone().requires_grad_()
        losses = objective.taught_losses(logits, lessons, temperature)
        losses.sum().backward()
        assert losses.shape == (1,)
        assert losses.item() == pytest.approx(0, abs=1e-5)
        assert logits.grad is not None
        assert logits.grad.abs().max().item() < 1e-5
        assert objective.taught_losses(agreeing[kind] * 2 + 1, lessons, temperature).item() > 1e-3


def test_a_sure_teacher_has_finite_lessons_and_must_know_all_labels() -> None:
    objective = objective_of(ClassificationObjective, HeadConfig(labels=("minus", "plus")))
    assert all(map(math.isfinite, objective.lesson(answer(1.0), None)))
    with pytest.raises(Unsupported, match="does not say how probable 'minus' is"):
        objective.lesson(Classification((Score("plus", 1.0),)), None)
