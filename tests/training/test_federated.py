"""Clients that keep their rows learn one model: what is averaged, who is left out, that stopping changes nothing."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from tests.training.test_replaying import Computing
from tests.training.toy import LABELS, Toy, examples, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.errors import RunFailed
from zoo.hyperparameters import FederationOptions
from zoo.options import parse
from zoo.runs.context import TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, RunPlanned, StepCompleted, Warned
from zoo.training.federated.averaging import Average
from zoo.training.federated.rounds import all_rounds, drawn
from zoo.training.optimizer import make_optimizer
from zoo.training.seeding import mix

SIZES = (24, 40, 9)
OPTIONS: dict[str, Any] = {"batch_size": 8, "lr": 0.02}


def federated(
    folder: Path,
    *,
    sizes: tuple[int, ...] = SIZES,
    stop_after: int | None = None,
    method: str = "full",
    **federation: Any,
) -> tuple[TrainingRun, list[AnyEvent]]:
    """A run over clients with so many rows, each with a share held out."""
    whole, events = make_run(folder, rows=1, eval_rows=0, stop_after=stop_after, method=method, **OPTIONS)
    clients = tuple(
        dataclasses.replace(
            whole, source=f"client-{i}", train=examples(rows, seed=10 + i), eval=examples(6, seed=20 + i)
        )
        for i, rows in enumerate(sizes)
    )
    run = dataclasses.replace(
        whole,
        train=tuple(example for client in clients for example in client.train),
        eval=tuple(example for client in clients for example in client.eval),
        clients=clients,
        federation=parse(FederationOptions, {"rounds": 3, **federation}),
    )
    return run, events


def of(kind: type, events: list[AnyEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_the_mean_is_weighted_by_rows() -> None:
    before = {"weight": torch.tensor([1.0, 2.0]), "count": torch.tensor(4)}
    average = Average()
    average.add(before, {"weight": torch.tensor([2.0, 2.0]), "count": torch.tensor(7)}, 30)
    average.add(before, {"weight": torch.tensor([1.0, 6.0]), "count": torch.tensor(5)}, 10)
    again = Average(average.state())

    after = again.applied_to({**before, "frozen": torch.tensor(5.0)})

    assert after["weight"].tolist() == [1.75, 3.0]
    assert after["count"].item() == 6
    assert after["count"].dtype == torch.int64
    assert after["frozen"].item() == 5.0


def test_rounds_are_drawn_from_the_seed() -> None:
    rounds = all_rounds(parse(FederationOptions, {"rounds": 4, "share": 0.5}), 7, [2, 3, 5, 1])
    flat = [turn for turns in rounds for turn in turns]

    assert [len(turns) for turns in rounds] == [2, 2, 2, 2]
    assert [turn.begin for turn in flat[1:]] == [turn.end for turn in flat[:-1]]
    assert all(turn.first == (turn.round - 1) * turn.steps + 1 for turn in flat)
    assert len({tuple(drawn(10, 0.3, 7, number)) for number in range(20)}) > 5
    assert drawn(10, 0.01, 7, 1) != []


def test_one_client_alone_learns_what_a_training_in_one_place_does(tmp_path: Path) -> None:
    run, _ = federated(tmp_path / "federated", sizes=(40,), rounds=1, local_epochs=3)
    Toy().fit(run)
    seed = mix(run.options.seed, 1) % 2**32
    alone, _ = make_run(tmp_path / "alone", eval_rows=0, **OPTIONS, epochs=3, seed=seed)
    Toy().fit(dataclasses.replace(alone, train=run.clients[0].train))

    expected, actual = final_weights(tmp_path / "alone"), final_weights(tmp_path / "federated")
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(actual[name], tensor, rtol=1e-5, atol=1e-6)


def test_clients_learn_together_and_are_told_apart(tmp_path: Path) -> None:
    run, events = federated(tmp_path)
    result = Toy().fit(run)

    planned: RunPlanned = of(RunPlanned, events)[0]
    assert planned.steps == result.step == 3 * (3 + 5 + 2)
    assert [source.name for source in planned.sources] == ["client-0", "client-1", "client-2"]
    assert [source.epochs for source in planned.sources] == [3.0, 3.0, 3.0]
    evaluations = of(EvaluationCompleted, events)
    assert [event.source for event in evaluations[:4]] == ["", "client-0", "client-1", "client-2"]
    assert evaluations[0].rows == 18
    own = [event.metrics["accuracy"] for event in evaluations[1:4]]
    assert evaluations[0].metrics["accuracy"] == pytest.approx(sum(own) / 3)
    assert {source.name for event in of(StepCompleted, events) for source in event.sources} <= {
        "client-0",
        "client-1",
        "client-2",
    }
    assert result.metrics["accuracy"] > 0.7
    assert [source.name for source in result.sources] == ["client-0", "client-1", "client-2"]
    assert result.labels == LABELS


@pytest.mark.parametrize("method", ["full", "head", "lora"])
@pytest.mark.parametrize("stop_after", [2, 9, 13])
def test_resume_equals_never_having_stopped(tmp_path: Path, stop_after: int, method: str) -> None:
    """Stopped in a step of a client or in an evaluation, the resumed run ends with the same bits."""
    whole, _ = federated(tmp_path / "whole", method=method, share=0.7, strategy="fedprox", mu=0.1)
    expected = Toy().fit(whole)
    stopped, _ = federated(
        tmp_path / "parts", method=method, share=0.7, strategy="fedprox", mu=0.1, stop_after=stop_after
    )
    first = Toy().fit(stopped)
    resumed, _ = federated(tmp_path / "parts", method=method, share=0.7, strategy="fedprox", mu=0.1)
    second = Toy().fit(resumed)

    assert (first.cancelled, second.cancelled) == (True, False)
    assert second.metrics == expected.metrics
    assert second.best_step == expected.best_step
    assert second.sources == expected.sources
    assert second.report == expected.report
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


def test_a_client_whose_loss_diverges_is_left_out_of_its_round(tmp_path: Path) -> None:
    run, events = federated(tmp_path, rounds=2, local_epochs=2)
    result = Toy(spoil=lambda call: 6 < call <= 11).fit(run)  # six steps of the first client, five of the second

    warnings = [event.message for event in of(Warned, events)]
    assert any(message.startswith("round 1: client-1 is left out: the loss diverged") for message in warnings)
    assert not any("is left out" in message for message in warnings if message.startswith("round 2"))
    assert not result.cancelled
    assert result.metrics["accuracy"] > 0.5
    assert [source.epochs for source in result.sources] == [4.0, 2.0, 4.0]


def test_rounds_that_patience_leaves_out_are_not_counted(tmp_path: Path) -> None:
    run, _ = federated(tmp_path, rounds=6)
    result = Toy().fit(dataclasses.replace(run, options=msgspec.structs.replace(run.options, patience=1, lr=1e-12)))

    assert result.step == 2 * (3 + 5 + 2)
    assert [source.epochs for source in result.sources] == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(("shortest", "recordings"), [(0, 6), (50, 0)])
def test_nothing_of_a_turn_stays_on_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shortest: int, recordings: int
) -> None:
    """Recorded or, where a turn is too short for that, not; no garbage needs to be collected meanwhile."""
    recorder = Computing()
    made: list[weakref.ref[torch.optim.Optimizer]] = []

    def noted(*arguments: Any) -> torch.optim.Optimizer:
        assert all(one() is None for one in made)
        optimizer = make_optimizer(*arguments)
        made.append(weakref.ref(optimizer))
        return optimizer

    monkeypatch.setattr("zoo.training.replaying.FASTER", 0.0)
    monkeypatch.setattr("zoo.training.replaying.MIN_STEPS", shortest)
    monkeypatch.setattr("zoo.training.optimizer_step.recorder_for", lambda device: recorder)
    monkeypatch.setattr("zoo.training.optimizer_step.make_optimizer", noted)
    run, _ = federated(tmp_path, sizes=(24, 40), local_epochs=4)
    gc.disable()
    try:
        Toy().fit(run)
    finally:
        gc.enable()
    assert (len(made), recorder.recordings) == (6, recordings)
    assert all(one() is None for one in made)


def test_a_round_of_which_nothing_comes_fails(tmp_path: Path) -> None:
    run, _ = federated(tmp_path, sizes=(48, 56))
    with pytest.raises(RunFailed, match="round 1: nothing came of any of 2 clients"):
        Toy(spoil=lambda call: True).fit(run)


def test_a_pull_keeps_clients_near_where_they_began(tmp_path: Path) -> None:
    def moved(name: str, **federation: Any) -> float:
        run, _ = federated(tmp_path / name, rounds=1, local_epochs=4, **federation)
        start = Toy().module.state_dict()
        Toy().fit(run)
        return sum(float((tensor - start[name]).norm()) for name, tensor in final_weights(tmp_path / name).items())

    assert moved("pulled", strategy="fedprox", mu=50.0) < 0.8 * moved("free")


def test_what_learns_is_what_travels(tmp_path: Path) -> None:
    run, events = federated(tmp_path / "head", method="head", rounds=1)
    Toy().fit(run)
    head = (8 * 2 + 2) * 4

    notes = [event.message for event in of(Noted, events)]
    assert f"{head} B go to a client and as much comes back, {6 * head} B in a round of 3 clients" in notes[0]
