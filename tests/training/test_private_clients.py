"""Clients that learn privately: what is spent, that none does more than it may, and that nothing is spent twice."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from statistics import NormalDist
from typing import Any

import msgspec
import pytest
import torch

from tests.training.test_federated import federated, of
from tests.training.toy import Toy
from tests.training.weights import assert_identical, final_weights
from zoo.blocks import Paragraph, Table
from zoo.errors import OptionInvalid, RunFailed, StoreInvalid
from zoo.privacy import Privacy
from zoo.runs.checkpoints import NOISE_FILE
from zoo.runs.context import FitResult, TrainingRun
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, RunPlanned, StepCompleted, Warned
from zoo.training.federated.averaging import Average
from zoo.training.federated.private import PrivateRounds, seed_of
from zoo.training.private.secret import Secret

pytest.importorskip("opacus")


def private_run(
    folder: Path, private: str = "eps=8,delta=0.1", **federation: Any
) -> tuple[TrainingRun, list[AnyEvent]]:
    run, events = federated(folder, **federation)
    return dataclasses.replace(run, options=msgspec.structs.replace(run.options, private=private)), events


def fit(folder: Path, **federation: Any) -> tuple[FitResult, list[AnyEvent]]:
    run, events = private_run(folder, **federation)
    return Toy().fit(run), events


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[FitResult, list[AnyEvent], Path]:
    folder = tmp_path_factory.mktemp("finished")
    return *fit(folder, rounds=4), folder


def test_what_is_spent_is_what_the_gaussian_mechanism_costs(
    finished: tuple[FitResult, list[AnyEvent], Path],
) -> None:
    """All clients are in each round, so that is known in closed form (Balle and Wang 2018, arXiv:1805.06530)."""
    _, events, _ = finished
    (plan,) = (event.privacy for event in of(RunPlanned, events))
    spent = [event.epsilon for event in of(StepCompleted, events)]
    mu = math.sqrt(4) / plan.noise_multiplier

    def delta(epsilon: float) -> float:
        below = NormalDist().cdf
        return below(mu / 2 - epsilon / mu) - math.exp(epsilon) * below(-mu / 2 - epsilon / mu)

    assert (plan.unit, plan.units, plan.rounds, plan.sample_rate, plan.clip) == ("client", 3, 4, 1.0, 0.5)
    assert spent == sorted(spent)
    assert len(set(spent)) == 4
    assert delta(spent[-1]) <= 0.1 < delta(spent[-1] - 0.1)
    assert 7.8 < spent[-1] <= 8


def test_what_the_result_says_of_its_clients(finished: tuple[FitResult, list[AnyEvent], Path]) -> None:
    """Neither who they are nor what each has; and no evaluation chose the weights."""
    result, events, _ = finished
    table, paragraph = result.report[1:3]
    assert isinstance(result.report[0], Paragraph)
    assert "each counted once" in result.report[0].text
    assert isinstance(table, Table)
    assert isinstance(paragraph, Paragraph)
    statement = {str(name): str(text) for name, text in table.rows}
    assert statement["unit"] == "one client with all its rows, of 3"
    assert statement["epsilon"].endswith("spent of 8")
    assert "4 rounds" in statement["mechanism"]
    assert "client-" not in str(result.report)
    whole = [event.best for event in of(EvaluationCompleted, events) if not event.source]
    assert whole == [False, False, False, True]
    assert result.best_step == result.step
    notes = [event.message for event in of(Noted, events)]
    assert any(note.startswith("round 1: client-0 moved the weights by ") for note in notes)


def test_few_clients_are_warned_with_figures(finished: tuple[FitResult, list[AnyEvent], Path]) -> None:
    """Noise and what is learnt at most, as they can be computed by hand."""
    _, events, folder = finished
    (plan,) = (event.privacy for event in of(RunPlanned, events))
    weights = sum(tensor.numel() for name, tensor in final_weights(folder).items() if "head" in name)
    noise = plan.noise_multiplier * 0.5 * math.sqrt(weights * 4) / 3
    warnings = [event.message for event in of(Warned, events) if "drowns" in event.message]

    assert bool(warnings) == (noise > 2)
    few = PrivateRounds(Privacy(epsilon=8, clip=0.5), 0.1, [(0,), (1,)], 1.0, 3.0, Secret(bytes(32)), 4)
    remark = few.remark(torch.nn.Linear(99, 1))
    assert "it has moved 100 weights by 15, and 2 clients move them by 2 at most; it takes some 15 clients" in remark
    assert not few.remark(torch.nn.Linear(1, 1, bias=False))


SOME_EMPTY = Secret(bytes([200] * 32))
"""Of three clients that are each drawn with probability 0.5 it draws none in the rounds 1, 3 and 6 of six."""


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> tuple[FitResult, list[AnyEvent], Path]:
    folder = tmp_path_factory.mktemp("sparse")
    SOME_EMPTY.save(folder / "checkpoints")
    return *fit(folder, rounds=6, share=0.5), folder


@pytest.mark.parametrize("stop_after", [2, 8])
def test_resume_equals_never_having_stopped(
    sparse: tuple[FitResult, list[AnyEvent], Path], tmp_path: Path, stop_after: int
) -> None:
    """Clients and noise are those of the secret, so nothing is spent twice."""
    expected, _, whole = sparse
    SOME_EMPTY.save(tmp_path / "checkpoints")
    stopped, _ = private_run(tmp_path, rounds=6, share=0.5, stop_after=stop_after)
    assert Toy().fit(stopped).cancelled
    resumed, events = fit(tmp_path, rounds=6, share=0.5)

    assert (resumed.step, resumed.metrics) == (expected.step, expected.metrics)
    assert resumed.report == expected.report
    assert_identical(final_weights(whole), final_weights(tmp_path))
    assert all(event.epsilon <= 8 for event in of(StepCompleted, events))


def test_rounds_of_nobody_have_noise(sparse: tuple[FitResult, list[AnyEvent], Path]) -> None:
    """It comes in order, and is counted; each round of somebody is judged with that of those after it."""
    result, events, _ = sparse
    rounds = PrivateRounds(Privacy(epsilon=8), 0.1, [(0,), (1,), (2,)], 0.5, 1.0, SOME_EMPTY, 6)
    assert [len(rounds.drawn(number)) for number in range(1, 7)] == [0, 1, 0, 2, 2, 0]
    assert 7.8 < of(StepCompleted, events)[-1].epsilon <= 8
    assert len([event for event in of(EvaluationCompleted, events) if not event.source]) == 3
    assert "6 rounds" in str(result.report)


def test_no_client_moves_the_weights_further_than_it_may() -> None:
    before = {"weight": torch.tensor([3.0, 4.0]), "bias": torch.tensor(1.0)}
    average = Average()
    far = {"weight": torch.tensor([303.0, 404.0]), "bias": torch.tensor(1.0)}
    near = {"weight": torch.tensor([3.0, 4.25]), "bias": torch.tensor(1.0)}

    assert average.add_shortened(before, far, 0.5) == pytest.approx(500)
    assert average.add_shortened(before, near, 0.5) == pytest.approx(0.25)
    assert math.isinf(average.add_shortened(before, {**near, "bias": torch.tensor(math.inf)}, 0.5))

    total = average.total("weight")
    assert total is not None
    assert total.tolist() == pytest.approx([0.3, 0.65], rel=1e-5)
    assert average.total("weights") is None
    assert Average(average.state()).rows == 2


def test_noise_has_the_spread_that_is_planned() -> None:
    rounds = PrivateRounds(Privacy(epsilon=8, clip=0.5), 0.1, [(i,) for i in range(10)], 0.4, 3.0, Secret.fresh(), 1)
    before = {"weight": torch.zeros(20_000), "count": torch.tensor(4)}
    after = rounds.released(before, Average(), frozenset({"weight"}), [1])

    assert after["count"] is before["count"]
    assert float(after["weight"].std()) == pytest.approx(3.0 * 0.5 / 4, rel=0.05)
    assert float(after["weight"].mean()) == pytest.approx(0, abs=0.02)


def test_a_client_that_is_lost_is_one_that_changed_nothing(tmp_path: Path) -> None:
    run, events = private_run(tmp_path, rounds=2, sizes=(48, 56))
    result = Toy(spoil=lambda call: True).fit(run)

    assert not result.cancelled
    assert sum("is left out: the loss diverged" in event.message for event in of(Warned, events)) == 4


def test_what_a_client_draws_depends_on_no_other_one() -> None:
    assert seed_of("north") != seed_of("south")
    assert seed_of("north") == seed_of("north") < 2**32


def test_a_run_without_its_secret_does_not_go_on(tmp_path: Path) -> None:
    run, _ = private_run(tmp_path, stop_after=3)
    Toy().fit(run)
    (tmp_path / "checkpoints" / NOISE_FILE).unlink()
    with pytest.raises(StoreInvalid, match="is missing"):
        fit(tmp_path)


@pytest.mark.slow
def test_what_cannot_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = private_run(tmp_path / "delta", "eps=8,delta=0.4")
    with pytest.raises(OptionInvalid, match="whole clients could be told: there are 3"):
        Toy().fit(run)
    run, _ = private_run(tmp_path / "nothing", share=1e-6)
    with pytest.raises(OptionInvalid, match=r"spends nothing that could be counted with delta=0\.1"):
        Toy().fit(run)
    monkeypatch.setattr(PrivateRounds, "drawn", lambda rounds, number: [])
    run, _ = private_run(tmp_path / "nobody")
    with pytest.raises(RunFailed, match=r"no client was drawn in any of 3 rounds"):
        Toy().fit(run)
