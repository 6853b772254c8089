"""What the engine promises, on a network small enough to train in milliseconds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.training.toy import Net, Toy, make_run
from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.errors import DatasetInvalid, OptionInvalid, PluginBroken, RunFailed, StoreInvalid, Unsupported
from zoo.metrics import ClassificationMetrics
from zoo.runs.events import CheckpointSaved, EvaluationCompleted, RunPlanned, StepCompleted, Warned
from zoo.training import Batch, Output
from zoo.training.batches import epoch_batches


def final_weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def assert_identical(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        assert torch.equal(tensor, right[name]), name


def test_training_learns(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, rows=200, epochs=10)
    result = Toy().fit(run)

    assert result.metrics["accuracy"] > 0.9
    steps = [event for event in events if isinstance(event, StepCompleted)]
    assert steps[-1].loss < steps[0].loss
    assert steps[-1].step == steps[-1].steps == result.step


def test_events_stand_in_order(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, epochs=2, save_steps=3)
    Toy().fit(run)

    assert isinstance(events[0], RunPlanned)
    assert [event.step for event in events if isinstance(event, EvaluationCompleted)] == [4, 8]
    assert [event.step for event in events if isinstance(event, CheckpointSaved)] == [3, 6]


@pytest.mark.parametrize("stop_after", [1, 2, 5, 6, 9, 13, 14])
@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_resume_equals_never_having_stopped(tmp_path: Path, stop_after: int, method: str) -> None:
    """Stopped in a step or in an evaluation, the resumed run ends with the same bits."""
    options: dict[str, Any] = {"epochs": 3, "method": method, "lr": 0.02}
    whole, _ = make_run(tmp_path / "whole", **options)
    expected = Toy().fit(whole)

    stopped, _ = make_run(tmp_path / "parts", stop_after=stop_after, **options)
    first = Toy().fit(stopped)
    resumed, _ = make_run(tmp_path / "parts", **options)
    second = Toy().fit(resumed)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert second.metrics == expected.metrics
    assert second.best_step == expected.best_step
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


def test_a_damaged_checkpoint_is_refused_and_the_one_before_used(tmp_path: Path) -> None:
    whole, _ = make_run(tmp_path / "whole", epochs=3, save_steps=2)
    Toy().fit(whole)
    stopped, _ = make_run(tmp_path / "parts", stop_after=9, epochs=3, save_steps=2)
    Toy().fit(stopped)
    newest = max((tmp_path / "parts" / "checkpoints").glob("step-*"))
    weights = bytearray((newest / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (newest / "model.safetensors").write_bytes(weights)

    resumed, events = make_run(tmp_path / "parts", epochs=3, save_steps=2)
    Toy().fit(resumed)

    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == [f"{newest.name} is not used: model.safetensors has changed since it was written"]
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


def test_a_half_written_checkpoint_is_refused(tmp_path: Path) -> None:
    stopped, _ = make_run(tmp_path, stop_after=5, epochs=2)
    Toy().fit(stopped)
    newest = max((tmp_path / "checkpoints").glob("step-*"))
    (newest / "manifest.json").unlink()

    resumed, events = make_run(tmp_path, epochs=2)
    result = Toy().fit(resumed)

    assert result.step == 8
    assert any("is incomplete" in event.message for event in events if isinstance(event, Warned))


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    stopped, _ = make_run(tmp_path, stop_after=5, epochs=2)
    Toy().fit(stopped)
    other = Toy()
    other.module.body[0] = nn.Linear(3, 9)
    other.module.head = nn.Linear(9, 2)
    with pytest.raises(
        StoreInvalid, match=r"the checkpoint does not fit the model: body\.0\.bias, body\.0\.weight, head"
    ):
        other.fit(make_run(tmp_path, epochs=2)[0])


def test_the_module_may_be_changed_once_all_features_are_made(tmp_path: Path) -> None:
    order = []

    class Telling(Toy):
        def features(self, examples: Sequence[Example]) -> list[tuple[list[float], int] | Rejected]:
            order.append("features")
            return super().features(examples)

        def begin(self) -> None:
            order.append("begin")
            self.module.body[0] = nn.Linear(3, 8, bias=False)

        def collate(self, features: Sequence[Any], seeds: Sequence[int], *, training: bool) -> Batch:
            order.append("collate")
            return super().collate(features, seeds, training=training)

    run, _ = make_run(tmp_path, epochs=1)
    objective = Telling()
    before = objective.module
    objective.fit(run)
    assert order[:4] == ["features", "features", "begin", "collate"]
    assert order.count("begin") == 1
    assert objective.module is before
    assert "body.0.bias" not in final_weights(tmp_path)


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

    free, told = after_a_step(0)
    assert told == pytest.approx(norm(free), rel=1e-4)
    loose, _ = after_a_step(2 * told)
    assert_identical(free, loose)
    tight, told_before = after_a_step(told / 4)
    assert told_before == told
    assert norm(tight) == pytest.approx(told / 4, rel=1e-4)
    for name, gradient in tight.items():
        torch.testing.assert_close(gradient, free[name] / 4)


def test_only_the_two_newest_checkpoints_and_the_best_weights_they_name_are_kept(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, epochs=5, save_steps=1)
    Toy().fit(run)

    folders = sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*"))
    assert folders == ["step-00000019", "step-00000020"]
    named = {
        json.loads((tmp_path / "checkpoints" / name / "state.json").read_bytes())["best"]["step"] for name in folders
    }
    kept = {int(path.stem.removeprefix("best-")) for path in (tmp_path / "checkpoints").glob("best-*")}
    assert named <= kept
    assert len(kept) <= 2


@pytest.mark.parametrize("micro_batch_size", [1, 3, 5])
def test_accumulation_gives_the_same_losses(tmp_path: Path, micro_batch_size: int) -> None:
    """With the same effective batch, uneven last ones included, micro-batches change nothing but rounding."""
    options: dict[str, Any] = {"epochs": 3, "batch_size": 10, "class_weights": "plus=3", "eval_steps": 1}
    at_once, expected = make_run(tmp_path / "a", rows=47, **options)
    Toy(dropout=0).fit(at_once)
    in_parts, found = make_run(tmp_path / "b", rows=47, micro_batch_size=micro_batch_size, **options)
    Toy(dropout=0).fit(in_parts)

    expected_losses = [event.metrics["loss"] for event in expected if isinstance(event, EvaluationCompleted)]
    found_losses = [event.metrics["loss"] for event in found if isinstance(event, EvaluationCompleted)]
    assert found_losses == pytest.approx(expected_losses, rel=1e-5)
    assert len(found_losses) == 15


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


def test_the_head_method_leaves_the_body_alone(tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in Toy().module.state_dict().items()}
    run, events = make_run(tmp_path, epochs=3, method="head")
    Toy().fit(run)
    after = final_weights(tmp_path)

    assert {name for name in before if not torch.equal(before[name], after[name])} == {"head.weight", "head.bias"}
    assert events[0].trainable_parameters == 18


class Reducing(Toy):
    """A toy whose body can be asked once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        self.asked += len(batch["labels"])
        return {"body": module.body(batch["numbers"]), "labels": batch["labels"]}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        if "body" not in batch:
            return super().losses(module, batch)
        logits = module.head(batch["body"])
        losses = nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
        return Output(losses, {"predicted": logits.argmax(-1), "label": batch["labels"], "loss": losses.detach()})


def test_a_frozen_body_is_asked_once_about_each_example(tmp_path: Path) -> None:
    expected, _ = make_run(tmp_path / "each-step", epochs=3, method="head")
    Toy().fit(expected)
    run, events = make_run(tmp_path / "once", epochs=3, method="head")
    objective = Reducing()
    objective.fit(run)

    assert objective.asked == 64 + 32
    assert len([event for event in events if isinstance(event, EvaluationCompleted)]) == 3
    each_step, once = final_weights(tmp_path / "each-step"), final_weights(tmp_path / "once")
    assert once.keys() == each_step.keys()
    for name in once:
        torch.testing.assert_close(once[name], each_step[name])


def test_a_head_on_what_a_frozen_body_said_resumes_to_the_same_bits(tmp_path: Path) -> None:
    whole, _ = make_run(tmp_path / "whole", epochs=3, method="head")
    Reducing().fit(whole)
    stopped, _ = make_run(tmp_path / "resumed", epochs=3, method="head", stop_after=8)
    assert Reducing().fit(stopped).cancelled
    resumed, _ = make_run(tmp_path / "resumed", epochs=3, method="head")
    assert not Reducing().fit(resumed).cancelled
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "resumed"))


def test_a_body_that_changes_is_asked_in_every_step(tmp_path: Path) -> None:
    objective = Reducing()
    objective.fit(make_run(tmp_path, epochs=3)[0])

    assert objective.asked == 0


def test_lora_is_merged_and_the_adapter_kept_beside_it(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, epochs=3, method="lora", lora_rank=2)
    Toy().fit(run)

    assert final_weights(tmp_path).keys() == Net(0).state_dict().keys()
    adapter = load_file(tmp_path / "model" / "adapter" / "adapter_model.safetensors")
    assert any("lora_A" in name for name in adapter)


def test_the_best_weights_are_kept_not_the_last(tmp_path: Path) -> None:
    """A learning rate that ruins the network late must not ruin the result."""
    run, events = make_run(tmp_path, rows=200, epochs=8, lr=2.0, schedule="constant", warmup=0.0)
    result = Toy().fit(run)

    evaluations = {event.step: event.metrics for event in events if isinstance(event, EvaluationCompleted)}
    assert result.metrics == evaluations[result.best_step or 0]
    assert result.metrics["accuracy"] == max(metrics["accuracy"] for metrics in evaluations.values())


def test_early_stopping(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, rows=64, epochs=200, lr=0.5, patience=3)
    result = Toy().fit(run)

    steps = [event.step for event in events if isinstance(event, EvaluationCompleted)]
    assert result.step < 200 * 4
    assert result.step == steps[-1] == (result.best_step or 0) + 3 * 4


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


def test_an_evaluation_whose_loss_is_not_finite_can_be_gone_on_from(tmp_path: Path) -> None:
    class Overflowing(Toy):
        def update_metrics(self, metrics: ClassificationMetrics, output: Output, count: int) -> None:
            output.for_metrics["loss"] = output.for_metrics["loss"] + float("inf")
            super().update_metrics(metrics, output, count)

    stopped, events = make_run(tmp_path, stop_after=8, epochs=3)
    first = Overflowing().fit(stopped)
    resumed, _ = make_run(tmp_path, epochs=3)
    second = Overflowing().fit(resumed)

    assert any(event.metrics["loss"] == float("inf") for event in events if isinstance(event, EvaluationCompleted))
    assert (first.cancelled, second.cancelled) == (True, False)
    assert set(second.metrics) == {"accuracy", "macro_f1"}


def test_every_example_is_seen_once_an_epoch_with_fresh_draws(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, rows=50, eval_rows=0, epochs=2, batch_size=8)
    toy = Toy()
    toy.fit(run)

    seeds = [seed for batch in toy.seen_seeds for seed in batch]
    assert len(seeds) == 100
    assert len(set(seeds)) == 100


def test_no_evaluation_data_keeps_the_last_weights(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, eval_rows=0, epochs=1)
    result = Toy().fit(run)

    assert (result.metrics, result.best_step) == ({}, None)
    assert not [event for event in events if isinstance(event, EvaluationCompleted)]
    assert final_weights(tmp_path)


def test_dry_run_only_plans_and_measures(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, epochs=2)
    object.__setattr__(run, "dry_run", True)
    Toy().fit(run)

    assert [type(event) for event in events] == [RunPlanned, RunPlanned]
    assert [event.samples_per_s > 0 for event in events if isinstance(event, RunPlanned)] == [False, True]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop_after", [3, 6])
def test_batches_made_ahead_in_threads_change_nothing(tmp_path: Path, stop_after: int) -> None:
    """Neither the result nor what a resumed run goes on with."""

    def threaded() -> Toy:
        toy = Toy()
        toy.collate_threads = 3
        return toy

    options: dict[str, Any] = {"epochs": 3, "batch_size": 16, "micro_batch_size": 4}
    plain, _ = make_run(tmp_path / "plain", **options)
    expected = Toy().fit(plain)
    stopped, _ = make_run(tmp_path / "ahead", stop_after=stop_after, **options)
    assert threaded().fit(stopped).cancelled
    resumed, _ = make_run(tmp_path / "ahead", **options)

    assert threaded().fit(resumed).metrics == expected.metrics
    assert_identical(final_weights(tmp_path / "plain"), final_weights(tmp_path / "ahead"))


def test_examples_without_features_are_set_aside(tmp_path: Path) -> None:
    """The run goes on as if they had never been there."""
    aside: list[tuple[Example, str]] = []
    run, events = make_run(tmp_path, rows=20, epochs=1, batch_size=6)
    toy = Toy()
    toy.unusable = {3, 7}
    toy.fit(dataclasses.replace(run, set_aside=aside.extend))

    planned = next(event for event in events if isinstance(event, RunPlanned))
    assert [(example.row, reason) for example, reason in aside[:2]] == [(3, "it is broken"), (7, "it is broken")]
    assert planned.steps == 3


def test_a_dry_run_knows_of_all_that_is_set_aside(tmp_path: Path) -> None:
    aside: list[tuple[Example, str]] = []
    run, _ = make_run(tmp_path, rows=20)
    toy = Toy()
    toy.unusable = {3}
    toy.fit(dataclasses.replace(run, dry_run=True, set_aside=aside.extend))

    of_train, of_eval = (next(example for example in part if example.row == 3) for part in (run.train, run.eval))
    assert [of_train, of_eval] == [example for example, _ in aside]


def test_a_loss_for_the_batch_alone_is_refused(tmp_path: Path) -> None:
    class Mean(Toy):
        def losses(self, module: nn.Module, batch: Batch) -> Output:
            output = super().losses(module, batch)
            return Output(output.losses.mean(), output.for_metrics)

    run, _ = make_run(tmp_path, rows=20, batch_size=6)
    with pytest.raises(PluginBroken, match=r"Mean\.losses\(\) gave losses of shape \(\) for a batch of 6 examples"):
        Mean().fit(run)


def test_features_that_leave_examples_out_are_refused(tmp_path: Path) -> None:
    class Picky(Toy):
        def features(self, examples: Sequence[Example]) -> list[tuple[list[float], int] | Rejected]:
            return super().features(examples)[1:]

    run, _ = make_run(tmp_path, rows=20, eval_rows=0)
    with pytest.raises(PluginBroken, match=r"Picky\.features\(\) gave 19 features for 20 examples"):
        Picky().fit(run)


def test_a_run_whose_examples_are_all_unusable_says_so(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, rows=4)
    toy = Toy()
    toy.unusable = {1, 2, 3, 4}

    with pytest.raises(DatasetInvalid, match="none of the rows to train on can be used"):
        toy.fit(run)


def test_layers_that_the_objective_froze_run_as_in_prediction(tmp_path: Path) -> None:
    """A frozen batch norm keeps its statistics; one that learns follows the data."""
    found = []
    for frozen in (False, True):
        run, _ = make_run(tmp_path / str(frozen), epochs=1)
        toy = Toy()
        toy.module.body.append(torch.nn.BatchNorm1d(8))
        toy.module.body.requires_grad_(not frozen)
        toy.fit(run)
        found.append(toy.module.body[3].running_mean.abs().sum().item())

    assert found[0] > 0
    assert found[1] == 0


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


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"class_weights": "nobody=2"}, OptionInvalid, "'nobody', which is no class of the data"),
        ({"micro_batch_size": 20}, OptionInvalid, "more than a batch of 16"),
    ],
)
def test_bad_options_are_one_clear_error(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    run, _ = make_run(tmp_path, **options)
    with pytest.raises(error, match=message):
        Toy().fit(run)


def test_a_model_that_offers_no_lora_says_so(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, method="lora")
    toy = Toy()
    toy.lora_targets = ()
    with pytest.raises(Unsupported, match="which layers LoRA adapts"):
        toy.fit(run)


def test_no_rows_is_one_clear_error(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, rows=0)
    with pytest.raises(DatasetInvalid, match="no rows to train on"):
        Toy().fit(run)


def test_bf16_trains_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    for folder, stops in (("whole", [None]), ("parts", [6, None])):
        for stop_after in stops:
            run, _ = make_run(tmp_path / folder, epochs=3, stop_after=stop_after)
            object.__setattr__(run, "precision", "bf16")
            Toy().fit(run)

    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))
