"""Runs with several sources: their objectives share the body that a plugin gives."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import zoo
from zoo.card import Verb
from zoo.plugins import load_plugin
from zoo.runs.context import FitResult
from zoo.runs.events import AnyEvent, EvaluationCompleted
from zoo.tasks import get_task, task_names
from zoo.tasks.task import Task
from zoo.testing.interruption import digests
from zoo.testing.plugin_hooks import PluginHooks
from zoo.testing.samples import Samples
from zoo.testing.subject import DEADLINE_S, Subject

STEPS = {"max_steps": 6, "eval_steps": 3, "batch_size": 8}
NAMES = ("first", "second")


class Lesson(NamedTuple):
    """What is learnt of a source."""

    verb: Verb
    task: Task


class Several(Subject):
    """A body that two objectives share."""

    @pytest.fixture(scope="class")
    @classmethod
    def lessons(cls, card: zoo.Card) -> tuple[Lesson, Lesson]:
        """Fine-tuning, and beside it what needs no targets, or another task; the same one twice where there is none."""
        if "body" not in load_plugin(cls.plugin).hooks:
            pytest.skip(f"plugin {cls.plugin} gives no body")
        finetuning = [Lesson("finetune", get_task(name)) for name in card.tasks_of("finetune")]
        pretraining = [Lesson("pretrain", get_task(name)) for name in card.tasks_of("pretrain")]
        lessons = [*finetuning[:1], *pretraining, *finetuning[1:]]
        if not lessons:
            pytest.skip(f"{cls.model} is declared to lack finetune, pretrain")
        return lessons[0], lessons[1 if len(lessons) > 1 else 0]

    def test_heads_of_one_body_are_models(self, card: zoo.Card, data: Samples, lessons: tuple[Lesson, Lesson]) -> None:
        sources = {name: _source(lesson, data) for name, lesson in zip(NAMES, lessons, strict=True)}
        options = self.training_options(card, lessons[0].verb) | STEPS
        place: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
        run = zoo.finetune(card.full_name, sources=sources, name="several", **place, **options)
        if "sources" in self.lacks:
            with pytest.raises(zoo.ZooError, match="no body that other heads could be put on"):
                run.wait(timeout_s=DEADLINE_S, progress=False)
            return
        run.wait(timeout_s=DEADLINE_S, progress=False)
        for name, lesson in zip(NAMES, lessons, strict=True):
            model = zoo.load(f"{run.name}.{name}", **place)
            if lesson.verb == "finetune":
                inputs = data.inputs(lesson.task)
                answers = model.predict(inputs)
                assert len(answers) == len(inputs)
                assert not [answer for answer in answers if isinstance(answer, zoo.Rejected)]

    def test_a_stopped_run_of_two_sources_resumes_to_the_same_result(
        self, card: zoo.Card, data: Samples, lessons: tuple[Lesson, Lesson], tmp_path: Path
    ) -> None:
        self.need("sources")

        def fit(folder: Path, *, stops: bool = False) -> FitResult:
            events: list[AnyEvent] = []
            evaluated = lambda: stops and any(isinstance(event, EvaluationCompleted) for event in events)  # noqa: E731
            run = self._joint(card, data, lessons, folder, emit=events.append, should_stop=evaluated)
            return PluginHooks(self.plugin).finetune(run).fit(run)

        expected = fit(tmp_path / "whole")
        assert fit(tmp_path / "parts", stops=True).cancelled
        assert fit(tmp_path / "parts").sources == expected.sources
        assert digests(tmp_path / "whole" / "model") == digests(tmp_path / "parts" / "model"), (
            "on a CPU a resumed run gives the bits of one that was never interrupted; a body that changes its network "
            "in `begin` does so for all sources"
        )

    def test_inputs_of_another_kind_are_refused_in_one_line(
        self, card: zoo.Card, data: Samples, lessons: tuple[Lesson, Lesson]
    ) -> None:
        first, _ = lessons
        second = _of_another_kind(first.task, data)
        if second is None:
            pytest.skip("there is one kind of input, or samples of others need packages that are not here")
        sources = {"first": _source(first, data), "second": second}
        with pytest.raises(zoo.ZooError) as refused:
            zoo.finetune(card.full_name, sources=sources, device="cpu")
        assert "\n" not in refused.value.message

    def _joint(
        self, card: zoo.Card, data: Samples, lessons: tuple[Lesson, Lesson], folder: Path, **more: Any
    ) -> zoo.TrainingRun:
        """What a worker would hand to the hook."""
        runs = [
            dataclasses.replace(
                self.run_in_process(card, verb, data, folder, task=task, options=STEPS, **more), source=name
            )
            for name, (verb, task) in zip(NAMES, lessons, strict=True)
        ]
        runs = [dataclasses.replace(run, eval=run.train[:8]) for run in runs]
        return dataclasses.replace(runs[0], source="", sources=tuple(runs))


def _source(lesson: Lesson, data: Samples) -> zoo.Source:
    examples = data.labelled(lesson.task) if lesson.verb == "finetune" else data.unlabelled(lesson.task)
    return zoo.Source(data=examples, eval_data=examples, task=lesson.task.name)


def _of_another_kind(task: Task, data: Samples) -> zoo.Source | None:
    """Data that a body for a task cannot read; None where none can be made."""
    for other in _others(task):
        with contextlib.suppress(ImportError):
            return zoo.Source(data=data.of(other).labelled())
    return None


def _others(task: Task) -> Iterator[Task]:
    """Tasks with labels whose inputs are files where those of this one are none, or the other way round."""
    others = (one for one in map(get_task, task_names()) if one.target is not None and one.target.has_classes)
    return (one for one in others if one.input.from_files != task.input.from_files)
