"""Weights in half precision beside those that are trained: a CPU, which needs none, gives the bits of autocast."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.training.test_optimizer_step import Weighted
from tests.training.test_replaying import Computing
from tests.training.test_sources import MIXINGS, head_weights, sources_of, two_toys
from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.runs.events import AnyEvent, MicroBatchHalved
from zoo.training import Batch, Output
from zoo.training.engine import train_sources
from zoo.training.optimizer_step import OptimizerSteps


class Exact(nn.Linear):
    """Computes in float32 whatever is around it."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.layer(self.layer(input).tanh())


class Mixed(Toy):
    """A layer of each sort: norms, one used twice, one without autocast, one whose weight is also read as it is."""

    def __init__(self, spoil: Any = lambda call: False) -> None:
        super().__init__(spoil=spoil)
        self.read = nn.Linear(8, 8)
        self.module.body.extend([nn.LayerNorm(8), Twice(), Exact(8, 8), self.read])

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        output = super().losses(module, batch)
        return dataclasses.replace(output, losses=output.losses + 1e-3 * self.read.weight.square().sum())


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that works with copies as an accelerator does."""
    monkeypatch.setattr("zoo.training.working_weights.copies_pay", lambda device: True)


def fit(folder: Path, toy: Toy, **options: Any) -> list[AnyEvent]:
    run, events = make_run(folder, **{"epochs": 3, "batch_size": 12, "eval_steps": 4, **options})
    toy.fit(dataclasses.replace(run, precision="bf16"))
    return events


@pytest.mark.parametrize(
    ("toy", "options"),
    [
        (Toy, {}),
        (Toy, {"method": "lora"}),
        (Toy, {"method": "head"}),
        (Weighted, {"micro_batch_size": 5, "max_grad_norm": 0.05}),
        (Mixed, {}),
        (Mixed, {"micro_batch_size": 5}),
    ],
)
def test_the_weights_are_those_of_autocast(
    tmp_path: Path, request: pytest.FixtureRequest, toy: type[Toy], options: dict[str, Any]
) -> None:
    fit(tmp_path / "a", toy(), **options)
    request.getfixturevalue("held")
    fit(tmp_path / "b", toy(), **options)

    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))


@pytest.mark.parametrize("mixing", MIXINGS)
def test_those_of_several_sources_too(tmp_path: Path, request: pytest.FixtureRequest, mixing: str) -> None:
    def fit_both(folder: Path) -> None:
        sources, run, _ = sources_of(folder, two_toys(), (64, 16), (1, 0.3), max_steps=20, batch_size=8)
        train_sources(sources, dataclasses.replace(run, precision="bf16"), MIXINGS[mixing])

    fit_both(tmp_path / "a")
    request.getfixturevalue("held")
    fit_both(tmp_path / "b")

    for name in ("left", "right"):
        assert_identical(head_weights(tmp_path / "a", name), head_weights(tmp_path / "b", name))


class Casts(TorchDispatchMode):
    """Counts the weights and gradients that are cast one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.weights += func is torch.ops.aten._to_copy.default and isinstance(args[0], nn.Parameter)
        return func(*args, **(kwargs or {}))


def test_a_step_casts_only_what_has_to_stay_exact(tmp_path: Path, held: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step finds out which weights are cast; of the others, the layer whose weight is read keeps that one."""
    take, counts = OptimizerSteps.take, []

    def counted(self: OptimizerSteps, *args: Any) -> Any:
        with Casts() as casts:
            taken = take(self, *args)
        counts.append(casts.weights)
        return taken

    monkeypatch.setattr(OptimizerSteps, "take", counted)
    fit(tmp_path, Mixed(), max_steps=4)

    assert counts == [8, 1, 1, 1]


def test_checkpoints_hold_what_is_trained_in_float32(tmp_path: Path, held: None) -> None:
    fit(tmp_path, Mixed(), save_steps=4)

    for file in (tmp_path / "checkpoints").glob("*/*.safetensors"):
        assert {tensor.dtype for tensor in load_file(file).values()} == {torch.float32}
    best = next((tmp_path / "checkpoints").glob("best-*.safetensors"))
    assert any((tensor != tensor.bfloat16().float()).any() for tensor in load_file(best).values())


@pytest.mark.parametrize("stop_after", [1, 6, 11])
def test_a_resumed_run_goes_on_to_the_same_bits(tmp_path: Path, held: None, stop_after: int) -> None:
    fit(tmp_path / "a", Mixed(), save_steps=4)
    fit(tmp_path / "b", Mixed(), save_steps=4, stop_after=stop_after)
    fit(tmp_path / "b", Mixed(), save_steps=4)

    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))


def test_they_can_be_recorded(tmp_path: Path, held: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.training.replaying.FASTER", 0.0)
    monkeypatch.setattr("zoo.training.replaying.MIN_STEPS", 0)
    fit(tmp_path / "a", Mixed(), epochs=6)
    recorder = Computing()
    monkeypatch.setattr("zoo.training.optimizer_step.recorder_for", lambda device: recorder)
    fit(tmp_path / "b", Mixed(), epochs=6)

    assert_identical(final_weights(tmp_path / "a"), final_weights(tmp_path / "b"))
    assert recorder.replays > 20


class Hungry(Mixed):
    """Runs out of memory in a step, when it has computed its losses."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        output = super().losses(module, batch)
        if module.training and self.calls == 4:
            raise MemoryError("out of memory")
        return output


def test_a_step_out_of_memory_leaves_the_weights_in_their_places(tmp_path: Path, held: None) -> None:
    events = fit(tmp_path / "a", Hungry())
    names = final_weights(tmp_path / "a").keys()

    assert sum(isinstance(event, MicroBatchHalved) for event in events) == 1
    fit(tmp_path / "b", Mixed())
    assert names == final_weights(tmp_path / "b").keys()
    assert all(tensor.dtype == torch.float32 for tensor in final_weights(tmp_path / "a").values())
