"""What each method trains: a head on a frozen body, adapters, or all of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.training.toy import Net, Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.answers import Rejected
from zoo.data.example import Example
from zoo.errors import Unsupported
from zoo.runs.events import EvaluationCompleted
from zoo.training import Batch, Output


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
        self.reduced_count = 0

    def reduced(self, module: nn.Module, batch: Batch) -> Batch:
        self.reduced_count += len(batch["labels"])
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

    assert objective.reduced_count == 64 + 32
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

    assert objective.reduced_count == 0


def test_layers_that_the_objective_froze_run_as_in_prediction(tmp_path: Path) -> None:
    """A frozen batch norm keeps its statistics; one that learns follows the data."""
    running_means = []
    for frozen in (False, True):
        run, _ = make_run(tmp_path / str(frozen), epochs=1)
        toy = Toy()
        toy.module.body.append(torch.nn.BatchNorm1d(8))
        toy.module.body.requires_grad_(not frozen)
        toy.fit(run)
        running_means.append(toy.module.body[3].running_mean.abs().sum().item())

    assert running_means[0] > 0
    assert running_means[1] == 0


def test_lora_is_merged_and_the_adapter_kept_beside_it(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, epochs=3, method="lora", lora_rank=2)
    Toy().fit(run)

    assert final_weights(tmp_path).keys() == Net(0).state_dict().keys()
    adapter = load_file(tmp_path / "model" / "adapter" / "adapter_model.safetensors")
    assert any("lora_A" in name for name in adapter)


def test_a_model_that_offers_no_lora_says_so(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, method="lora")
    toy = Toy()
    toy.lora_targets = ()
    with pytest.raises(Unsupported, match="which layers LoRA adapts"):
        toy.fit(run)
