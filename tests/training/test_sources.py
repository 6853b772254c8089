"""Several sources over one body, on a network small enough to train in milliseconds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.training.toy import Toy, examples, make_run
from tests.training.weights import assert_identical
from zoo.errors import DatasetInvalid, Unsupported
from zoo.hyperparameters import MixingOptions
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, RunPlanned, StepCompleted
from zoo.runs.heads import merge
from zoo.runs.result import HEADS
from zoo.training.engine import train_sources
from zoo.training.source import Source

MIXINGS = {
    "turns": MixingOptions(),
    "together": MixingOptions(mixing="together"),
    "annealed": MixingOptions(sampling="annealed"),
    "uncertainty": MixingOptions(weighting="uncertainty", mixing="together"),
}


def two_toys(dropout: float = 0.1) -> tuple[Toy, Toy]:
    """Over one body, with heads of their own."""
    first, second = Toy(dropout=dropout), Toy(seed=1, dropout=dropout)
    second.module.body = first.module.body
    return first, second


def sources_of(
    folder: Path, toys: tuple[Toy, Toy], rows: tuple[int, int], weights: tuple[float, float], **options: Any
) -> tuple[tuple[Source, ...], TrainingRun, list[AnyEvent]]:
    run, events = make_run(folder, **options)
    sources = tuple(
        Source(
            objective=toy,
            run=dataclasses.replace(run, source=name, train=examples(count, seed=seed)),
            weight=weight,
        )
        for seed, (name, toy, count, weight) in enumerate(
            zip(("left", "right"), toys, rows, weights, strict=True), start=3
        )
    )
    return sources, run, events


def fit(
    folder: Path,
    mixing: MixingOptions,
    *,
    rows: tuple[int, int] = (64, 16),
    weights: tuple[float, float] = (1, 1),
    dropout: float = 0.1,
    **options: Any,
) -> tuple[FitResult, list[AnyEvent]]:
    sources, run, events = sources_of(folder, two_toys(dropout), rows, weights, **options)
    return train_sources(sources, run, mixing), events


def head_weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    head = folder / "model" / HEADS / name
    return load_file(head / "body.safetensors") | load_file(head / "head.safetensors")


@pytest.mark.parametrize("kind", MIXINGS)
@pytest.mark.parametrize("stop_after", [3, 8, 17])
@pytest.mark.parametrize("method", ["full", "head", "lora"])
def test_resume_equals_never_having_stopped(tmp_path: Path, kind: str, stop_after: int, method: str) -> None:
    options: dict[str, Any] = {"epochs": 3, "method": method, "lr": 0.02, "batch_size": 8}
    expected, _ = fit(tmp_path / "whole", MIXINGS[kind], **options)
    first, _ = fit(tmp_path / "parts", MIXINGS[kind], stop_after=stop_after, **options)
    second, _ = fit(tmp_path / "parts", MIXINGS[kind], **options)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert (second.metrics, second.sources) == (expected.metrics, expected.sources)
    for name in ("left", "right"):
        assert_identical(head_weights(tmp_path / "whole", name), head_weights(tmp_path / "parts", name))


@pytest.mark.parametrize("micro_batch_size", [2, 3])
@pytest.mark.parametrize("kind", MIXINGS)
def test_accumulation_gives_the_same_losses(tmp_path: Path, kind: str, micro_batch_size: int) -> None:
    options: dict[str, Any] = {"epochs": 3, "batch_size": 12, "dropout": 0, "eval_steps": 1, "weights": (1, 0.3)}
    _, expected = fit(tmp_path / "a", MIXINGS[kind], **options)
    _, actual = fit(tmp_path / "b", MIXINGS[kind], micro_batch_size=micro_batch_size, **options)

    losses = [
        [event.metrics["loss"] for event in events if isinstance(event, EvaluationCompleted)]
        for events in (expected, actual)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert len(losses[0]) > 20


def test_a_step_of_all_sources_moves_by_the_sum_of_their_mean_losses(tmp_path: Path) -> None:
    """The gradient is that of the weighted sum, each mean over the part of the batch that the source has."""
    mixing = MixingOptions(mixing="together", sampling="equal")
    weights = (1.0, 0.25)
    sources, run, _ = sources_of(
        tmp_path, two_toys(dropout=0), (8, 8), weights, max_steps=1, save_steps=1, batch_size=16, max_grad_norm=0.0
    )
    train_sources(sources, run, mixing)
    state = load_file(run.checkpoints_folder / "step-00000001" / "optimizer.safetensors")

    toys = two_toys(dropout=0)
    for toy, source, weight in zip(toys, sources, weights, strict=True):
        batch = toy.collate(toy.features(source.run.train), [], training=True)
        (toy.losses(toy.module, batch).losses.mean() * weight / 2).backward()
    for i, toy in enumerate(toys):
        for name, parameter in toy.module.named_parameters():
            key = f"networks.{i}.{name}|exp_avg"
            if key in state:
                assert parameter.grad is not None
                torch.testing.assert_close(10 * state[key], parameter.grad)
    assert sum(key.endswith("|exp_avg") for key in state) == 2 + 2 + 2


def test_shares_go_by_the_temperature_and_epochs_are_told(tmp_path: Path) -> None:
    def epochs(**mixing: Any) -> list[float]:
        _, events = fit(tmp_path / str(mixing), MixingOptions(**mixing), max_steps=60, batch_size=4, rows=(64, 4))
        (planned,) = [event for event in events if isinstance(event, RunPlanned)]
        last = [event for event in events if isinstance(event, StepCompleted)][-1]
        assert [source.epoch for source in last.sources] == [source.epochs for source in planned.sources]
        return [source.epochs for source in planned.sources]

    assert epochs(sampling="equal") == [30 / 16, 30]
    assert epochs() == [48 / 16, 12]
    assert epochs(sampling="proportional") == pytest.approx([57 / 16, 3], abs=1)


def test_the_body_is_held_once_and_heads_apart(tmp_path: Path) -> None:
    result, _ = fit(tmp_path, MixingOptions(), epochs=2)
    heads = tmp_path / "model" / HEADS
    left, right = (heads / name for name in ("left", "right"))
    assert (left / "body.safetensors").samefile(right / "body.safetensors")
    assert sorted(load_file(left / "head.safetensors")) == ["head.bias", "head.weight"]
    assert result.parameters == sum(p.numel() for p in Toy().module.parameters()) + sum(
        tensor.numel() for tensor in load_file(right / "head.safetensors").values()
    )
    merge(left, tmp_path / "apart")
    assert_identical(load_file(tmp_path / "apart" / "model.safetensors"), head_weights(tmp_path, "left"))


def test_each_source_is_judged_and_the_best_is_that_of_the_mean_rank(tmp_path: Path) -> None:
    result, events = fit(tmp_path, MixingOptions(), epochs=8, rows=(200, 40), lr=0.5, schedule="constant")
    by_source = {
        name: [event for event in events if isinstance(event, EvaluationCompleted) and event.source == name]
        for name in ("left", "right")
    }
    assert len(by_source["left"]) == len(by_source["right"]) == 8
    for one in result.sources:
        evaluations = by_source[one.name]
        assert one.metrics == next(event.metrics for event in evaluations if event.step == result.best_step)
        assert one.best_metrics["accuracy"] == max(event.metrics["accuracy"] for event in evaluations)
        assert result.metrics[f"{one.name}.accuracy"] == one.metrics["accuracy"]
    assert {event.best for event in by_source["left"]} == {True, False}


@pytest.mark.parametrize("decides", ["left", "right"])
def test_one_source_decides_where_a_person_says_so(tmp_path: Path, decides: str) -> None:
    options: dict[str, Any] = {"epochs": 8, "rows": (200, 40), "lr": 0.5, "schedule": "constant"}
    mixing = MixingOptions(best_by=decides)
    result, events = fit(tmp_path / "whole", mixing, **options)
    figures = {
        event.step: (event.metrics["accuracy"], -event.metrics["loss"])
        for event in events
        if isinstance(event, EvaluationCompleted) and event.source == decides
    }

    assert result.best_step == max(figures, key=figures.__getitem__)
    assert [event.best_by for event in events if isinstance(event, RunPlanned)] == [decides]

    patient, its_events = fit(tmp_path / "patient", mixing, patience=1, **options)
    steps = [*figures]
    worse = next(i for i in range(1, len(steps)) if figures[steps[i]] <= max(figures[step] for step in steps[:i]))
    assert patient.step == steps[worse]
    assert {event.step for event in its_events if isinstance(event, EvaluationCompleted)} == {*steps[: worse + 1]}


def test_a_source_of_which_nothing_is_held_out_does_not_decide(tmp_path: Path) -> None:
    sources, run, _ = sources_of(tmp_path, two_toys(), (8, 8), (1, 1))
    without = dataclasses.replace(sources[0], run=dataclasses.replace(sources[0].run, eval=()))
    with pytest.raises(DatasetInvalid, match="--best-by left: nothing of left is held out"):
        train_sources((without, sources[1]), run, MixingOptions(best_by="left"))


def test_variances_are_learnt_where_weights_are_to_be_found(tmp_path: Path) -> None:
    """A source whose loss stays large weighs less than one that is learnt."""

    class Noise(Toy):
        def losses(self, module: nn.Module, batch: Any) -> Any:
            output = super().losses(module, batch)
            return dataclasses.replace(output, losses=output.losses * 5)

    first = Toy()
    second = Noise(seed=1)
    second.module.body = first.module.body
    sources, run, _ = sources_of(tmp_path, (first, second), (64, 64), (1, 1), epochs=5, lr=1e-3)
    train_sources(sources, run, MIXINGS["uncertainty"])
    newest = max(run.checkpoints_folder.glob("best-*"))
    state = load_file(newest)
    assert state["log_variances.0"] < state["log_variances.1"]


def test_networks_that_share_nothing_are_refused(tmp_path: Path) -> None:
    sources, run, _ = sources_of(tmp_path, (Toy(), Toy()), (8, 8), (1, 1))
    with pytest.raises(Unsupported, match="right and left share no part of the model"):
        train_sources(sources, run)


@pytest.mark.parametrize(("method", "lr"), [("full", 0.5), ("lora", 1.0), ("head", 0.5)])
def test_the_best_of_a_source_is_kept_where_it_is_elsewhere(tmp_path: Path, method: str, lr: float) -> None:
    options: dict[str, Any] = {
        "epochs": 6,
        "rows": (120, 40),
        "lr": lr,
        "schedule": "constant",
        "method": method,
        "save_steps": 9,
        "seed": 0,
    }
    mixing = MixingOptions(keep_best_of="left, right")
    result, _ = fit(tmp_path / "whole", mixing, **options)
    own = {one.name: one.best_step for one in result.sources if one.best_step != result.best_step}
    assert own
    heads = tmp_path / "whole" / "model" / HEADS
    assert {path.name for path in heads.iterdir()} == {"left", "right", *(f"{name}-best" for name in own)}
    for name, step in own.items():
        kept = _whole_weights(heads / f"{name}-best")
        if method == "full":
            state = load_file(tmp_path / "whole" / "checkpoints" / f"best-{step:08d}.safetensors")
            prefix = "networks.0." if name == "left" else "networks.1."
            assert torch.equal(kept["head.weight"], state[f"{prefix}head.weight"])
            assert torch.equal(kept["body.0.weight"], state["networks.0.body.0.weight"])
        if method == "head":
            assert (heads / f"{name}-best" / "body.safetensors").samefile(heads / "left" / "body.safetensors")

    parts = tmp_path / "parts"
    fit(parts, mixing, stop_after=max(step or 0 for step in own.values()) + 3, **options)
    fit(parts, mixing, **options)
    for path in heads.iterdir():
        assert_identical(_whole_weights(path), _whole_weights(parts / "model" / HEADS / path.name))
    kept_steps = {int(path.stem.rpartition("-")[2]) for path in (parts / "checkpoints").glob("best-*")}
    assert {result.best_step, *own.values()} <= kept_steps


def _whole_weights(head: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for path in head.glob("*.safetensors") for name, tensor in load_file(path).items()}
