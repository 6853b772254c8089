"""Causal language modelling: packed texts learn as they would alone, nothing is lost, a run resumes to the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_causal_body import POSITIONS, TinyBody
from tests.training.weights import assert_identical, final_weights
from zoo.ability_options import option_set
from zoo.card import Ability, Card, TextInput
from zoo.data.example import Example
from zoo.errors import DatasetInvalid
from zoo.options import parse
from zoo.runs.context import PredictionRun, TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, StepCompleted, Warned, WrittenSample
from zoo.tasks import get_task
from zoo.text_options import CausalFinetuneOptions, CausalPredictOptions
from zoo.training.objective import Pieces
from zoo.training.objectives.causal_lm import CausalLanguageModelling
from zoo.training.text.generator import TextGenerator

TASK = get_task("text-generation")
ABILITIES = (
    Ability(verb="finetune", task=TASK.name, options=CausalFinetuneOptions),
    Ability(verb="predict", task=TASK.name, options=CausalPredictOptions),
)
CARD = Card(
    name="tiny",
    task=TASK.name,
    family="tiny",
    summary="It writes.",
    abilities=ABILITIES,
    input=TextInput(max_tokens=POSITIONS),
)
SOUNDS = {"cat": "meow", "dog": "woof", "cow": "moo"}
ANSWERS = tuple(
    Example(f"{animal} {number}?", sound, row)
    for row, (number, (animal, sound)) in enumerate(
        ((number, pair) for number in range(6) for pair in SOUNDS.items()), start=1
    )
)


def make_run(
    folder: Path,
    train: tuple[Example, ...] = ANSWERS,
    held_out: tuple[Example, ...] = ANSWERS[:6],
    stop_after: int | None = None,
    **options: Any,
) -> tuple[TrainingRun, list[AnyEvent]]:
    events: list[AnyEvent] = []
    looks = iter(range(1, 10**9))
    run = TrainingRun(
        card=CARD,
        task=TASK,
        weights=None,
        train=train,
        eval=held_out,
        labels=(),
        options=parse(option_set(ABILITIES[0]), {"seed": 3, "max_steps": 24, "eval_steps": 8} | options),
        device="cpu",
        precision="fp32",
        folder=folder,
        emit=events.append,
        should_stop=lambda: stop_after is not None and next(looks) >= stop_after,
    )
    return run, events


def objective_of(run: TrainingRun, *, chat: bool = False) -> CausalLanguageModelling:
    torch.manual_seed(run.options.seed)
    return CausalLanguageModelling(run, TinyBody(run, chat=chat))


def losses(objective: CausalLanguageModelling, features: list[Any]) -> torch.Tensor:
    objective.module.eval()
    with torch.no_grad():
        output = objective.losses(objective.module, objective.collate(features, [0] * len(features), training=False))
    assert output.weights is not None
    assert output.weights.tolist() == [feature.learnt_tokens for feature in features]
    return output.losses


def test_texts_learn_in_one_row_as_they_do_alone(tmp_path: Path) -> None:
    examples = (
        Example("a text", None, 1),
        Example("Who?", "me", 2),
        Example("some longer text of many words", None, 3),
    )
    run, _ = make_run(tmp_path, examples)
    objective = objective_of(run)
    features = list(objective.features(examples))
    batch = objective.collate(features, [0, 0, 0], training=True)

    assert len(batch["input_ids"]) < len(examples)
    torch.testing.assert_close(losses(objective, features), torch.cat([losses(objective, [one]) for one in features]))


def test_the_loss_is_that_of_the_learnt_tokens(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path)
    objective = objective_of(run)
    (text,) = objective.features(ANSWERS[:1])
    batch = objective.collate([text], [0], training=False)
    scores = objective.body.logits(objective.body.module.eval(), batch)[0].log_softmax(-1)
    expected = [-scores[place - 1, token] for place, token in enumerate(text.ids) if text.learnt[place]]

    assert len(expected) == len("meow") + 1
    torch.testing.assert_close(losses(objective, [text])[0], torch.stack(expected).mean())


def test_long_texts_are_divided_and_judged_in_windows_and_answers_are_cut(tmp_path: Path) -> None:
    long = Example("word " * 60, None, 1)
    cut = Example("x" * 60, "y" * 100, 2)
    run, events = make_run(tmp_path, (long, cut), (Example("other " * 60, None, 1),))
    objective = objective_of(run)
    pieces, short = objective.features(run.train)
    (windows,) = objective.features(run.eval)

    assert isinstance(pieces, Pieces)
    assert sum(one.learnt_tokens for one in pieces.features) == 60 * 5  # all bytes but the first, and the end
    assert len(short.ids) == POSITIONS
    assert short.learnt_tokens == POSITIONS - 60
    assert isinstance(windows, Pieces)
    assert sum(one.learnt_tokens for one in windows.features) == 60 * 6
    assert all(one.learnt.index(True) >= POSITIONS // 2 - 1 for one in windows.features[1:-1])
    notes = [event.message for event in events if isinstance(event, Noted)]
    assert "tokens: 1 of 2 texts longer than 96 tokens, divided there; the longest has 301" in notes
    assert any("judged in windows of that, each 48 after the one before" in note for note in notes)
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "1 of 2 rows is cut at 96 tokens; the longest has 301"
    ]


@pytest.mark.parametrize(
    ("example", "chat", "message"),
    [
        (Example("Who?", "", 7), False, "row 7 of the training data: its completion is empty"),
        (Example("x" * 200, "me", 8), False, "row 8 of the training data: its prompt alone has 200 tokens, and 96 are"),
        (Example([{"role": "user", "content": "hi"}], None, 9), True, "row 9 .*: no word of it is the assistant's"),
    ],
)
def test_a_row_that_teaches_nothing_refuses_the_run(example: Example, chat: bool, message: str, tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, (*ANSWERS[:2], example))
    with pytest.raises(DatasetInvalid, match=message):
        objective_of(run, chat=chat).features(run.train)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_stopped_training_goes_on_to_the_same_weights(method: str, tmp_path: Path) -> None:
    options = {"method": method, "lr": 5e-3, "batch_size": 8, "micro_batch_size": 3}
    whole, _ = make_run(tmp_path / "whole", **options)
    expected = objective_of(whole).fit(whole)
    stopped, _ = make_run(tmp_path / "parts", stop_after=12, **options)
    first = objective_of(stopped).fit(stopped)
    resumed, _ = make_run(tmp_path / "parts", **options)
    second = objective_of(resumed).fit(resumed)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert second.metrics == expected.metrics
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


@pytest.mark.slow
def test_it_learns_and_the_result_is_judged_as_the_run_was(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, max_steps=120, batch_size=18, eval_steps=60)
    result = objective_of(run).fit(run)
    predicting = PredictionRun(
        card=CARD,
        task=TASK,
        weights=run.model_folder,
        options=parse(option_set(ABILITIES[1]), {}),
        device="cpu",
        precision="fp32",
    )
    generator = TextGenerator(predicting, TinyBody(predicting))
    scored = generator.judged([one.input for one in run.eval], [one.target for one in run.eval])
    tokens = sum(one.tokens for one in scored)

    samples = [event.sample for event in events if isinstance(event, EvaluationCompleted)]
    assert [sample.prompt for sample in samples if sample] == [ANSWERS[0].input] * len(samples)
    assert samples[-1] == WrittenSample(ANSWERS[0].input, str(ANSWERS[0].target))
    steps = [event.loss for event in events if isinstance(event, StepCompleted)]
    assert steps[-1] < steps[0] / 10
    assert {event.rows for event in events if isinstance(event, EvaluationCompleted)} == {len(run.eval)}
    assert sum(one.loss * one.tokens for one in scored) / tokens == pytest.approx(result.metrics["loss"], rel=1e-4)
    assert math.exp(result.metrics["loss"]) == pytest.approx(result.metrics["perplexity"])
    assert [one.text for one in generator.predict([one.input for one in run.eval])] == [one.target for one in run.eval]
