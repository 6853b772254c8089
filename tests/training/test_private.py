"""A private training: what it spends, that no row does more than it may, and that it goes on where it stopped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from tests.training.toy import Toy, make_run
from tests.training.weights import assert_identical, final_weights
from zoo.blocks import Paragraph, Table
from zoo.data.example import Example
from zoo.errors import OptionInvalid, StoreInvalid, Unsupported
from zoo.runs.checkpoints import NOISE_FILE
from zoo.runs.context import FitResult
from zoo.runs.events import AnyEvent, EvaluationCompleted, Noted, PrivacyPlanned, RunPlanned, StepCompleted
from zoo.training import Batch, Output
from zoo.training.objective import Pieces
from zoo.training.private.accounting import epsilon_of
from zoo.training.private.gradients import Apart, Together, clipped_sum
from zoo.training.private.secret import Secret

pytest.importorskip("opacus")
OPTIONS: dict[str, Any] = {"private": "eps=8", "epochs": 2, "batch_size": 16, "lr": 0.02}


def planned(events: list[AnyEvent]) -> RunPlanned:
    (plan,) = (event for event in events if isinstance(event, RunPlanned))
    return plan


def notes(events: list[AnyEvent]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted)]


def fit(folder: Path, toy: Toy | None = None, **options: Any) -> tuple[FitResult, list[AnyEvent]]:
    run, events = make_run(folder, **{**OPTIONS, **options})
    return (toy or Toy()).fit(run), events


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[FitResult, list[AnyEvent]]:
    return fit(tmp_path_factory.mktemp("finished"))


@pytest.mark.slow
def test_what_is_spent_is_what_opacus_counts(finished: tuple[FitResult, list[AnyEvent]]) -> None:
    """The same numbers to its accountant give the same epsilon; it is within the budget, and near it."""
    from opacus.accountants import PRVAccountant

    result, events = finished
    plan = planned(events).privacy
    assert plan is not None
    accountant = PRVAccountant()
    for _ in range(result.step):
        accountant.step(noise_multiplier=plan.noise_multiplier, sample_rate=plan.sample_rate)
    last = [event for event in events if isinstance(event, StepCompleted)][-1]

    assert last.epsilon == pytest.approx(accountant.get_epsilon(delta=plan.delta), abs=1e-9)
    assert 7.9 < last.epsilon <= 8
    assert (plan.sample_rate, plan.delta, plan.clip, result.step) == (0.25, 1 / 640, 0.1, 8)


def test_the_result_states_what_it_promises(finished: tuple[FitResult, list[AnyEvent]]) -> None:
    table, paragraph = finished[0].report[-2:]
    assert isinstance(table, Table)
    assert isinstance(paragraph, Paragraph)
    assert table.title == "Privacy"
    statement = {str(name): str(text) for name, text in table.rows}
    assert list(statement) == [
        "epsilon",
        "delta",
        "unit",
        "neighbouring data",
        "mechanism",
        "sampling",
        "accountant",
        "randomness",
        "taken to be public",
        "kept",
    ]
    assert "of Opacus 1." in statement["accountant"]
    assert "the 32 rows held out" in paragraph.text


def test_the_weights_of_the_last_step_are_kept(finished: tuple[FitResult, list[AnyEvent]]) -> None:
    """No evaluation chooses among them."""
    result, events = finished
    judged = [(event.step, event.best) for event in events if isinstance(event, EvaluationCompleted)]
    assert judged == [(4, False), (8, True)]
    assert result.best_step == 8


@pytest.mark.parametrize("stop_after", [1, 6, 9])
def test_resume_equals_never_having_stopped(tmp_path: Path, stop_after: int) -> None:
    """With the secret of the run, what is computed again is the same to the bit, so nothing is spent twice."""
    Secret(bytes(32)).save(tmp_path / "whole" / "checkpoints")
    Secret(bytes(32)).save(tmp_path / "parts" / "checkpoints")
    expected, _ = fit(tmp_path / "whole")
    stopped, before = make_run(tmp_path / "parts", stop_after=stop_after, **OPTIONS)
    assert Toy().fit(stopped).cancelled

    resumed, after = fit(tmp_path / "parts")

    assert (resumed.step, resumed.metrics) == (expected.step, expected.metrics)
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))
    last = [event for event in (*before, *after) if isinstance(event, StepCompleted)][-1]
    assert last.step == 8
    assert last.epsilon is not None
    assert last.epsilon <= 8


def test_a_run_goes_on_with_its_noise_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would be chosen today, as with another version of what counts."""
    run, before = make_run(tmp_path, stop_after=3, **OPTIONS)
    Toy().fit(run)
    monkeypatch.setattr("zoo.training.private.plan.noise_multiplier_for", lambda *_, **__: 9.0)
    _, after = fit(tmp_path)

    began = planned(before).privacy
    told = [event.privacy for event in after if isinstance(event, RunPlanned)]
    assert began is not None
    assert [replace_noise(began, 9.0), began] == told


def replace_noise(plan: PrivacyPlanned, noise: float) -> PrivacyPlanned:
    return msgspec.structs.replace(plan, noise_multiplier=noise)


@pytest.mark.parametrize(
    ("noise", "rate", "steps", "delta", "expected"),
    [
        (20.0, 0.1, 3, 1 / 30, 0.0),  # as the accountant says it is below
        (3.0, 0.5, 1, 0.1, 0.0),
        (200.0, 0.01, 1, 0.1, 0.0),  # which it cannot count
        # likewise, as its figures overflow
        pytest.param(0.0195, 0.01, 3, 1e-5, math.inf, marks=pytest.mark.slow),
    ],
)
def test_what_is_spent_is_neither_negative_nor_nothing_for_want_of_a_count(
    noise: float, rate: float, steps: int, delta: float, expected: float
) -> None:
    assert expected == epsilon_of(((noise, rate, steps),), delta)


def test_a_run_without_its_secret_does_not_go_on(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path, stop_after=3, **OPTIONS)
    Toy().fit(run)
    (tmp_path / "checkpoints" / NOISE_FILE).unlink()
    with pytest.raises(StoreInvalid, match="is missing: without it, what the run has spent"):
        fit(tmp_path)


def test_two_runs_differ_whatever_their_seed(tmp_path: Path) -> None:
    """Whoever knows a seed could take the noise away."""
    for name in ("one", "two"):
        fit(tmp_path / name, seed=7)
    one, two = (final_weights(tmp_path / name) for name in ("one", "two"))
    assert any(not torch.equal(one[name], two[name]) for name in one)
    mode = (tmp_path / "one" / "checkpoints" / NOISE_FILE).stat().st_mode
    assert mode & 0o077 == 0


class Strict(Toy):
    """Counts the examples of each batch, and will not be computed several at once."""

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        assert math.isfinite(float(batch["numbers"].sum()))
        return super().losses(module, batch)


def test_a_network_that_cannot_be_computed_several_at_once_learns_the_same(tmp_path: Path) -> None:
    """The run says so, and its gradients are those of one row after the other."""
    for name, toy in (("together", Toy(dropout=0.0)), ("apart", Strict(dropout=0.0))):
        Secret(bytes(32)).save(tmp_path / name / "checkpoints")
        _, events = fit(tmp_path / name, toy)
        told = [note for note in notes(events) if "one by one" in note]
        assert len(told) == (name == "apart")
    together, apart = final_weights(tmp_path / "together"), final_weights(tmp_path / "apart")
    for name, tensor in together.items():
        assert torch.allclose(tensor, apart[name], atol=1e-4), name


def test_a_resumed_run_computes_as_it_began(tmp_path: Path) -> None:
    """It does not try again, with other weights, whether several can be computed at once."""
    for name in ("whole", "parts"):
        Secret(bytes(32)).save(tmp_path / name / "checkpoints")
    fit(tmp_path / "whole", Strict(dropout=0.0))
    stopped, _ = make_run(tmp_path / "parts", stop_after=3, **OPTIONS)
    assert Strict(dropout=0.0).fit(stopped).cancelled
    fit(tmp_path / "parts", Toy(dropout=0.0))
    assert_identical(final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts"))


def test_gradients_are_those_of_plain_autograd() -> None:
    toy = Toy(dropout=0.0)
    batch = {"numbers": torch.randn(5, 3), "labels": torch.tensor([0, 1, 1, 0, 1])}
    weights = torch.tensor([1.0, 2.0, 1.0, 0.5, 1.0])
    losses, gradients = Together(toy, toy.module)(batch, weights)
    for i in range(5):
        loss, plain = Apart(toy, toy.module)({name: t[i : i + 1] for name, t in batch.items()}, weights[i : i + 1])
        assert torch.allclose(losses[i], loss[0])
        for name, gradient in plain.items():
            assert torch.allclose(gradients[name][i], gradient[0], atol=1e-6)


def test_no_row_moves_a_step_by_more_than_the_clip() -> None:
    """Nor one whose gradient is not finite: that counts as zero."""
    gradients = {"a": torch.tensor([[300.0, 400.0], [0.003, 0.004], [math.nan, 1.0]]), "b": torch.zeros(3, 1, 2)}
    total = clipped_sum(gradients, 0.1)
    assert torch.allclose(total["a"], torch.tensor([0.063, 0.084]), atol=1e-5)
    assert total["b"].shape == (1, 2)


def test_noise_and_sampling_are_what_they_say() -> None:
    """Standard normal and uniform, the same for the same place and others for others."""
    secret = Secret(bytes(range(32)))
    noise = secret.normal(torch.empty(40_000), "noise", 1, "a")
    assert noise.mean().abs() < 0.02
    assert (noise.std() - 1).abs() < 0.02
    assert torch.equal(noise, secret.normal(torch.empty(40_000), "noise", 1, "a"))
    other = secret.normal(torch.empty(40_000), "noise", 2, "a")
    assert np.corrcoef(noise.numpy(), other.numpy())[0, 1] == pytest.approx(0, abs=0.03)
    uniform = secret.uniform(100_000, "rows", 3)
    assert (uniform < 0.1).mean() == pytest.approx(0.1, abs=0.005)


def test_a_step_without_rows_is_a_step(tmp_path: Path) -> None:
    """It is noise alone, and spends as others do."""
    secret = next(
        secret
        for secret in (Secret(bytes([number]) * 32) for number in range(256))
        if not (secret.uniform(8, "rows", 2) < 0.25).any()
    )
    secret.save(tmp_path / "checkpoints")
    result, events = fit(tmp_path, batch_size=2, rows=8, private="eps=8,delta=0.0015625")
    assert result.step == 8
    steps = [event for event in events if isinstance(event, StepCompleted)]
    assert steps[-1].epsilon is not None
    assert steps[-1].epsilon > 7.9


class Divided(Toy):
    """Every second row is divided into three examples."""

    def features(self, examples: Sequence[Example]) -> Any:
        encoded = super().features(examples)
        return [Pieces((one,) * 3) if i % 2 else one for i, one in enumerate(encoded)]


def test_a_row_that_is_divided_is_one_unit(tmp_path: Path) -> None:
    """All its parts are shortened together: what comes out is as if they were one."""
    for name, toy in (("whole", Toy(dropout=0.0)), ("divided", Divided(dropout=0.0))):
        Secret(bytes(32)).save(tmp_path / name / "checkpoints")
        _, events = fit(tmp_path / name, toy)
        assert planned(events).privacy == planned(events).privacy
        assert planned(events).batch_size == 16
    whole, divided = final_weights(tmp_path / "whole"), final_weights(tmp_path / "divided")
    for name, tensor in whole.items():
        assert torch.allclose(tensor, divided[name], atol=1e-4), name


class Normed(Toy):
    """Has a batch norm in its body."""

    def __init__(self) -> None:
        super().__init__(dropout=0.0)
        self.module.body = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh())


def test_batch_norms_keep_the_statistics_they_came_with(tmp_path: Path) -> None:
    _, events = fit(tmp_path, Normed(), method="full")
    assert "1 batch norm kept with the statistics of before, as new ones would tell of rows" in notes(events)
    weights = final_weights(tmp_path)
    assert torch.equal(weights["body.1.running_mean"], torch.zeros(8))
    assert torch.equal(weights["body.1.weight"], torch.ones(8))
    assert not torch.equal(weights["body.0.weight"], Normed().module.body[0].weight)


class Remembering(Toy):
    """Notes down what it saw."""

    def __init__(self) -> None:
        super().__init__(dropout=0.0)
        self.module.register_buffer("seen", torch.zeros(()))

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        if module.training:
            self.module.seen.add_(float(len(batch["labels"])))
        return super().losses(module, batch)


def test_a_network_that_notes_down_what_it_saw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="keeps statistics of rows, too: seen"):
        fit(tmp_path, Remembering(), method="full")


def test_lora_is_learnt_unless_something_else_is_said(tmp_path: Path) -> None:
    fit(tmp_path)
    assert (tmp_path / "model" / "adapter").is_dir()
    Toy.lora_targets, before = (), Toy.lora_targets
    try:
        _, events = fit(tmp_path / "head")
    finally:
        Toy.lora_targets = before
    assert planned(events).trainable_parameters == 18


def test_delta_is_below_one_over_the_rows(tmp_path: Path) -> None:
    with pytest.raises(OptionInvalid, match=r"delta 0.02, with which whole rows could be told: there are 64"):
        fit(tmp_path, private="eps=8,delta=0.02")


def whose(rows: int, people: int) -> dict[int, str]:
    return {row: f"person {row % people}" for row in range(1, rows + 1)}


def test_a_person_is_one_unit_with_all_rows(tmp_path: Path) -> None:
    """What is counted, drawn and clipped is a person, and the statement says so."""
    run, events = make_run(tmp_path, **{**OPTIONS, "batch_size": 4, "unit": "author"})
    result = Toy().fit(replace(run, units=whose(64, 16)))

    plan = planned(events).privacy
    assert plan is not None
    assert (plan.unit, plan.units, plan.sample_rate, plan.delta) == ("author", 16, 0.25, 1 / 160)
    table, paragraph = result.report[-2:]
    assert isinstance(table, Table)
    assert isinstance(paragraph, Paragraph)
    statement = {str(name): str(text) for name, text in table.rows}
    assert statement["unit"].startswith("all rows that have the same in column author, of which there are 16")
    assert statement["neighbouring data"] == "all rows of one author more or less (add or remove)"
    assert statement["sampling"] == "Poisson: each author in each step with probability 0.25"
    assert "--unit" not in paragraph.text


def test_no_person_moves_a_step_by_more_than_the_clip(tmp_path: Path) -> None:
    """Rows of one, twice as many, move it as far as one of them."""
    weights = {}
    for name, copies in (("once", 1), ("thrice", 3)):
        Secret(bytes(32)).save(tmp_path / name / "checkpoints")
        options = {**OPTIONS, "batch_size": 4, "unit": "author", "micro_batch_size": 4}
        run, _ = make_run(tmp_path / name, rows=16, **options)
        train = tuple(
            Example(one.input, one.target, 100 * copy + one.row) for one in run.train for copy in range(copies)
        )
        units = {example.row: str(example.row % 100) for example in train}
        Toy(dropout=0.0).fit(replace(run, train=train, units=units))
        weights[name] = final_weights(tmp_path / name)
    for name, tensor in weights["once"].items():
        assert torch.allclose(tensor, weights["thrice"][name], atol=1e-4), name


@pytest.mark.parametrize(
    ("asked", "expected"), [pytest.param({}, 64, marks=pytest.mark.slow), ({"micro_batch_size": 12}, 12)]
)
def test_a_person_gives_as_many_rows_as_are_computed_at_once(
    tmp_path: Path, asked: dict[str, int], expected: int
) -> None:
    """However few people are in a batch, and however large what is learnt of each is."""
    run, events = make_run(tmp_path, **{**OPTIONS, "unit": "author", "batch_size": 2, **asked})
    Toy().fit(replace(run, units=whose(64, 4)))
    assert planned(events).micro_batch_size == expected
    assert planned(events).batch_size == 2


def test_rows_of_one_text_are_told(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, **OPTIONS)
    again = Example(run.train[0].input, run.train[0].target, 64)
    Toy().fit(replace(run, train=(*run.train[:-1], again)))
    assert any(note.startswith("2 rows have an input that stands in others") for note in notes(events))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eps=0", "--private has epsilon 0, but takes a number from 0.1 to 100"),
        ("delta=1e-5", "--private 'delta=1e-5' does not say eps, the budget"),
        ("eps=8,eps=3", "--private says epsilon twice"),
        ("eps=8,noise=1", "--private has 'noise=1', which cannot be read"),
        ("much", "--private has 'much', which cannot be read"),
        ("eps=nan", "--private has 'eps=nan', which cannot be read"),
        ("eps=8,delta=1", "--private has delta 1, but takes a number between 0 and 1"),
    ],
)
def test_a_budget_that_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        make_run(tmp_path, private=text)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 2}, "--patience ends a training by the rows held out"),
        ({"max_grad_norm": 0.5}, "--max-grad-norm is of the gradient of a batch"),
        ({"class_weights": "auto"}, "--class-weights auto counts the rows of each class"),
    ],
)
def test_what_would_tell_of_rows_otherwise_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        make_run(tmp_path, private="8", **options)
    assert caught.value.message.startswith(message)
