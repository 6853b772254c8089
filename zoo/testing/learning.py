"""What training a model does: it learns, every parameter of it, and what it learnt is what it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.kinds.samples import LABELS
from zoo.plugins import load_plugin
from zoo.runs.events import AnyEvent, DataLoaded, RunFinished, RunLaunched, RunPlanned, RunStarted, StepCompleted
from zoo.testing.samples import Samples
from zoo.testing.subject import DEADLINE_S, Subject


class Learning(Subject):
    """Fine-tuning and pretraining, in real workers."""

    def test_training_lowers_the_loss(self, trained_run: zoo.Run, card: zoo.Card, data: Samples) -> None:
        self.check_losses(trained_run)
        task = self.task_of(card, self.training_verb())
        exact = task.target is not None and task.target.exact and trained_run.snapshot.labels
        if "predict" not in self.lacks and exact and task.primary_metric in trained_run.metrics:
            assert trained_run.metrics[task.primary_metric] > 1.5 / len(LABELS), (
                "it does hardly better than chance on the rows it learnt from; if it needs longer, say so in `options`"
            )

    def test_pretraining_lowers_the_loss(self, card: zoo.Card, data: Samples) -> None:
        self.need("pretrain", "finetune")  # without the latter, pretraining is what all other tests are about
        unlabelled = data.unlabelled(self.task_of(card, "pretrain"))
        options = self.training_options(card, "pretrain")
        run = zoo.pretrain(card.full_name, unlabelled, device="cpu", precision="fp32", **options)
        run.wait(timeout_s=DEADLINE_S, progress=False)
        self.check_losses(run)

    def test_events_come_in_order(self, trained_run: zoo.Run) -> None:
        events = trained_run.events()
        milestones = [RunStarted, DataLoaded, RunPlanned, RunFinished]
        types = [type(event) for event in events if type(event) in milestones]
        assert types == milestones, "a run is started, given its data, planned and finished, once each"
        launches = [event for event in events if isinstance(event, RunLaunched)]
        assert len(launches) == 1, "it is launched once; a fast worker may be far before that is written"

        reported = [event.step for event in events if isinstance(event, StepCompleted)]
        assert reported == sorted(set(reported)), "steps are reported in order, each once"
        assert isinstance(events[-1], RunFinished)

    def test_label_names_survive(self, trained_run: zoo.Run, data: Samples) -> None:
        result = trained_run.model
        target = self.task_of(result.card, "predict").target
        if target and target.fewest_labels:
            assert result.labels == LABELS, "the result tells apart the labels of its data, by their names"

    def test_every_trainable_parameter_gets_a_gradient(self, card: zoo.Card, data: Samples, tmp_path: Path) -> None:
        verbs = [verb for verb in ("finetune", "pretrain") if verb in card.verbs]
        if not verbs:
            pytest.skip(f"{self.model} is declared to lack finetune, pretrain")
        for verb in verbs:
            run = self.run_in_process(card, verb, data, tmp_path / verb)
            trainable = load_plugin(self.plugin).hook(verb)(run=run)
            if "gradients" in self.lacks:
                assert not hasattr(trainable, "module"), "an objective has gradients; take it out of `lacks`"
                continue
            missing = without_gradient(trainable, run)
            assert not missing, f"{verb}: no gradient reaches {', '.join(missing[:5])}; freeze them or use them"

    def test_a_dry_run_plans_and_leaves_nothing(self, card: zoo.Card, data: Samples, tmp_path: Path) -> None:
        verb = self.training_verb()
        events: list[AnyEvent] = []
        run = self.run_in_process(card, verb, data, tmp_path, dry_run=True, emit=events.append)
        result = load_plugin(self.plugin).hook(verb)(run=run).fit(run)

        assert result.step == 0, "with run.dry_run set, fit ends before its first step"
        assert any(isinstance(event, RunPlanned) for event in events), "a dry run tells its plan (run.report_plan)"
        assert not run.model_folder.exists() or not any(run.model_folder.iterdir())


def without_gradient(objective: Any, run: zoo.TrainingRun) -> list[str]:
    """Names of the trainable parameters that a backward pass over one batch leaves out."""
    features = [one for one in objective.features(run.train) if not isinstance(one, zoo.Rejected)][:16]
    objective.begin()
    batch = objective.collate(features, list(range(len(features))), training=True)
    objective.module.train()
    objective.losses(objective.module, batch).losses.mean().backward()
    parameters = objective.module.named_parameters()
    return [name for name, parameter in parameters if parameter.requires_grad and parameter.grad is None]
