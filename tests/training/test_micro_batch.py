"""How many examples are computed at once is found by measuring, and how much memory a dry run has measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.hungry import HungryToy
from tests.training.test_out_of_memory import halvings
from tests.training.toy import make_run
from tests.training.weights import assert_identical, final_weights
from zoo.plan_messages import memory_fact
from zoo.runs.events import AnyEvent, Noted, RunPlanned
from zoo.training import device_memory, micro_batch

OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 32, "lr": 0.02}


def notes(events: list[AnyEvent]) -> list[str]:
    return [event.message for event in events if isinstance(event, Noted)]


def trained(folder: Path, toy: HungryToy, **options: Any) -> list[AnyEvent]:
    run, events = make_run(folder, rows=64, **(OPTIONS | options))
    toy.fit(run)
    return events


def test_a_cpu_that_is_short_of_memory_computes_fewer_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy keeps some hundred bytes of an example; the result is that of asking for as many."""
    monkeypatch.setattr(micro_batch, "limit_bytes", lambda device: 7_000)
    events = trained(tmp_path / "short", HungryToy())
    (note,) = notes(events)
    size = int(note.removeprefix("micro-batch: ").partition(" ")[0])
    assert size in (2, 4, 8, 16)
    trained(tmp_path / "asked", HungryToy(), micro_batch_size=size)
    assert_identical(final_weights(tmp_path / "short"), final_weights(tmp_path / "asked"))


def test_what_is_asked_for_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_batch, "limit_bytes", lambda device: 1)
    assert notes(trained(tmp_path, HungryToy(), micro_batch_size=16)) == []


class Accelerator:
    """Counts the memory of a toy: so many bytes for each example, on top of what is there anyway."""

    def __init__(self, toy: HungryToy, limit: int) -> None:
        self._toy, self._limit = toy, limit
        self.tried: list[int] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        losses = self._toy.losses

        def counted(module: Any, batch: Any) -> Any:
            self.tried.append(len(batch["labels"]))
            return losses(module, batch)

        monkeypatch.setattr(self._toy, "losses", counted)
        monkeypatch.setattr(micro_batch, "find_for", lambda device: micro_batch._tried)
        monkeypatch.setattr(micro_batch, "limit_bytes", lambda device: self._limit)
        monkeypatch.setattr(micro_batch, "used_bytes", lambda device: 1000)
        monkeypatch.setattr(micro_batch, "peak_bytes", lambda device: 1000 + 100 * self.tried[-1])


@pytest.mark.parametrize(("limit", "expected"), [(100_000, 32), (4_900, 16), (3_400, 8), (2_700, 4)])
def test_an_accelerator_takes_as_many_as_are_sure_to_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, expected: int
) -> None:
    toy = HungryToy()
    accelerator = Accelerator(toy, limit)
    accelerator.install(monkeypatch)
    monkeypatch.setattr(toy, "micro_batch_size", 16)
    events = trained(tmp_path / "found", toy)
    assert accelerator.tried[:3] == [2, expected, expected]
    assert [note.startswith(f"micro-batch: {expected} examples at once") for note in notes(events)] == (
        [True] if expected != 16 else []
    )
    trained(tmp_path / "asked", HungryToy(), micro_batch_size=expected)
    assert_identical(final_weights(tmp_path / "found"), final_weights(tmp_path / "asked"))


def test_where_a_few_were_wrong_half_as_many_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = HungryToy(most=5)
    accelerator = Accelerator(toy, 10**9)
    accelerator.install(monkeypatch)
    assert halvings(trained(tmp_path, toy)) == []
    assert accelerator.tried[:6] == [2, 32, 16, 8, 4, 4]


def test_a_dry_run_measures_memory(tmp_path: Path) -> None:
    run, events = make_run(tmp_path, **OPTIONS)
    object.__setattr__(run, "dry_run", True)
    HungryToy().fit(run)
    _, plan = (event for event in events if isinstance(event, RunPlanned))
    assert 10_000_000 < plan.memory_bytes < plan.memory_limit_bytes
    assert " at its peak, fits in " in memory_fact(plan)


def test_what_does_not_fit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = RunPlanned(
        steps=1, epochs=1, batch_size=1, micro_batch_size=1, parameters=1, trainable_parameters=1, lr=1,
        memory_bytes=3_000_000_000, memory_limit_bytes=2_000_000_000,
    )  # fmt: skip
    assert memory_fact(plan) == "3.0 GB at its peak, does not fit in 2.0 GB free"


def test_the_memory_of_this_machine_is_known() -> None:
    import torch

    cpu = torch.device("cpu")
    assert 0 < device_memory.peak_bytes(cpu) < device_memory.limit_bytes(cpu)
