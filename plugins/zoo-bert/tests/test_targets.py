"""Sets of labels and numbers as targets: losses, results and answers agree with transformers, whatever the method."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from zoo_bert.config import head_of, read_config

from zoo import DatasetInvalid, Example, LabelSet, PredictionRun, Quantity, TrainingRun
from zoo.runs.events import Noted, Warned
from zoo.tasks import get_task
from zoo.testing import PluginHooks

plugin = PluginHooks("bert")

SEVERAL, NUMBER = "text-multi-label-classification", "text-regression"
LABELS = ("broken", "late", "rude")
SETS = [tuple(label for k, label in enumerate(LABELS) if row >> k & 1) for row in range(8)] * 6
TEXTS = [f"number {row}: {' and '.join(labels) or 'nothing'} it is" for row, labels in enumerate(SETS)]
ROWS = {
    SEVERAL: tuple(Example(text, labels, row) for row, (text, labels) in enumerate(zip(TEXTS, SETS, strict=True), 1)),
    NUMBER: tuple(
        Example(text, 250.0 + 40.0 * len(labels), row)
        for row, (text, labels) in enumerate(zip(TEXTS, SETS, strict=True), 1)
    ),
}
MakeTask = Callable[..., TrainingRun]


@pytest.fixture
def make_task(make_run) -> MakeTask:
    """A run for one of the tasks, of few rows."""

    def make(task: str, **arguments: Any) -> TrainingRun:
        rows = arguments.pop("rows", ROWS[task])
        run = make_run(labels=LABELS if task == SEVERAL else (), train=rows[:40], eval=rows[40:], **arguments)
        return dataclasses.replace(run, task=get_task(task))

    return make


@pytest.mark.parametrize("task", [SEVERAL, NUMBER])
def test_losses_are_one_per_example_and_those_of_transformers(task: str, make_task, tmp_path: Path) -> None:
    run = make_task(task)
    objective = plugin.finetune(run)
    objective.module.eval()
    batch = objective.collate(objective.features(run.train[:4]), [0] * 4, training=True)
    with torch.no_grad():
        losses = objective.losses(objective.module, batch).losses
        objective.conclude({}, objective.module.get_submodule)
        objective.export(objective.module, tmp_path)
        theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path)
        std = objective.head_config.std
        labels = batch["labels"][:, 1:].sum(-1) if task == NUMBER else batch["labels"]
        loss = theirs(**batch | {"labels": labels}).loss / std**2
    assert (4,) == losses.shape
    assert torch.float32 == losses.dtype
    torch.testing.assert_close(losses.mean(), loss, rtol=1e-4, atol=0)


def test_numbers_are_counted_in_training_as_the_data_have_them(make_task) -> None:
    numbers = [3.0, 3e9, 0.1, 1e-30, -1e30, 1700000000.5]
    rows = tuple(Example(text, number, row) for row, (text, number) in enumerate(zip(TEXTS, numbers, strict=False), 1))
    run = make_task(NUMBER, rows=rows)
    objective = plugin.finetune(run)
    objective.module.eval()
    batch = objective.collate(objective.features(rows), [0] * len(rows), training=False)
    with torch.no_grad():
        output = objective.losses(objective.module, batch)
        answers = objective.answers(objective.outputs(objective.module, batch), objective.head_config, None)
    in_training, judge = objective.metrics(), run.task.new_judge(())
    objective.update_metrics(in_training, output, len(rows))
    for example, answer in zip(rows, answers, strict=True):
        judge.add(example.target, answer)
    assert judge.report() == in_training.report()
    assert judge.compute() == {name: value for name, value in in_training.compute().items() if name != "loss"}


def test_numbers_far_from_zero_are_answered_as_they_were_learnt(make_task, make_prediction, tmp_path: Path) -> None:
    """A step of float32 is 6 times their spread; the output layer has a bias of 0.7 spreads."""
    rows = tuple(Example(text, 1_000_000.03 + 0.01 * (row % 3), row) for row, text in enumerate(TEXTS[:12], 1))
    events: list[Any] = []
    run = make_task(NUMBER, rows=rows, emit=events.append)
    objective = plugin.finetune(run)
    layer = objective.module.head.classifier
    with torch.no_grad():
        layer.bias.fill_(0.7)
        batch = objective.collate(objective.features(rows), [0] * len(rows), training=False)
        objective.module.eval()
        expected = objective.answers(objective.outputs(objective.module, batch), objective.head_config, None)
    objective.conclude({}, objective.module.get_submodule)
    objective.export(objective.module, tmp_path)
    answers = plugin.predict(make_prediction(tmp_path, NUMBER)).predict([row.input for row in rows])
    goes_on = plugin.finetune(dataclasses.replace(run, weights=tmp_path))

    std = objective.head_config.std
    assert [answer.value for answer in answers] == pytest.approx([one.value for one in expected], rel=0, abs=1e-5 * std)
    assert goes_on.module.head.classifier.bias.item() == pytest.approx(0.7, abs=1e-6)
    (message,) = {event.message for event in events if isinstance(event, Warned)}
    assert message.startswith("the numbers lie around 1000000 with a spread of 0.008164966, of which a step of float32")
    assert "is 765% there (0.0625)" in message


def check_chosen_threshold(run: PredictionRun, texts: list[str], answers: list[LabelSet]) -> None:
    """The labels that reach it are given, whatever threshold the training found."""
    for answer, chosen in zip(answers, plugin.predict(run).predict(texts), strict=True):
        assert chosen.labels == tuple(score.label for score in answer.scores if score.probability >= 0.125)
        assert (chosen.threshold, chosen.scores) == (0.125, answer.scores[:1])


# peft asks transformers by a name that transformers is about to drop.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("method", ["full", "head", "lora"])
@pytest.mark.parametrize("task", [SEVERAL, NUMBER])
def test_zoo_and_transformers_agree_about_results(task: str, method: str, make_task, make_prediction) -> None:
    run = make_task(task, options={"method": method, "epochs": 6.0, "batch_size": 8, "lr": 2e-3, "max_tokens": 32})
    result = plugin.finetune(run).fit(run)
    texts = [example.input for example in run.eval]
    answers = plugin.predict(make_prediction(run.model_folder, task)).predict(texts)
    if task == SEVERAL:
        check_chosen_threshold(make_prediction(run.model_folder, task, threshold=0.125, top_k=1), texts, answers)

    model = AutoModelForSequenceClassification.from_pretrained(run.model_folder).eval()
    inputs = AutoTokenizer.from_pretrained(run.model_folder)(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits
    judge = run.task.new_judge(run.labels)
    for example, answer, row in zip(run.eval, answers, logits, strict=True):
        judge.add(example.target, answer)
        if isinstance(answer, Quantity):
            assert row.tolist() == pytest.approx([answer.value], abs=0.01)
        else:
            assert isinstance(answer, LabelSet)
            probabilities = dict(zip(LABELS, row.sigmoid().tolist(), strict=True))
            assert {score.label: score.probability for score in answer.scores} == pytest.approx(probabilities, abs=1e-5)
            assert set(answer.labels) == {one for one in LABELS if probabilities[one] >= model.config.threshold}
    figures = judge.compute()
    assert {name: figures[name] for name in figures} == pytest.approx(
        {name: value for name, value in result.metrics.items() if name != "loss"}, abs=2e-3
    )
    if task == NUMBER:
        assert ("regression", 1) == (model.config.problem_type, model.config.num_labels)
        assert model.config.target_mean == pytest.approx(sum(e.target for e in run.train) / 40)
    else:
        assert "multi_label_classification" == model.config.problem_type
        assert dict(enumerate(LABELS)) == model.config.id2label
        assert result.metrics["threshold"] == model.config.threshold
    if method == "lora":
        adapter = load_file(run.model_folder / "adapter" / "adapter_model.safetensors")
        heads = [tensor for name, tensor in adapter.items() if name.endswith("classifier.weight")]
        assert [True] == [torch.equal(head, model.classifier.weight) for head in heads]


@pytest.mark.slow
@pytest.mark.parametrize("task", [SEVERAL, NUMBER])
def test_resume_equals_never_having_stopped(task: str, make_task, tmp_path: Path) -> None:
    options = {"epochs": 3.0, "batch_size": 8, "max_tokens": 32}
    whole = make_task(task, folder=tmp_path / "whole", options=options)
    expected = plugin.finetune(whole).fit(whole)
    looks = iter(range(1, 10**6))
    stopped = dataclasses.replace(
        make_task(task, folder=tmp_path / "parts", options=options), should_stop=lambda: next(looks) > 9
    )
    assert plugin.finetune(stopped).fit(stopped).cancelled
    resumed = dataclasses.replace(stopped, should_stop=lambda: False)

    assert expected.metrics == plugin.finetune(resumed).fit(resumed).metrics
    for name in ("model.safetensors", "config.json"):
        assert (whole.model_folder / name).read_bytes() == (resumed.model_folder / name).read_bytes()


def test_a_head_is_trained_further_where_it_stands_for_the_same(make_task, classifier: Path, tmp_path: Path) -> None:
    messages: list[str] = []

    def emit(event: object) -> None:
        if isinstance(event, Noted) and "head" in event.message:
            messages.append(event.message)

    first = plugin.finetune(make_task(NUMBER))
    first.conclude({}, first.module.get_submodule)
    first.export(first.module, tmp_path)
    other_unit = tuple(Example(e.input, e.target / 1000, e.row) for e in ROWS[NUMBER])
    again = plugin.finetune(make_task(NUMBER, weights=tmp_path, rows=other_unit, emit=emit))
    bias = again.module.head.classifier.bias.item() * again.head_config.std + again.head_config.mean
    assert bias == pytest.approx(first.module.head.classifier.bias.item(), rel=1e-4)
    assert messages == []

    plugin.finetune(make_task(NUMBER, weights=classifier, emit=emit))
    plugin.finetune(make_task(SEVERAL, weights=classifier, emit=emit))
    plugin.finetune(make_task(SEVERAL, weights=tmp_path, emit=emit))
    assert messages == [
        "the head is new: a number, the weights had 3 labels",
        "the head is new: sets of 3 labels, the weights had 3 labels",
        "the head is new: sets of 3 labels, the weights had a number",
    ]


def test_numbers_that_are_all_the_same_are_refused(make_task) -> None:
    same = tuple(Example(example.input, 7.0, example.row) for example in ROWS[NUMBER])
    with pytest.raises(DatasetInvalid, match="every row to train on has the same number, 7"):
        plugin.finetune(make_task(NUMBER, rows=same))


def test_numbers_are_standardised_by_those_trained_on(make_task, tmp_path: Path) -> None:
    run = make_task(NUMBER)
    objective = plugin.finetune(run)
    targets = [objective.target(example)[0] for example in run.train]
    assert sum(targets) == pytest.approx(0, abs=1e-9)
    assert math.fsum(target**2 for target in targets) / len(targets) == pytest.approx(1)
    objective.export(objective.module, tmp_path)
    assert head_of(read_config(tmp_path)) == objective.head_config


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_low_precision_costs_little_where_numbers_are_far_from_zero(precision: str, make_task, make_prediction) -> None:
    run = make_task(NUMBER, rows=tuple(Example(e.input, e.target + 1e6, e.row) for e in ROWS[NUMBER]))
    objective = plugin.finetune(run)
    run.model_folder.mkdir()
    objective.conclude({}, objective.module.get_submodule)
    objective.export(objective.module.eval(), run.model_folder)
    exact, rough = (
        plugin.predict(make_prediction(run.model_folder, NUMBER, precision=one)).predict(TEXTS[:8])
        for one in ("fp32", precision)
    )
    for one, other in zip(exact, rough, strict=True):
        assert isinstance(one, Quantity)
        assert isinstance(other, Quantity)
        assert one.value == pytest.approx(other.value, abs=0.1 * objective.head_config.std)


STARS = """
import zoo

TASK = zoo.Task(
    name="stars", summary="say how many stars a text gives", input=zoo.TEXT, target=zoo.LABEL,
    answer=zoo.Classification, judge="zoo.metrics:ClassificationMetrics", primary_metric="accuracy",
    objective="zoo.training.objectives:Classification", needs=frozenset({"pooled"}),
    example={"text": "fine", "label": "4"}, formats=("CSV",),
)
"""
LEARNS = """
import sys, zoo
run = zoo.finetune("bert-tiny", sys.argv[1], task="stars", max_steps=2, device="cpu", precision="fp32")
name = run.wait(progress=False).name
print(zoo.load(name, device="cpu").task.name, zoo.load(name, device="cpu").predict("it is fine").label)
"""


@pytest.mark.slow
def test_a_task_that_another_distribution_brings_is_learnt_and_answered(tmp_path: Path) -> None:
    site, data = tmp_path / "site", tmp_path / "rows.csv"
    (site / "zoo_stars-1.0.dist-info").mkdir(parents=True)
    (site / "zoo_stars.py").write_text(STARS, encoding="utf-8")
    (site / "zoo_stars-1.0.dist-info" / "METADATA").write_text("Name: zoo-stars\nVersion: 1.0\n", encoding="utf-8")
    (site / "zoo_stars-1.0.dist-info" / "entry_points.txt").write_text(
        "[zoo.tasks]\nstars = zoo_stars\n", encoding="utf-8"
    )
    data.write_text(
        "text,label\n" + "".join(f"it is {word} {i},{word}\n" for i in range(8) for word in ("fine", "bad"))
    )
    done = subprocess.run(
        [sys.executable, "-c", LEARNS, str(data)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONPATH": str(site)},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "stars"
    assert done.stdout.split()[1] in ("fine", "bad")
