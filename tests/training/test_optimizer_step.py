"""One optimizer step: losses of micro-batches, weights of examples, gradients that are too long or not finite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import PluginBroken, RunFailed
from zoo.runs.events import EvaluationCompleted, StepCompleted, Warned
from zoo.training import Batch, Output
from zoo.training.batches import epoch_batches


def test_gradients_longer_than_allowed_are_scaled_down_and_no_others(tmp_path: Path) -> None:
    def after_a_step(limit: float) -> tuple[dict[str, torch.Tensor], float]:
        """The gradients as the optimizer saw them (the first moment is a tenth of them), and the norm that was told."""
        run, events = make_run(tmp_path / f"{limit}", max_steps=1, save_steps=1, max_grad_norm=limit)
        Toy().fit(run)
        (step,) = [event for event in events if isinstance(event, StepCompleted)]
        state = load_file(run.checkpoints_folder / "step-00000001" / "optimizer.safetensors")
        return {name: 10 * moment for name, moment in state.items() if name.endswith("|exp_avg")}, step.grad_norm

    def norm(gradients: dict[str, torch.Tensor]) -> float:
        return torch.cat([gradient.flatten() for gradient in gradients.values()]).norm().item()

    free, reported = after_a_step(0)
    assert reported == pytest.approx(norm(free), rel=1e-4)
    loose, _ = after_a_step(2 * reported)
    assert_identical(free, loose)
    tight, norm_before = after_a_step(reported / 4)
    assert norm_before == reported
    assert norm(tight) == pytest.approx(reported / 4, rel=1e-4)
    for name, gradient in tight.items():
        torch.testing.assert_close(gradient, free[name] / 4)


@pytest.mark.parametrize("micro_batch_size", [1, 3, 5])
def test_accumulation_gives_the_same_losses(tmp_path: Path, micro_batch_size: int) -> None:
    """With the same effective batch, uneven last ones included, micro-batches change nothing but rounding."""
    options: dict[str, Any] = {"epochs": 3, "batch_size": 10, "class_weights": "plus=3", "eval_steps": 1}
    at_once, expected = make_run(tmp_path / "a", rows=47, **options)
    Toy(dropout=0).fit(at_once)
    in_parts, actual = make_run(tmp_path / "b", rows=47, micro_batch_size=micro_batch_size, **options)
    Toy(dropout=0).fit(in_parts)

    expected_losses = [event.metrics["loss"] for event in expected if isinstance(event, EvaluationCompleted)]
    actual_losses = [event.metrics["loss"] for event in actual if isinstance(event, EvaluationCompleted)]
    assert actual_losses == pytest.approx(expected_losses, rel=1e-5)
    assert len(actual_losses) == 15


class Weighted(Toy):
    """A toy whose examples stand for 1 to 4 items each, and whose loss is the mean over them."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        output = super().losses(module, batch)
        counts = 1 + (batch["numbers"][:, 0].abs() * 100).long() % 4
        return Output(output.losses, output.for_metrics, weights=counts)


@pytest.mark.parametrize("micro_batch_size", [12, 6, 3])
def test_an_outputs_weights_are_normalised_over_the_whole_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, micro_batch_size: int
) -> None:
    """The first step's loss and gradient are those of the mean over all items, however the batch was cut."""
    monkeypatch.setattr("zoo.training.meter.INTERVAL_S", 0)
    run, events = make_run(tmp_path, rows=48, batch_size=12, micro_batch_size=micro_batch_size, max_steps=1)
    Weighted(dropout=0).fit(run)

    expected = Weighted(dropout=0)
    features = expected.features(run.train)
    first = epoch_batches([expected.length(f) for f in features], 12, seed=run.options.seed, epoch=0)[0]
    output = expected.losses(expected.module, expected.collate([features[i] for i in first], [], training=True))
    assert output.weights is not None
    mean = (output.losses * output.weights).sum() / output.weights.sum()
    mean.backward()

    step = next(event for event in events if isinstance(event, StepCompleted))
    gradient = torch.cat([p.grad.flatten() for p in expected.module.parameters() if p.grad is not None])
    assert step.loss == pytest.approx(mean.item(), abs=1e-6)
    assert step.grad_norm == pytest.approx(gradient.norm().item(), rel=1e-5)


@pytest.mark.parametrize("clip", [0.0, 0.05])
def test_accumulation_gives_the_same_weighted_losses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: float
) -> None:
    monkeypatch.setattr("zoo.training.meter.INTERVAL_S", 0)
    histories = []
    for accumulation in (1, 2, 4):
        run, events = make_run(
            tmp_path / str(accumulation),
            rows=47,
            epochs=2,
            batch_size=12,
            micro_batch_size=12 // accumulation,
            class_weights="plus=3",
            max_grad_norm=clip,
        )
        Weighted(dropout=0).fit(run)
        histories.append([event.loss for event in events if isinstance(event, StepCompleted)])

    assert len(histories[0]) == 8
    assert histories[1] == pytest.approx(histories[0], abs=1e-6)
    assert histories[2] == pytest.approx(histories[0], abs=1e-6)


def test_weights_that_are_not_one_for_each_example_are_refused(tmp_path: Path) -> None:
    class OneWeight(Toy):
        def losses(self, module: nn.Module, batch: Batch) -> Output:
            output = super().losses(module, batch)
            return Output(output.losses, output.for_metrics, weights=torch.tensor(3))

    run, _ = make_run(tmp_path, rows=20, batch_size=6)
    with pytest.raises(PluginBroken, match=r"OneWeight\.losses\(\) gave weights of shape \(\) for a batch of 6"):
        OneWeight().fit(run)


def test_a_passing_nan_is_skipped_and_told(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, epochs=5)
    result = Toy(spoil=lambda call: call in (3, 4)).fit(run)

    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == [f"step {step}: the gradient is not finite; the step is skipped" for step in (3, 4)]
    assert all(torch.isfinite(tensor).all() for tensor in final_weights(tmp_path).values())
    assert result.step == 20


def test_divergence_fails_the_run_and_says_what_to_do(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, epochs=5)
    with pytest.raises(RunFailed, match=r"no finite gradient in 5 steps up to step 7") as failure:
        Toy(spoil=lambda call: call >= 3).fit(run)

    assert "smaller --lr" in failure.value.hint


def test_a_loss_for_the_batch_alone_is_refused(tmp_path: Path) -> None:
    class Mean(Toy):
        def losses(self, module: nn.Module, batch: Batch) -> Output:
            output = super().losses(module, batch)
            return Output(output.losses.mean(), output.for_metrics)

    run, _ = make_run(tmp_path, rows=20, batch_size=6)
    with pytest.raises(PluginBroken, match=r"Mean\.losses\(\) gave losses of shape \(\) for a batch of 6 examples"):
        Mean().fit(run)


def test_class_weights_change_what_is_learnt(tmp_path: Path) -> None:
    """A class that weighs nothing is not learnt: its examples end as the other class."""
    recalled = []
    for weights in ("none", "minus=0"):
        run, _ = make_run(tmp_path / weights, rows=400, eval_rows=0, epochs=20, class_weights=weights)
        toy = Toy()
        toy.fit(run)
        inputs = toy.collate(toy.features([e for e in run.train if e.label == "minus"]), [], training=False)
        recalled.append((toy.module(inputs["numbers"]).argmax(-1) == 0).float().mean().item())

    assert recalled[0] > 0.9
    assert recalled[1] < 0.3
