"""What a trained model answers."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from zoo.answers import Prediction
from zoo.plugins import load_plugin
from zoo.sanitize import plain
from zoo.tasks import get_task
from zoo.tasks.task import Task
from zoo.testing.samples import Samples
from zoo.testing.subject import DEADLINE_S, StartRun, Subject

TOLERANCE = 1e-4
"""Between the answers to an input alone and among others, as probabilities."""
SAID_OTHERWISE = 1e-3
"""Share of what such answers may say otherwise: of a mask, pixels between two labels that are as probable."""


class Answering(Subject):
    """Predictions of the trained model; of the model as it comes, where it cannot be trained."""

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, card: zoo.Card, request: pytest.FixtureRequest) -> zoo.Model:
        """What answers."""
        cls.need("predict")
        if {"finetune", "pretrain"} <= cls.lacks:
            return zoo.load(card.full_name, device="cpu", precision="fp32")
        name = request.getfixturevalue("trained_run").name
        return zoo.load(f"{cls.plugin}/{name}", device="cpu", precision="fp32")

    @pytest.fixture(scope="class")
    @classmethod
    def task(cls, trained: zoo.Model) -> Task:
        """What it answers."""
        return cls.task_of(trained.card, "predict")

    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, trained: zoo.Model, task: Task, data: Samples) -> list[Prediction]:
        """To the inputs, asked together."""
        return list(trained.predict(data.inputs(task)))

    def test_answers_are_of_the_kind_of_the_task(
        self, answers: list[Prediction], trained: zoo.Model, task: Task
    ) -> None:
        for answer in answers:
            assert type(answer) is task.answer, f"a model for {task.name} answered {answer}"
            assert not isinstance(answer, zoo.Rejected)
            assert all(map(math.isfinite, answer.numbers().values()))
            answer.check_complete(frozenset(trained.labels))

    def test_answers_come_in_the_order_of_the_inputs(
        self, answers: list[Prediction], trained: zoo.Model, task: Task, data: Samples
    ) -> None:
        assert trained.predict([]) == []
        backwards = trained.predict(data.inputs(task)[::-1])
        assert len(answers) == len(data.inputs(task)), "there is one answer for each input"
        assert_same(backwards[::-1], answers)

    def test_an_answer_does_not_depend_on_its_neighbours(
        self, answers: list[Prediction], trained: zoo.Model, task: Task, data: Samples
    ) -> None:
        assert_same([trained.predict([one])[0] for one in data.inputs(task)], answers)

    def test_unusable_inputs_are_rejected_in_their_place(
        self, answers: list[Prediction], trained: zoo.Model, task: Task, data: Samples
    ) -> None:
        unusable, good = data.unusable(task), data.inputs(task)
        mixed = trained.predict([unusable[0], *good, *unusable[1:]])
        assert len(mixed) == len(unusable) + len(good), "there is one answer for each input"

        for value, answer in zip(unusable, [mixed[0], *mixed[1 + len(good) :]], strict=True):
            assert isinstance(answer, zoo.Rejected), f"{value!r} was answered: {answer}"
            assert answer.reason
            assert plain(answer.reason) == answer.reason, f"what was given acts on the terminal: {answer.reason!r}"
        assert_same(mixed[1 : 1 + len(good)], answers)

    def test_texts_that_act_on_a_terminal_are_answered_or_rejected_harmlessly(
        self, trained: zoo.Model, task: Task, data: Samples
    ) -> None:
        harmful = data.harmful(task)
        if not harmful:
            pytest.skip(f"{task.name} takes no texts")
        for answer in trained.predict(harmful):
            reason = answer.reason if isinstance(answer, zoo.Rejected) else ""
            assert plain(reason) == reason

    def test_a_fresh_process_gives_the_same_answers(
        self, answers: list[Prediction], trained: zoo.Model, task: Task, data: Samples, tmp_path: Path
    ) -> None:
        out = tmp_path / "answers.jsonl"
        run = zoo.predict_file(trained.card.full_name, data.inputs_file(task), out, device="cpu", precision="fp32")
        run.wait(timeout_s=DEADLINE_S, progress=False)

        predictions = [json.loads(line)["prediction"] for line in out.read_bytes().splitlines()]
        assert_same([msgspec.convert(answer, task.answer) for answer in predictions], answers)

    def test_the_result_does_as_its_run_said(
        self, answers: list[Prediction], trained: zoo.Model, task: Task, data: Samples, request: pytest.FixtureRequest
    ) -> None:
        self.need("finetune")
        trained_run: zoo.Run = request.getfixturevalue("trained_run")
        if not task.target:
            pytest.skip(f"{task.name} has no true labels to count")
        evaluated = zoo.evaluate(trained.card.full_name, data.labelled(task), device="cpu", precision="fp32")
        evaluated.wait(timeout_s=DEADLINE_S, progress=False)
        assert task.primary_metric in evaluated.metrics, f"a judge of {task.name} tells its primary metric"
        unnamed = set(evaluated.metrics).difference(task.figures or evaluated.metrics)
        assert not unnamed, f"a judge of {task.name} that has FIGURES names all of them: {', '.join(unnamed)}"
        for name in evaluated.metrics.keys() & trained_run.metrics.keys():
            assert evaluated.metrics[name] == pytest.approx(trained_run.metrics[name], abs=1e-3), (
                f"{name} of the saved model is not what the run told of it"
            )

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give each further task that the model is fine-tuned for a test of its own."""
        if "further_task" in metafunc.fixturenames:
            metafunc.parametrize("further_task", self.further_tasks() or [pytest.param("", id="none")])

    @classmethod
    def further_tasks(cls) -> tuple[str, ...]:
        """Names of the tasks that the model is fine-tuned for but the first; none where the plugin cannot be loaded."""
        with suppress(zoo.ZooError):
            for card in load_plugin(cls.plugin).cards:
                if card.name == cls.model:
                    return card.tasks_of("finetune")[1:]
        return ()

    def test_every_further_task_is_learnt_and_answered(
        self, further_task: str, card: zoo.Card, train: StartRun, data: Samples
    ) -> None:
        self.need("finetune", "predict")
        if not further_task:
            pytest.skip(f"{card.name} is fine-tuned for one task")
        task = get_task(further_task)
        run = train(task=task, name=f"conformance-{task.name}").wait(timeout_s=DEADLINE_S, progress=False)
        self.check_losses(run)
        assert task.primary_metric in run.metrics, f"a training for {task.name} reports {task.primary_metric}"
        result = zoo.load(f"{self.plugin}/{run.name}", device="cpu", precision="fp32")
        answers = result.predict(data.inputs(task))
        assert {type(answer) for answer in answers} == {task.answer}
        if task.judge:
            judged = zoo.evaluate(result.card.full_name, data.labelled(task), device="cpu", precision="fp32")
            judged.wait(timeout_s=DEADLINE_S, progress=False)
            for name in judged.metrics.keys() & run.metrics.keys():
                assert judged.metrics[name] == pytest.approx(run.metrics[name], abs=1e-3), (
                    f"{task.name}: {name} of the saved model is not what the run told of it"
                )


def assert_same(answers: list[Any], expected: list[Any]) -> None:
    """The same answers in the same order, but for rounding."""
    assert [type(one) for one in answers] == [type(one) for one in expected]
    for one, other in zip(answers, expected, strict=True):
        if isinstance(one, zoo.Rejected):
            continue
        numbers, others = one.numbers(), other.numbers()
        assert numbers.keys() == others.keys()
        for name, value in numbers.items():
            assert value == pytest.approx(others[name], abs=TOLERANCE), f"{name}: {one} instead of {other}"
        assert one.otherwise(other) <= SAID_OTHERWISE, f"{one} instead of {other}"
