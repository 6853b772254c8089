"""What a training gives back is held to the contract: what is wrong is told with field and value."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from tests import trainable_plugin
from tests.echo_runs import wait_quietly
from tests.plugin_site import Site
from zoo.runs.events import EvaluationCompleted, RunFailed, RunFinished, StepCompleted, Warned


@pytest.fixture
def trained(site: Site, rows: Path) -> Callable[..., zoo.Run]:
    """Train a model of a plugin some parts of which are replaced."""

    def train(**parts: str) -> zoo.Run:
        site.install("toy", trainable_plugin.source(**parts))
        return wait_quietly(zoo.finetune("toy", rows, name="mine", device="cpu", precision="fp32"))

    return train


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"result": "None"}, "gave None from fit(run)"),
        ({"result": "{}"}, "gave a dict from fit(run)"),
        ({"changed_fields": "{'task': 'guessing'}"}, "gave FitResult.task 'guessing', and there is no such task"),
        ({"changed_fields": "{'step': 'four'}"}, "gave FitResult.step 'four'"),
        ({"changed_fields": "{'metrics': {'f1': None}}"}, "gave FitResult.metrics {'f1': None}"),
        ({"changed_fields": "{'metrics': {'f1': math.nan}}"}, "reported the metric f1 as nan at step 4"),
        (
            {"changed_fields": "{'report': (), 'confusion': ((1,),)}"},
            "gave FitResult.confusion of 1 row of 1 for 2 labels",
        ),
        (
            {"changed_fields": "{'report': (zoo.Vector(numbers=(math.nan,)),)}"},
            "gave a FitResult.report that cannot be kept",
        ),
        ({"changed_fields": "{'report': ('good',)}"}, "gave FitResult.report ('good',)"),
        ({"write": "pass"}, "finished its fit, but wrote no model into run.model_folder"),
        ({"step": "loss='low'"}, "gave StepCompleted.loss 'low'"),
        ({"evaluation": "4, {'accuracy': math.inf}"}, "reported the metric accuracy as inf"),
        ({"plan": "steps=None, epochs=1, batch_size=1"}, "gave RunPlanned.steps None"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_a_fit_that_breaks_the_contract_ends_with_field_and_value(
    parts: dict[str, str], fault: str, trained: Callable[..., zoo.Run]
) -> None:
    last = trained(**parts).events()[-1]

    assert isinstance(last, RunFailed)
    assert last.kind == "PluginBroken"
    assert last.message.startswith("plugin toy ")
    assert fault in last.message
    assert last.hint


@pytest.mark.slow
def test_a_training_may_count_in_numpy(trained: Callable[..., zoo.Run]) -> None:
    run = trained(
        first="import numpy as np",
        plan="steps=np.int64(4), epochs=np.float32(1), batch_size=1",
        step="loss=np.float64(1 / step), samples_per_s=np.float32(10)",
        evaluation="np.int64(4), {name: np.float32(value) for name, value in figures.items()}",
        changed_fields="{'step': np.int64(4), 'report': (zoo.Matrix(title='Confusion', labels=run.labels, "
        "counts=np.array(metrics.confusion)),)}",
    )

    assert run.status == "finished", run.snapshot.error
    assert [event.step for event in run.events() if isinstance(event, StepCompleted)] == [1, 2, 3, 4]
    assert all(type(event.loss) is float for event in run.events() if isinstance(event, StepCompleted))
    (matrix,) = run.report
    assert sum(map(sum, matrix.counts)) == run.snapshot.eval_rows


@pytest.mark.slow
def test_a_confusion_matrix_still_does_for_a_report(trained: Callable[..., zoo.Run]) -> None:
    run = trained(changed_fields="{'report': (), 'confusion': metrics.confusion}")

    assert ["Classes", "Confusion"] == [block.title for block in run.report]


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_news_that_is_told_once(trained: Callable[..., zoo.Run]) -> None:
    run = trained(
        step="loss=1 / step if step < 3 else math.nan, grad_norm=math.inf",
        evaluation="4, figures | {'loss': math.nan, 'perplexity': math.inf}",
        changed_fields="{'metrics': figures | {'loss': math.nan}}",
    )

    steps = [event for event in run.events() if isinstance(event, StepCompleted)]
    (evaluation,) = [event for event in run.events() if isinstance(event, EvaluationCompleted)]
    last = run.events()[-1]
    assert [event.step for event in steps] == [1, 2, 3, 4]
    assert [event.loss is None for event in steps] == [False, False, True, True]
    assert [event.message for event in run.events() if isinstance(event, Warned)] == [
        "step 3: the loss is nan; the training has diverged"
    ]
    assert set(evaluation.metrics) == {"accuracy", "macro_f1"}
    assert isinstance(last, RunFinished)
    assert all(math.isfinite(value) for value in last.metrics.values())
    assert run.snapshot.loss is None
    assert len(run.snapshot.loss_curve) == 2


@pytest.mark.slow
def test_labels_that_a_result_does_not_name_are_those_of_the_run(trained: Callable[..., zoo.Run]) -> None:
    run = trained(changed_fields="{'labels': ()}")

    assert run.status == "finished"
    assert zoo.load("mine", device="cpu", precision="fp32").labels == ("negative", "positive")
